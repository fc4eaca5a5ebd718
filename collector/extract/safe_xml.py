"""XML that nobody vouches for, as a stream of elements in flat memory.

Entities are refused (defusedxml), nothing outside of the file is ever looked at, nesting and tags are
bounded. Control characters that XML does not know become `?`: test output is full of them, and not every
producer leaves them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler, feature_external_ges

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from collector.extract.values import BoundedText, NotResults

MAX_DEPTH = 1_000
MAX_TAG = 8 << 20
"""Bytes of one tag with its attributes, or of one comment: the parser has to hold it whole."""

_BAD = bytes(n for n in range(32) if n not in b"\t\n\r")
_CLEAN = bytes.maketrans(_BAD, b"?" * len(_BAD))
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Attributes(Protocol):
    """What is used of an element's attributes."""

    def get(self, name: str, alternative: None = None) -> str | None:
        """Return an attribute's value, None where it is missing."""


class Unreadable(Exception):
    """The rest of the file cannot be read."""


class Elements(ContentHandler):
    """Takes elements as they come. `path` holds the names of those that are open, `text` takes characters."""

    def __init__(self) -> None:
        super().__init__()
        self.path: list[str] = []
        self.text: BoundedText | None = None
        self.seen = 0

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the start of an element; its name has no prefix, and is in `path` already."""

    def end(self, name: str) -> None:
        """Take the end of an element; its name has left `path`."""

    def startElement(self, name: str, attrs: Attributes) -> None:  # noqa: D102 (xml.sax names it)
        if len(self.path) >= MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH:,} levels")
        self.seen += 1
        name = _local(name)
        self.path.append(name)
        self.start(name, attrs)

    def endElement(self, name: str) -> None:  # noqa: D102
        self.seen += 1
        self.end(self.path.pop())

    def characters(self, content: str) -> None:  # noqa: D102
        self.seen += 1
        if self.text is not None:
            self.text.add(content)


class _Root(Elements):
    """Waits for the root element, and hands over to what reads such a document."""

    def __init__(self, parser: DefusedExpatParser, readers: Mapping[str, Callable[[], Elements]]) -> None:
        super().__init__()
        self._parser = parser
        self._readers = readers
        self.reader: Elements | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        if name not in self._readers:
            raise NotResults(f"the root element is <{name[:80]}>")
        self.reader = self._readers[name]()
        self._parser.setContentHandler(self.reader)
        self.reader.startElement(name, attributes)


def read_xml(
    pieces: Iterable[bytes], readers: Mapping[str, Callable[[], Elements]]
) -> tuple[Elements, str | None]:
    """Read a document with the reader that its root element asks for.

    Returns:
        That reader, and what kept it from reading the document to its end, None if nothing did.

    Raises:
        NotResults: there is no reader for the root element, or no root element.
    """
    parser = _Parser()
    root = _Root(parser, readers)
    parser.setContentHandler(root)
    problem = None
    try:
        _feed(parser, root, pieces)
    except NotResults:
        raise
    except (SAXException, DefusedXmlException, Unreadable, LookupError, ValueError) as error:
        # LookupError and ValueError: an encoding that Python does not have, or expat cannot use.
        problem = _sentence(error)
    if root.reader is None:
        raise NotResults(problem or "there is no element in it")
    return root.reader, problem


class _Parser(DefusedExpatParser):
    """Refuses every entity. A DTD may be named, as gcovr does; nobody looks at it."""

    def __init__(self) -> None:
        super().__init__(forbid_entities=True, forbid_external=False)
        self.setFeature(feature_external_ges, False)

    def reset(self) -> None:
        """Begin anew; without a buffer every line end of a text would be a call of its own."""
        super().reset()
        self._parser.buffer_text = True  # type: ignore[attr-defined]  # the stubs do not know it


def _feed(parser: DefusedExpatParser, root: _Root, pieces: Iterable[bytes]) -> None:
    clean: bool | None = None
    seen = waiting = 0
    for piece in pieces:
        if clean is None:
            clean = not piece.startswith(_WIDE) and b"\0" not in piece[:4]
        parser.feed(piece.translate(_CLEAN) if clean else piece)
        now = (root.reader or root).seen
        waiting = waiting + len(piece) if now == seen else 0
        seen = now
        if waiting > MAX_TAG:
            raise Unreadable(f"a tag or comment of more than {MAX_TAG >> 20} MB")
    parser.close()


def _local(name: str) -> str:
    return name.rpartition(":")[2] if ":" in name else name


def _sentence(error: Exception) -> str:
    if isinstance(error, SAXParseException):
        return f"broken XML in line {error.getLineNumber()}: {error.getMessage()}"
    if isinstance(error, DefusedXmlException):
        return "it declares entities, which are not read"
    return str(error)
