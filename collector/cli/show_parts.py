"""What `acode runs show` adds: the ends of the output, and what made a run fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from collector.cli import output
from collector.cli.content_source import stream_source
from collector.cli.context import Context
from collector.errors import AcodeError
from collector.extract.failures import ErrorBlock
from collector.model.run import Run
from collector.query.excerpt import LineRange
from collector.query.explain import Explanation, FailedTest, explain
from collector.record.lines import Block

_PREVIEW_LINES = 10
_FAILED_LINES = 200
_MAX_BYTES = 1 << 20


def write_preview(run: Run, context: Context) -> None:
    """Write the first and the last lines of a run's output."""
    source = stream_source(run, "output", context)
    head = _first_bytes(source.blocks(LineRange(1, _PREVIEW_LINES), numbered=False))
    output.line()
    if not head:
        output.line("Output: none")
        return
    output.line("Output:")
    end = head[-1].offset + len(head[-1].data)
    tail = _last_bytes(source.blocks(LineRange(-_PREVIEW_LINES), numbered=False))
    _write_harmless(head, context)
    if tail and tail[0].offset > end:
        output.line(output.paint("…", "dim", output.has_color(context.environ)))
    _write_harmless(_from(tail, end), context)


def _first_bytes(blocks: Iterable[Block]) -> list[Block]:
    """Return blocks up to about `_MAX_BYTES`: a line may be of any length."""
    found, size = [], 0
    for block in blocks:
        found.append(block)
        size += len(block.data)
        if size > _MAX_BYTES:
            break
    return found


def _last_bytes(blocks: Iterable[Block]) -> list[Block]:
    found: deque[Block] = deque()
    size = 0
    for block in blocks:
        found.append(block)
        size += len(block.data)
        while size - len(found[0].data) > _MAX_BYTES:
            size -= len(found.popleft().data)
    return list(found)


def _from(blocks: Iterable[Block], offset: int) -> Iterator[Block]:
    """Yield what lies at an offset and beyond."""
    for block in blocks:
        begin = max(0, offset - block.offset)
        if begin < len(block.data):
            yield Block(block.number, block.offset + begin, block.data[begin:])


def _write_harmless(blocks: Iterable[Block], context: Context) -> None:
    """Write lines, harmless also when piped: this is a summary, not the recorded bytes."""
    from collector.cli.harmless import make_harmless

    data = (block.data for block in blocks)
    last = b""
    for chunk in make_harmless(data, output.has_color(context.environ)):
        output.write_bytes(chunk)
        last = chunk or last
    if last and not last.endswith(b"\n"):
        output.write("\n")


def log_failed(run: Run, context: Context) -> int:
    """Write what made a run fail: its failing tests, else its errors, else the end of what it printed."""
    if not run.is_failed:
        output.note(f"run {run.name} has not failed: {run.status}")
        return 0
    found = explain(run, context.stores())
    output.note(f"{run.name}: {run.command_line} ({found.outcome})")
    for problem in found.problems:
        output.note(f"acode: warning: {problem}")
    lines = list(_lines(found))
    for line in lines:
        output.line(output.sanitize(line.expandtabs(4)))
    if not lines and not _write_ends(run, context):
        reason = run.error_message or found.reason
        output.line(output.sanitize(f"{found.outcome}{f': {reason}' if reason else ''}; it printed nothing"))
    return 0


def _lines(found: Explanation) -> Iterator[str]:
    """Yield the lines that tell of failures; none where only the last output is known. Not sanitized."""
    if found.failed_tests:
        for test in found.failed_tests:
            yield from _test(test)
        count = found.tests.failed + found.tests.errors if found.tests else 0
        if count > len(found.failed_tests):
            yield f"… and {count - len(found.failed_tests)} more tests"
        return
    errors = [error for error in found.errors if error.kind != "output"]
    for number, error in enumerate(errors):
        if number:
            yield "--"
        yield from _error(error)


def _test(test: FailedTest) -> Iterator[str]:
    yield f"{test.outcome}: {test.name}{f'  {test.location}' if test.location else ''}"
    details = (test.details or "").splitlines()
    for line in (test.message or "").splitlines():
        if line not in details:
            yield f"  {line}"
    for line in islice(details, _FAILED_LINES):
        yield f"  {line}"


def _error(error: ErrorBlock) -> Iterator[str]:
    yield from error.before
    yield from error.lines


def _write_ends(run: Run, context: Context) -> bool:
    """Write the end of stderr, or of stdout where nothing is on it; tell whether there was any."""
    for kind in ("stderr", "stdout"):
        try:
            source = stream_source(run, kind, context)
            blocks = _last_bytes(source.blocks(LineRange(-_FAILED_LINES), numbered=False))
        except (AcodeError, OSError) as error:
            output.note(f"acode: warning: {error}")
            continue
        if any(block.data.strip() for block in blocks):
            _write_harmless(blocks, context)
            return True
    return False
