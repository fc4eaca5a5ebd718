"""`acode runs why`: the shortest answer that says what to look at."""

from __future__ import annotations

from collections.abc import Iterator

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_run
from collector.cli.table import fit
from collector.extract.failures import ErrorBlock
from collector.model.run import Run
from collector.query.explain import Comparison, Explanation, FailedTest, explain

_MAX_LINES = 24
_MAX_TESTS = 10
_MAX_OTHERS = 4

Line = tuple[str, str]
"""A line that may hold what was recorded, and the colour it is shown in."""


def configure(parser: Parser) -> None:
    """Add the options of `acode runs why`."""
    add_run(parser, default="@last-failed")
    parser.add_argument("--json", action="store_true", help="everything that was found as one JSON object")


def run(options: Namespace, context: Context) -> int:
    """Say why a run failed."""
    found = context.resolve(options.run)
    explanation = explain(found, context.stores())
    if options.json:
        output.line(output.format_json(explanation.to_json()))
        return 0
    color = output.has_color(context.environ)
    width = output.terminal_width(context.environ)
    for text, style in describe(found, explanation):
        shown = output.sanitize(text.expandtabs(4))
        output.line(output.paint(fit(shown, width) if width else shown, style, color))
    for problem in explanation.problems:
        output.note(f"acode: warning: {problem}")
    return 0


def describe(run: Run, explanation: Explanation) -> Iterator[Line]:
    """Yield the lines that answer; not sanitized."""
    yield f"{run.name}: {explanation.headline}", run.status
    yield f"  {run.command_line}", "dim"
    if run.is_failed and explanation.headline != explanation.outcome:
        reason = f": {explanation.reason}" if explanation.reason else ""
        if explanation.headline != explanation.outcome + reason:
            yield f"  {explanation.outcome}{reason}", ""
    yield from _tests(explanation)
    yield from _errors(explanation.errors, bool(explanation.failed_tests))
    if explanation.compared_with:
        yield from _comparison(explanation.compared_with)
    elif run.is_failed:
        yield from _section("This command has not succeeded here before")


def _section(title: str) -> Iterator[Line]:
    yield "", ""
    yield title, "bold"


def _tests(explanation: Explanation) -> Iterator[Line]:
    failed = explanation.failed_tests
    if not failed:
        return
    yield from _section("Failing tests")
    for test in failed[:_MAX_TESTS]:
        yield from _test(test)
    totals = explanation.tests
    count = totals.failed + totals.errors if totals else len(failed)
    if count > _MAX_TESTS:
        yield f"  … and {count - _MAX_TESTS} more", "dim"


def _test(test: FailedTest) -> Iterator[Line]:
    place = f"  {test.location}" if test.location else ""
    yield f"  {test.name}{place}", "failure"
    if test.message:
        yield f"    {test.message.splitlines()[0]}", ""


def _errors(errors: tuple[ErrorBlock, ...], has_tests: bool) -> Iterator[Line]:
    """Yield the first error whole, others by what they say, without what the list of tests has said."""
    if not errors:
        return
    first, *others = errors
    what = "Last output" if first.kind == "output" else "First error"
    place = f", {first.location}" if first.location else ""
    yield from _section(f"{what}: {first.stream} line {first.first_line}{place}")
    for text in first.before:
        yield f"  {text}", "dim"
    for text in first.lines[:_MAX_LINES]:
        yield f"  {text}", ""
    if len(first.lines) > _MAX_LINES:
        yield f"  … {len(first.lines) - _MAX_LINES} more lines", "dim"
    others = [error for error in others if not (has_tests and error.kind == "test")]
    if others:
        yield from _section("Then")
        for error in others[:_MAX_OTHERS]:
            place = f"  {error.location}" if error.location else ""
            yield f"  {error.message}{place}", "dim" if error.is_consequence else ""


def _comparison(compared: Comparison) -> Iterator[Line]:
    yield from _section(f"Since it succeeded: {compared.name}, {output.format_time(compared.start_time)}")
    for what, names in (("fails now", compared.newly_failing), ("is gone", compared.vanished)):
        for name in names[:_MAX_TESTS]:
            yield f"  {what}: {name}", ""
        if len(names) > _MAX_TESTS:
            yield f"  … and {len(names) - _MAX_TESTS} more", "dim"
    for item in compared.differences:
        yield f"  {item.stream} differs from line {item.line or item.earlier_line}:", ""
        if item.earlier_text is not None:
            yield f"  - {item.earlier_text}", "fail"
        if item.text is not None:
            yield f"  + {item.text}", "ok"
    if not (compared.newly_failing or compared.vanished or compared.differences):
        yield "  nothing in its tests or output is different", "dim"


COMMANDS = {"why": Command(configure, run)}
