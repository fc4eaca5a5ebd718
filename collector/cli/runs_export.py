"""`acode runs list --export FILE`: the listing in a file, whole or not at all."""

from __future__ import annotations

import os

from collector import durable
from collector.cli import output
from collector.cli.parsing import Namespace, Parser
from collector.errors import AccessError, ConflictError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FORMATS = (".json", ".jsonl", ".csv")


class _File:
    """Where a listing goes instead of stdout."""

    def __init__(self, fd: int) -> None:
        self._file = os.fdopen(fd, "wb", closefd=False)

    def write(self, data: bytes) -> None:
        """Take what is printed."""
        self._file.write(data)

    def flush(self) -> None:
        """Write what is still held."""
        self._file.flush()


def configure(parser: Parser) -> None:
    """Add the options with which a listing goes on, or elsewhere."""
    parser.add_argument("--watch", action="store_true", help="go on, and show what changes")
    parser.add_argument("--export", metavar="FILE", help="write it there: .json, .jsonl, .csv or --format")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def export(options: Namespace, listing: Callable[[], int]) -> int:
    """Let a listing be written to the file that `--export` names.

    Args:
        options: of the listing; its format and limit are set here.
        listing: prints it, as these options say.

    Raises:
        InputError: the format is not known.
        ConflictError: the file is there already.
    """
    path, options.export = options.export, None
    options.format, options.json = _format(path, options), False
    options.limit = 0 if options.limit is None else options.limit
    if os.path.lexists(path) and not options.force:
        raise ConflictError("ACODE-RUN-008", f"{path} exists already", "--force replaces it")
    try:
        with durable.NewFile(os.path.realpath(path)) as fd:
            status = _into(_File(fd), listing)
    except OSError as error:
        code = "ACODE-ART-005" if error.errno == 28 else "ACODE-ART-006"
        raise AccessError(code, f"cannot write {path}: {error.strerror}", "choose another place") from None
    output.note(f"acode: wrote {path}")
    return status


def _into(file: _File, listing: Callable[[], int]) -> int:
    output.sink = file
    try:
        status = listing()
        file.flush()
    finally:
        output.sink = None
    return status


def _format(path: str, options: Namespace) -> str:
    """Return the format that was asked for, else that of the file's ending."""
    if options.json:
        return "json"
    if options.format != "table":
        return str(options.format)
    ending = os.path.splitext(path)[1].lower()  # noqa: PTH122
    if ending in _FORMATS:
        return ending[1:]
    hint = f"end it with {', '.join(_FORMATS)}, or give --format"
    raise InputError("ACODE-RUN-019", f"{path!r} does not say which format", hint)
