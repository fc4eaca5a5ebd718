"""`acode runs diff`: what differs between two runs, and in which lines."""

from __future__ import annotations

from collections.abc import Iterator

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, whole_number
from collector.model.comparison import FieldChange, FileChange, RunDifference
from collector.model.run import Run
from collector.query.compare import OUTPUT, compare_runs, file_diff, file_names
from collector.query.run_files import RunFiles

_CONTEXT = 3
_MAX_TESTS = 50
_DURATIONS = frozenset({"duration_ms", "cpu_ms"})
_SIZES = frozenset({"max_rss_bytes", "output_bytes"})
_WITH_VALUE = ("--output", "-U", "--unified", "--workspace")
_COLORS = {"-": "fail", "+": "ok", "@": "running"}

Line = tuple[str, str]
"""A line that may hold what was recorded, and the colour it is shown in."""


def configure(parser: Parser) -> None:
    """Add the options of `acode runs diff`."""
    text = "the earlier run: id, name, beginning of either, @1 …"
    parser.add_argument("before", metavar="RUN", help=text)
    parser.add_argument(
        "after", metavar="RUN", nargs="?", default="latest", help="the other (default: latest)"
    )
    text = "a file of both by its path or name (default: stdout and stderr)"
    parser.add_argument("artifact", metavar="ARTIFACT", nargs="*", default=[], help=text)
    text = "the same: stdout, stderr or a file"
    parser.add_argument("--output", metavar="FILE", action="append", default=[], help=text)
    parser.add_argument("--all-artifacts", action="store_true", help="every file of either run")
    parser.add_argument("--stat", action="store_true", help="only how many lines of each file differ")
    text = f"so many lines around each change (default: {_CONTEXT})"
    parser.add_argument("-U", "--unified", type=whole_number, default=_CONTEXT, metavar="N", help=text)
    lines = parser.add_mutually_exclusive_group()
    text = "take times, ids, temporary paths … for alike in every file (default: only in output)"
    lines.add_argument("--normalize", action="store_true", help=text)
    lines.add_argument("--exact", action="store_true", help="compare every byte of every line")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 if anything is different")
    parser.add_argument("--json", action="store_true", help="everything but the lines as one JSON object")


def words_first(words: list[str]) -> list[str]:
    """Put what is no option first: argparse takes an ARTIFACT only right behind the runs."""
    options: list[str] = []
    others: list[str] = []
    left = iter(words)
    for word in left:
        if not word.startswith("-") or word == "-":
            others.append(word)
        else:
            options.append(word)
            if word in _WITH_VALUE:
                options += [value for value in (next(left, None),) if value is not None]
    return words if "--" in words else [*others, *options]


def run(options: Namespace, context: Context) -> int:
    """Show what differs."""
    before, after = context.resolve(options.before), context.resolve(options.after)
    if before.run_id == after.run_id:
        output.note(f"both are {before.name}")
    artifacts = context.stores()[1]
    names = _names(options, before, after)
    exact = True if options.exact else False if options.normalize else None
    found = compare_runs(before, after, artifacts, names, exact)
    if options.json:
        output.line(output.format_json(found.to_json()))
    else:
        color = output.has_color(context.environ)
        plain = not output.is_terminal()
        files = RunFiles(artifacts)
        for text, style in describe(before, after, found):
            _write(text, style, color, False)
        for change in found.files:
            if options.stat:
                _write(f"{change.path}: {_says(change)}", "", color, False)
                continue
            for text, style in _file_lines(before, after, change, files, options.unified, exact):
                _write(text, style, color, plain)
    for problem in found.problems:
        output.note(f"acode: warning: {problem}")
    return int(options.exit_code and found.is_different)


def _names(options: Namespace, before: Run, after: Run) -> tuple[str, ...]:
    if options.all_artifacts:
        return file_names(before, after)
    return tuple(dict.fromkeys([*options.artifact, *options.output])) or OUTPUT


def _write(text: str, style: str, color: bool, plain: bool) -> None:
    """Write a line; one of a recorded file goes through unchanged when piped."""
    shown = text if plain else output.sanitize(text.expandtabs(4))
    output.line(output.paint(shown, style, color))


def describe(before: Run, after: Run, found: RunDifference) -> Iterator[Line]:
    """Yield the lines that say what differs, apart from files; not sanitized."""
    for mark, run in (("---", before), ("+++", after)):
        yield f"{mark} {run.name}  {output.format_time(run.start_time)}  {run.status}", "bold"
    for change in found.fields:
        old, new = _value(change, change.before), _value(change, change.after)
        if old != new:
            yield f"{change.name}: {old} → {new}", ""
    if not found.is_different:
        yield "nothing that matters differs", "dim"
    if found.tests:
        yield f"{len(found.tests)} tests changed", "bold"
    for test in found.tests[:_MAX_TESTS]:
        style = "fail" if test.after in ("failed", "error") else "ok" if test.after == "passed" else ""
        yield f"  {test.name}: {test.before or '(none)'} → {test.after or '(none)'}", style
    if len(found.tests) > _MAX_TESTS:
        yield f"  … and {len(found.tests) - _MAX_TESTS} more", "dim"


def _value(change: FieldChange, value: object) -> str:
    if value is None:
        return "(none)"
    if change.name in _DURATIONS and isinstance(value, int):
        return output.format_duration(value)
    if change.name in _SIZES and isinstance(value, int):
        return output.format_size(value)
    return str(value)


def _says(change: FileChange) -> str:
    """Say how a file differs, in a few words."""
    partial = ", as far as was compared" if change.is_partial else ""
    return {
        "equal": "equal",
        "alike": "no line differs but in times, ids and the like",
        "binary": "differs, and is binary",
        "unreadable": "cannot be read",
        "added": f"only in the later run, {change.added:,} lines",
        "removed": f"only in the earlier run, {change.removed:,} lines",
        "changed": f"+{change.added:,} -{change.removed:,} lines",
    }[change.state] + partial


def _file_lines(
    before: Run, after: Run, change: FileChange, files: RunFiles, context: int, exact: bool | None
) -> Iterator[Line]:
    if not change.ranges:
        if change.state != "equal":
            yield "", ""
            yield f"{change.path}: {_says(change)}", "dim"
        return
    yield "", ""
    yield f"--- {before.name}/{change.path}", "bold"
    yield f"+++ {after.name}/{change.path}", "bold"
    for line in file_diff(before, after, change, files, context, exact):
        yield line, _COLORS.get(line[:1], "")
    if change.is_partial:
        yield "(only the beginning of this file was compared)", "dim"


COMMANDS = {"diff": Command(configure, run, words_first)}
