"""`acode runs export`: runs in a file for somebody else."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from collector.cli import output
from collector.cli.bundle_options import add_passphrase_file, encrypting, signing
from collector.cli.chosen_runs import iter_chosen
from collector.cli.context import Context
from collector.cli.filters import add_filter_options, negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser, show_option, whole_number
from collector.cli.progress import Progress
from collector.errors import InputError
from collector.model.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from collector.bundle import ExportOptions, ExportReport


def configure_export(parser: Parser) -> None:
    """Add the options of `acode runs export`."""
    text = "runs by id, name or beginning, @1 …, or a filter: status:failed since:7d …"
    parser.add_argument("filter", metavar="RUN|FILTER", nargs="*", default=[], help=text)
    parser.add_argument("--run", dest="runs", metavar="RUN", action="append", default=[], help="this run")
    parser.add_argument("--all", action="store_true", help="every run")
    add_filter_options(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="the bundle to write (default: NAME.zip)")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--redact", action="store_true", help="mask secrets, which is done anyway")
    show_option(parser, "no_redact", "leave secrets in; asks, or needs --yes")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    text = "only artifacts that fit: patterns as in .gitignore, with commas between"
    parser.add_argument("--include", metavar="GLOB", action="append", default=[], help=text)
    text = "leave artifacts out that fit: '*.bin,*.iso'"
    parser.add_argument("--exclude", metavar="GLOB", action="append", default=[], help=text)
    text = "0 (as it is) to 9 (smallest); default: 2"
    parser.add_argument("--compression-level", type=_level, metavar="N", help=text)
    text = "split what would be larger: NAME-001.zip, NAME-002.zip …"
    parser.add_argument("--max-size", metavar="SIZE", help=text)
    text = "export a run though an artifact is missing or damaged, and say so in the bundle"
    parser.add_argument("--allow-incomplete", action="store_true", help=text)
    parser.add_argument("--sign", action="store_true", help="sign it with your signing key (acode keys)")
    parser.add_argument("--signing-key", metavar="FILE", help="sign it with this Ed25519 key")
    text = "encrypt it with a passphrase, which is asked for; FILE.enc"
    parser.add_argument("--encrypt", action="store_true", help=text)
    add_passphrase_file(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say what would be exported")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")


def _level(text: str) -> int:
    level = whole_number(text)
    if level > 9:
        raise argparse.ArgumentTypeError(f"{text} is more than 9")
    return level


def export(options: Namespace, context: Context) -> int:
    """Write runs into a bundle."""
    from collector.bundle import estimate_export, export_bundle

    chosen = list(iter_chosen(options, context, "export"))
    how = _export_options(options, context)
    if options.dry_run:
        estimate = estimate_export(chosen, how)
        if options.json:
            output.line(output.format_json(estimate._asdict()))
        else:
            output.line(f"would export {_content(*estimate)}")
        return 0
    if context.no_redact and not options.yes and not _confirmed(len(chosen)):
        return 1
    target = (options.output or _default_target(chosen)) + (".enc" if options.encrypt else "")
    with Progress("exporting") as progress:
        report = export_bundle(context.workspace, chosen, str(Path(target).absolute()), how, progress)
    _say_exported(report, options.json)
    return 0


def _export_options(options: Namespace, context: Context) -> ExportOptions:
    from collector.bundle import ExportOptions
    from collector.bundle.deflate import DEFAULT_LEVEL
    from collector.units import parse_size

    level = options.compression_level
    return ExportOptions(
        redact=not context.no_redact,
        include=_patterns(options.include),
        exclude=_patterns(options.exclude),
        compression_level=DEFAULT_LEVEL if level is None else level,
        max_bytes=parse_size(options.max_size) if options.max_size else 0,
        allow_incomplete=options.allow_incomplete,
        sign=None if options.dry_run else signing(options, context),
        encrypt=encrypting(options, context) if options.encrypt and not options.dry_run else None,
        replace=options.force,
    )


def _patterns(values: list[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _default_target(runs: list[Run]) -> str:
    return f"{runs[0].name}.zip" if len(runs) == 1 else "runs.zip"


def _confirmed(count: int) -> bool:
    """Ask whether secrets may leave; without a terminal the answer is an option."""
    if not os.isatty(0):
        raise InputError(
            "ACODE-RUN-019", "--no-redact leaves secrets in the bundle", "say --yes if you mean it"
        )
    os.write(2, f"Export {output.counted(count, 'run')} with every secret they hold? [y/N] ".encode())
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _say_exported(report: ExportReport, as_json: bool) -> None:
    for name, reason in report.skipped:
        output.note(f"acode: {name} {reason}; it was left out")
    for name, path, reason in report.omitted:
        output.note(f"acode: {path} of {name} is not in the bundle: {reason}")
    if as_json:
        output.line(output.format_json(export_record(report)))
        return
    masked = sum(report.masked.values())
    secrets = f"{output.counted(masked, 'secret')} masked" if report.redacted else "secrets not masked"
    content = _content(report.runs, report.files, report.bytes)
    for path in report.paths:
        output.line(f"wrote {output.sanitize(path)}")
    output.line(f"{content} in {output.format_size(report.size)}; {secrets}")


def _content(runs: int, files: int, size: int) -> str:
    return f"{output.counted(runs, 'run')}, {output.counted(files, 'file')}, {output.format_size(size)}"


def export_record(report: ExportReport) -> dict[str, Any]:
    """Return an export's report as JSON."""
    return {
        "paths": list(report.paths), "runs": report.runs, "files": report.files, "bytes": report.bytes,
        "size": report.size, "redacted": report.redacted, "masked": dict(sorted(report.masked.items())),
        "omitted": [{"run": n, "path": p, "reason": r} for n, p, r in report.omitted],
        "skipped": [{"run": name, "reason": reason} for name, reason in report.skipped],
    }  # fmt: skip


COMMANDS = {"export": Command(configure_export, export, negated_filters_last)}
