"""Showing part of a content: the options for it, and lines with their numbers and times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Namespace, Parser, whole_number
from collector.errors import InputError
from collector.query.excerpt import (
    ALL,
    ERROR_CONTEXT,
    Excerpt,
    LineRange,
    Shown,
    Source,
    iter_shown,
    parse_range,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.store.patterns import Pattern

TimeOf = Callable[[int], str]
"""Returns the time at which the byte at an offset came; asked in the order of offsets."""
_GAP = b"--\n"


def add_line_options(parser: Parser) -> None:
    """Add the options that choose lines."""
    parser.add_argument("--lines", metavar="A:B", help="only these lines: 120:180, 120:, :50, -20:, 7")
    parser.add_argument("--head", metavar="N", type=whole_number, help="only the first")
    parser.add_argument("--tail", metavar="N", type=whole_number, help="only the last")
    parser.add_argument("--grep", metavar="X", help="only lines with this text, or that fit re:/…/")
    parser.add_argument(
        "--errors", action="store_true", help="only what tells of a failure, with lines around"
    )
    parser.add_argument("-C", "--context", metavar="N", type=whole_number, help="also N lines around each")
    parser.add_argument(
        "-A", "--after-context", metavar="N", type=whole_number, help="also N lines after each"
    )
    parser.add_argument(
        "-B", "--before-context", metavar="N", type=whole_number, help="also N lines before each"
    )
    parser.add_argument(
        "-i", "--ignore-case", action="store_true", help="A means a, also where X has capitals"
    )
    parser.add_argument("-s", "--case-sensitive", action="store_true", help="a does not mean A")
    parser.add_argument("-n", "--line-number", action="store_true", help="with the number of each line")
    parser.add_argument("--timestamps", action="store_true", help="with the time at which each line came")


class View(NamedTuple):
    """What to show of a content, and how."""

    excerpt: Excerpt
    timestamps: bool
    force: bool


def view_of(options: Namespace) -> View | None:
    """Return what the options ask for; None for all of it as it is.

    Raises:
        InputError: they contradict each other.
    """
    _refuse_both(options, "head", "tail")
    _refuse_both(options, "grep", "errors")
    _refuse_both(options, "ignore_case", "case_sensitive")
    looks = options.grep is not None or options.errors
    for name in ("context", "after_context", "before_context"):
        if getattr(options, name) is not None and not looks:
            option = f"--{name.replace('_', '-')}"
            raise InputError("ACODE-RUN-019", f"{option} needs --grep or --errors", "see --help")
    pattern = _pattern(options) if options.grep is not None else None
    around = options.context if options.context is not None else ERROR_CONTEXT if options.errors else 0
    before = around if options.before_context is None else options.before_context
    after = around if options.after_context is None else options.after_context
    part = ALL if options.lines is None else parse_range(options.lines)
    head, tail = options.head, options.tail
    if part == ALL and not pattern and not options.errors and (head or tail):
        part, head, tail = LineRange(1, head) if head else LineRange(-tail), None, None
    wanted = Excerpt(part, pattern, options.errors, before, after, head, tail, options.line_number)
    if wanted == Excerpt() and not options.timestamps:
        return None
    return View(wanted, options.timestamps, options.force)


def _refuse_both(options: Namespace, one: str, other: str) -> None:
    if getattr(options, one) not in (None, False) and getattr(options, other) not in (None, False):
        names = [f"--{name.replace('_', '-')}" for name in (one, other)]
        raise InputError("ACODE-RUN-019", f"{' and '.join(names)} exclude each other", "use one of them")


def _pattern(options: Namespace) -> Pattern:
    from collector.query.search_line import search_pattern

    return search_pattern(options.grep, False if options.case_sensitive else options.ignore_case or None)


def show_excerpt(name: str, source: Source, view: View, context: Context, time_of: TimeOf | None) -> None:
    """Write part of a content to stdout: bytes as they are when piped, harmless on a terminal.

    Args:
        name: of the content, for messages.
        source: the content.
        view: which part, and how.
        context: for colours.
        time_of: what gives the times to write before lines; None for none.
    """
    from collector.cli.runs_content import refuse_binary, show_content

    excerpt, force = view.excerpt, view.force
    if excerpt.is_part and not excerpt.numbered and time_of is None:
        show_content(name, (block.data for block in source.blocks(excerpt.part, False)), context, force)
        return
    shown = iter_shown(source, excerpt)
    first = next(shown, None)
    if first is None:
        if excerpt.errors or excerpt.pattern:
            output.note(f"no {'errors' if excerpt.errors else 'matches'} in {name}")
        return
    if output.is_terminal():
        refuse_binary(name, first.data, force)
    _write(chain([first], shown), excerpt, time_of, _Look(excerpt, context))


def _write(lines: Iterator[Shown], excerpt: Excerpt, time_of: TimeOf | None, look: _Look) -> None:
    has_gaps = excerpt.errors or bool(excerpt.before or excerpt.after)
    expected, is_open = -1, False
    for line in lines:
        follows = line.offset == expected
        if is_open and not follows:
            output.write_bytes(b"\n")
        if has_gaps and not follows and expected >= 0:
            output.write_bytes(_GAP)
        if not (is_open and follows):
            output.write_bytes(look.head(line, time_of(line.offset) if time_of else ""))
        output.write_bytes(look.text(line))
        expected, is_open = line.offset + len(line.data), not line.data.endswith(b"\n")
    if is_open:
        output.write_bytes(b"\n")


class _Look:
    """How a line looks: unchanged when piped, on a terminal harmless and with the hits in colour."""

    def __init__(self, excerpt: Excerpt, context: Context) -> None:
        self._numbered = excerpt.numbered
        self._pattern = excerpt.pattern
        self._is_terminal = output.is_terminal()
        self._color = output.has_color(context.environ)

    def head(self, line: Shown, time: str) -> bytes:
        """Return what stands before a line."""
        mark = ":" if line.is_hit else "-"
        number = f"{line.number}{mark}" if self._numbered else ""
        head = number + (time and f"{time} ")
        return output.paint(head, "dim", self._color and bool(head)).encode()

    def text(self, line: Shown) -> bytes:
        """Return a line, or a piece of one."""
        if not self._is_terminal:
            return line.data
        from collector.cli.harmless import RESET, make_text_harmless

        end = "\n" if line.data.endswith(b"\n") else ""
        text = make_text_harmless(line.data.rstrip(b"\r\n").decode("utf-8", "replace"), self._color)
        if "\x1b" in text:
            text += RESET
        elif self._color and self._pattern is not None and line.is_hit:
            text = self._highlighted(text)
        return (text + end).encode("utf-8", "replace")

    def _highlighted(self, text: str) -> str:
        parts, place = [], 0
        assert self._pattern is not None
        for start, end in self._pattern.iter_spans(text):
            parts += [text[place:start], output.paint(text[start:end], "failure", end > start)]
            place = end
        return "".join([*parts, text[place:]])


def time_of(index: bytes, stream: int | None, start_time: int) -> TimeOf:
    """Return what tells when bytes of a stream came.

    Args:
        index: the content of output.idx.
        stream: 1 for stdout, 2 for stderr, None for both as they came.
        start_time: of the run.
    """
    from collector.record.output_times import OutputTimes

    times = OutputTimes(index, stream)
    return lambda offset: clock.format_iso(start_time + times.at(offset))
