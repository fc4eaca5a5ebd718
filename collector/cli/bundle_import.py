"""`acode runs verify` and `acode runs import`: bundles from somebody else."""

from __future__ import annotations

from collector.cli import output
from collector.cli.bundle_options import add_asking, asking_of
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.cli.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from collector.bundle import BundleReport, ImportReport

_SHOWN_PROBLEMS = 20


def configure_verify(parser: Parser) -> None:
    """Add the options of `acode runs verify`."""
    parser.add_argument("bundle", metavar="FILE", nargs="+", help="the bundle, or several")
    add_asking(parser)
    parser.add_argument("--json", action="store_true", help="the report as one JSON object a line")


def verify(options: Namespace, context: Context) -> int:
    """Check bundles without changing anything."""
    from collector.bundle import verify_bundle

    status, asking = 0, asking_of(options, context)
    for path in options.bundle:
        with Progress("verifying") as progress:
            report = verify_bundle(path, progress, asking)
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
        "signature": report.signature.state, "signer": report.signature.signer or None,
        "encrypted": report.is_encrypted,
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
        missing = f", {output.counted(len(report.omitted), 'artifact')} left out" if report.omitted else ""
        count = f"{output.counted(len(report.runs), 'run')}, {output.counted(report.files, 'file')}"
        content = f"{count}, {output.format_size(report.bytes)}{missing}"
        output.line(f"{name}: valid: {content}, {secrets}, {_signed(report)}")


def _signed(report: BundleReport) -> str:
    signature = report.signature
    if signature.state == "valid":
        return f"signed by {output.sanitize(signature.signer)}"
    untrusted = "signed, but not with a key that you trust"
    return {"none": "not signed", "untrusted": untrusted}.get(
        signature.state, "signed, which was not checked"
    )


def configure_import(parser: Parser) -> None:
    """Add the options of `acode runs import`."""
    parser.add_argument("bundle", metavar="FILE", help="a bundle that 'acode runs export' wrote")
    parser.add_argument("--dry-run", action="store_true", help="check it, and say what would be imported")
    add_asking(parser)
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")


def import_(options: Namespace, context: Context) -> int:
    """Take the runs of a bundle into this workspace."""
    from collector.bundle import ImportOptions, import_bundle

    how = ImportOptions(options.dry_run, asking_of(options, context))
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


COMMANDS = {
    "verify": Command(configure_verify, verify),
    "import": Command(configure_import, import_),
}
