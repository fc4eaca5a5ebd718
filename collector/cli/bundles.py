"""`acode runs export`, `verify` and `import`: runs in a file for somebody else, and from somebody else."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from collector.cli import output
from collector.cli.chosen_runs import iter_chosen
from collector.cli.context import Context
from collector.cli.filters import add_filter_options, negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser, whole_number
from collector.cli.progress import Progress
from collector.errors import InputError
from collector.model.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from collector.bundle.export import ExportOptions, ExportReport
    from collector.bundle.load import ImportReport
    from collector.bundle.verify import BundleReport

_PAGE = 500
_SHOWN_PROBLEMS = 20


# Export


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
    if "--no-redact" not in parser.option_names():
        parser.add_argument("--no-redact", action="store_true", help="leave secrets in; needs --yes")
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
    parser.add_argument("--dry-run", action="store_true", help="only say what would be exported")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")


def _level(text: str) -> int:
    level = whole_number(text)
    if level > 9:
        raise argparse.ArgumentTypeError(f"{text} is more than 9")
    return level


def export(options: Namespace, context: Context) -> int:
    """Write runs into a bundle."""
    from collector.bundle.export import estimate_export, export_bundle

    chosen = list(iter_chosen(options, context, "export"))
    how = _export_options(options)
    if options.dry_run:
        estimate = estimate_export(chosen, how)
        if options.json:
            output.line(output.format_json(estimate._asdict()))
        else:
            size = output.format_size(estimate.bytes)
            output.line(
                f"would export {_count(estimate.runs, 'run')}: {_count(estimate.files, 'file')}, {size}"
            )
        return 0
    if options.no_redact and not options.yes and not _confirmed(len(chosen)):
        return 1
    target = options.output or _default_target(chosen)
    with Progress("exporting") as progress:
        report = export_bundle(context.workspace, chosen, str(Path(target).absolute()), how, progress)
    _say_exported(report, options.json)
    return 0


def _export_options(options: Namespace) -> ExportOptions:
    from collector.bundle.deflate import DEFAULT_LEVEL
    from collector.bundle.export import ExportOptions
    from collector.units import parse_size

    level = options.compression_level
    return ExportOptions(
        redact=not options.no_redact,
        include=_patterns(options.include),
        exclude=_patterns(options.exclude),
        compression_level=DEFAULT_LEVEL if level is None else level,
        max_bytes=parse_size(options.max_size) if options.max_size else 0,
        allow_incomplete=options.allow_incomplete,
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
    os.write(2, f"Export {_count(count, 'run')} with every secret they hold? [y/N] ".encode())
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
    secrets = f"{_count(masked, 'secret')} masked" if report.redacted else "secrets not masked"
    content = (
        f"{_count(report.runs, 'run')}, {_count(report.files, 'file')}, {output.format_size(report.bytes)}"
    )
    for path in report.paths:
        output.line(f"wrote {output.sanitize(path)}")
    output.line(f"{content} in {output.format_size(report.size)}; {secrets}")


def export_record(report: ExportReport) -> dict[str, Any]:
    """Return an export's report as JSON."""
    return {
        "paths": list(report.paths), "runs": report.runs, "files": report.files, "bytes": report.bytes,
        "size": report.size, "redacted": report.redacted, "masked": dict(sorted(report.masked.items())),
        "omitted": [{"run": n, "path": p, "reason": r} for n, p, r in report.omitted],
        "skipped": [{"run": name, "reason": reason} for name, reason in report.skipped],
    }  # fmt: skip


# Verify and import


def configure_verify(parser: Parser) -> None:
    """Add the options of `acode runs verify`."""
    parser.add_argument("bundle", metavar="FILE", nargs="+", help="the bundle, or several")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object a line")


def verify(options: Namespace, context: Context) -> int:  # noqa: ARG001, RUF100
    """Check bundles without changing anything."""
    from collector.bundle.verify import verify_bundle

    status = 0
    for path in options.bundle:
        with Progress("verifying") as progress:
            report = verify_bundle(path, progress)
        if options.json:
            output.line(output.format_json(bundle_record(report)))
        else:
            _say_verified(report)
        status = status if report.is_valid else 1
    return status


def bundle_record(report: BundleReport) -> dict[str, Any]:
    """Return what was found out about a bundle as JSON."""
    return {
        "path": report.path, "valid": report.is_valid,
        "problems": [problem._asdict() for problem in report.problems],
        "size": report.size, "producer": report.producer, "digest": report.digest,
        "redacted": report.redacted, "files": report.files, "bytes": report.bytes,
        "runs": [{"run_id": run.run_id, "name": run.name, "files": run.files, "bytes": run.bytes}
                 for run in report.runs],
        "omitted": [{"run_id": item.run_id, "path": item.path, "reason": item.reason}
                    for item in report.omitted],
        "signed": bool(report.signature),
    }  # fmt: skip


def _say_verified(report: BundleReport) -> None:
    name = output.sanitize(report.path)
    for problem in report.problems[:_SHOWN_PROBLEMS]:
        where = f"{problem.path}: " if problem.path else ""
        output.line(output.sanitize(f"{name}: {problem.code}: {where}{problem.message}"))
    if len(report.problems) > _SHOWN_PROBLEMS:
        output.line(f"{name}: {len(report.problems) - _SHOWN_PROBLEMS} more problems")
    if report.is_valid:
        secrets = "secrets masked" if report.redacted else "secrets NOT masked"
        missing = f", {_count(len(report.omitted), 'artifact')} left out" if report.omitted else ""
        content = f"{_count(len(report.runs), 'run')}, {_count(report.files, 'file')}"
        output.line(f"{name}: valid: {content}, {output.format_size(report.bytes)}, {secrets}{missing}")


def configure_import(parser: Parser) -> None:
    """Add the options of `acode runs import`."""
    parser.add_argument("bundle", metavar="FILE", help="a bundle that 'acode runs export' wrote")
    parser.add_argument("--dry-run", action="store_true", help="check it, and say what would be imported")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")


def import_(options: Namespace, context: Context) -> int:
    """Take the runs of a bundle into this workspace."""
    from collector.bundle.load import ImportOptions, import_bundle

    how = ImportOptions(dry_run=options.dry_run)
    with Progress("importing") as progress:
        report = import_bundle(context.workspace, options.bundle, how, progress)
    if options.json:
        output.line(output.format_json(import_record(report)))
    else:
        if options.dry_run:
            _say_verified(report.bundle)
        _say_imported(report, "would import" if options.dry_run else "imported")
    return 0 if report.bundle.is_valid else 1


def import_record(report: ImportReport) -> dict[str, Any]:
    """Return an import's report as JSON."""
    return {
        "imported": list(report.imported), "already_there": list(report.already_there),
        "renamed": report.renamed, "bundle": bundle_record(report.bundle),
    }  # fmt: skip


def _say_imported(report: ImportReport, verb: str) -> None:
    for name in report.imported:
        new = report.renamed.get(name)
        output.line(f"{verb} {output.sanitize(name)}" + (f" as {new}" if new else ""))
    for name in report.already_there:
        output.line(f"{output.sanitize(name)} is there already")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


COMMANDS = {
    "export": Command(configure_export, export, negated_filters_last),
    "verify": Command(configure_verify, verify),
    "import": Command(configure_import, import_),
}
