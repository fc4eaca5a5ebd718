"""`acode artifacts preview-redaction`: what would be masked, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import AccessError, AcodeError, CorruptError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from collector.model.artifact import Artifact
    from collector.model.run import Run
    from collector.record.secret_lines import SecretLine
    from collector.redaction import Rules

    Found = tuple[str, SecretLine]
    """Which file, and what is on which of its lines."""

_RECORD = "run.json"


def configure(parser: Parser) -> None:
    """Add the options of `acode artifacts preview-redaction`."""
    parser.add_argument("run", metavar="RUN", help="a run, or a file on this disk (./FILE)")
    text = "path within the run, as listed (default: all of its files, and its record)"
    parser.add_argument("file", metavar="FILE", nargs="?", help=text)
    parser.add_argument("--rules", action="store_true", help="only how often each rule finds something")
    parser.add_argument("--json", action="store_true", help="a JSON array; with --rules one object")


def run(options: Namespace, context: Context) -> int:
    """Show what would be masked; nothing is changed."""
    from collector.record.redacting import configured_rules
    from collector.redaction import mask_text

    rules = configured_rules(context.config, context.environ)
    found = _on_disk(options.run, rules) if _is_path(options) else _of_run(options, context, rules)
    if options.rules:
        _write_counts(found, options.json)
    else:
        _write_lines(((mask_text(path, rules), item) for path, item in found), options.json, context)
    return 0


def _is_path(options: Namespace) -> bool:
    return options.file is None and "/" in options.run


def _on_disk(path: str, rules: Rules) -> Iterator[Found]:
    from collector.record.secret_lines import iter_secret_lines

    try:
        with open(path, "rb") as content:  # noqa: PTH123 - a path as it was typed
            for item in iter_secret_lines(content, rules):
                yield path, item
    except OSError as error:
        raise AccessError(
            "ACODE-ART-006", f"cannot read {path}: {error.strerror}", "check the path and its permissions"
        ) from error


def _of_run(options: Namespace, context: Context, rules: Rules) -> Iterator[Found]:
    from collector.cli.runs_content import find_artifact

    runs, artifacts = context.recorded_stores()
    found = runs.get(context.resolve(options.run).run_id)
    chosen = [find_artifact(found, options.file)] if options.file else artifacts.by_run(found.run_id)
    if options.file is None:
        yield from _in_record(found, rules)
    for artifact in chosen:
        if not artifact.missing:
            yield from _in_artifact(artifact, context, rules)


def _in_record(found: Run, rules: Rules) -> Iterator[Found]:
    from io import BytesIO

    from collector.record.secret_lines import iter_secret_lines

    record = found.to_json()
    record["artifacts"] = [{"path": artifact.path} for artifact in found.artifacts]
    record["summary"] = {}
    text = output.format_json(record).encode("utf-8", "replace")
    for item in iter_secret_lines(BytesIO(text), rules):
        yield _RECORD, item._replace(line=0, end_line=0, text=item.text.strip())


def _in_artifact(artifact: Artifact, context: Context, rules: Rules) -> Iterator[Found]:
    from collector.record.secret_lines import iter_secret_lines

    content: BinaryIO
    try:
        with context.recorded_stores()[1].open(artifact) as content:
            for item in iter_secret_lines(content, rules):
                yield artifact.path, item
    except OSError as error:
        raise CorruptError(
            "ACODE-ART-012", f"{artifact.path} is damaged: {error}", "what is shown of it is wrong"
        ) from error
    except AcodeError as error:
        output.note(f"acode: warning: {error}")


def _write_counts(found: Iterator[Found], as_json: bool) -> None:
    counts: dict[str, int] = {}
    for _, item in found:
        counts[item.rule] = counts.get(item.rule, 0) + 1
    if as_json:
        output.line(output.format_json(counts))
        return
    for rule, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        output.line(f"{count:>7,}  {output.sanitize(rule)}")
    if not counts:
        output.note("no secrets found")


def _write_lines(found: Iterator[Found], as_json: bool, context: Context) -> None:
    if as_json:
        output.line(output.format_json([{"path": path, **item.to_json()} for path, item in found]))
        return
    color, nothing = output.has_color(context.environ), True
    for path, item in found:
        nothing = False
        lines = f":{item.line}" if item.line else ""
        lines += f"-{item.end_line}" if item.end_line > item.line else ""
        head = output.paint(output.sanitize(f"{path}{lines}"), "bold", color)
        output.line(f"{head}  {item.rule}  {output.sanitize(item.text.expandtabs(4))}")
    if nothing:
        output.note("no secrets found")


COMMANDS = {"preview-redaction": Command(configure, run)}
