"""What an export would hold and what a bundle holds, as text and spans."""

from __future__ import annotations

from acode_tui.render.format import count, size
from acode_tui.render.keeping import name_width
from acode_tui.render.rows import Span, fit
from acode_tui.render.safe import one_line
from acode_tui.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector import BundleReport, Estimate, ExportReport, ImportReport, Run

_SIGNATURES: dict[str, Span] = {
    "none": ("not signed", "muted"),
    "untrusted": ("signed by somebody you do not trust", "timeout"),
    "unchecked": ("its signature was not checked", "timeout"),
    "invalid": ("its signature is wrong", "failure"),
}
_FILES_WIDTH, _SIZE_WIDTH = 7, 8


class BundleRow(NamedTuple):
    """A line about a bundle: a run in it, or something that is wrong with it."""

    name: str
    files: int
    bytes: int
    note: str
    is_problem: bool = False


# Exporting


def export_head(width: int) -> str:
    """Return the titles over the runs that would be exported."""
    return f" {'run':<{name_width(width)}} {'files':>{_FILES_WIDTH}} {'size':>{_SIZE_WIDTH}}  secrets"


def export_line(run: Run, secrets: int | None, width: int) -> Sequence[Span]:
    """Return a run that would be exported; `secrets` is None when nobody has looked for any."""
    if not run.is_finished:
        told, ink = "still running: is left out", "timeout"
    elif secrets is None:
        told, ink = "not looked for yet", "muted"
    else:
        told, ink = (f"{secrets:,} found", "timeout") if secrets else ("none found", "muted")
    files = [artifact for artifact in run.artifacts if not artifact.missing]
    return _line(run.name, len(files), sum(a.size_bytes for a in files), (told, ink), width)


def estimate_spans(estimate: Estimate, is_cut: bool) -> Sequence[Span]:
    """Return what a bundle would hold."""
    what = f"{count(estimate.runs, 'run')}, {count(estimate.files, 'file')}, {size(estimate.bytes)}"
    spans: list[Span] = [(what, "text"), (" before it is packed", "muted")]
    return [*spans, (" · too many: the newest go", "timeout")] if is_cut else spans


def secrets_spans(found: int, unseen: int, redact: bool) -> Sequence[Span]:
    """Return what becomes of secrets."""
    known = f"{count(found, 'secret')} known" if found else "no secret known"
    rest = f", {count(unseen, 'run')} not looked through" if unseen else ""
    if redact:
        return [(f"{known}{rest}; what is found is masked", "muted")]
    ink = "failure" if found or unseen else "timeout"
    return [(f"{known}{rest}; they leave as they are", ink)]


def exported_text(report: ExportReport) -> str:
    """Return what was written, and where."""
    first = one_line(report.paths[0]) if report.paths else ""
    more = f" and {len(report.paths) - 1} more" if len(report.paths) > 1 else ""
    return f"wrote {first}{more}"


def exported_detail(report: ExportReport) -> str:
    """Return what is in what was written."""
    masked = sum(report.masked.values())
    secrets = f"{count(masked, 'secret')} masked" if report.redacted else "secrets not masked"
    out = len(report.skipped) + len(report.omitted)
    left = f", {out:,} left out" if out else ""
    return (
        f"{count(report.runs, 'run')}, {count(report.files, 'file')} in {size(report.size)}; {secrets}{left}"
    )


# Importing


def import_head(width: int) -> str:
    """Return the titles over what is in a bundle."""
    return f" {'run':<{name_width(width)}} {'files':>{_FILES_WIDTH}} {'size':>{_SIZE_WIDTH}}  here"


def bundle_line(row: BundleRow, width: int) -> Sequence[Span]:
    """Return a run of a bundle, or a problem."""
    if row.is_problem:
        where = f" {one_line(row.name)}" if row.name else ""
        return [(fit(f"{one_line(row.note)}{where}", width), "failure")]
    return _line(row.name, row.files, row.bytes, (row.note, "text" if row.note == "new" else "muted"), width)


def bundle_rows(bundle: BundleReport, preview: ImportReport | None, problem: str) -> Sequence[BundleRow]:
    """Return what is wrong with a bundle, or what is in it and what becomes of each run."""
    wrong = [BundleRow(p.path, 0, 0, f"{p.code}: {p.message}", is_problem=True) for p in bundle.problems]
    if not wrong and problem:
        wrong = [BundleRow("", 0, 0, problem, is_problem=True)]
    known = frozenset(preview.already_there) if preview is not None else frozenset()
    told = "" if preview is None else "new"
    rows = [
        BundleRow(run.name, run.files, run.bytes, "is there already" if run.name in known else told)
        for run in bundle.runs
    ]
    return [*wrong, *rows]


def bundle_spans(bundle: BundleReport, problem: str) -> Sequence[Span]:
    """Return the verdict on a bundle."""
    if bundle.problems:
        return [(f"✗ refused: {count(len(bundle.problems), 'problem')}; nothing can be imported", "failure")]
    what = f"{count(len(bundle.runs), 'run')}, {count(bundle.files, 'file')}, {size(bundle.bytes)}"
    if problem:
        return [("✗ nothing can be imported", "failure"), (f"   {what}", "muted")]
    return [("✓ valid", "success"), (f"   {what}", "text")]


def bundle_facts(bundle: BundleReport) -> Sequence[Span]:
    """Return who made a bundle and how it is protected."""
    if not bundle.digest:
        return []
    signer = f"signed by {one_line(bundle.signature.signer, 40)}", "success"
    signed = _SIGNATURES.get(bundle.signature.state, signer)
    secrets: Span = ("secrets masked", "muted") if bundle.redacted else ("secrets NOT masked", "timeout")
    spans: list[Span] = [signed, (" · ", "faint"), secrets]
    if bundle.is_encrypted:
        spans += [(" · ", "faint"), ("encrypted", "muted")]
    if bundle.omitted:
        spans += [(" · ", "faint"), (f"{count(len(bundle.omitted), 'file')} left out", "muted")]
    return [*spans, (" · ", "faint"), (f"made by {one_line(bundle.producer, 30)}", "muted")]


def imported_text(report: ImportReport) -> str:
    """Return what was imported."""
    known = f"; {count(len(report.already_there), 'run')} were there already" if report.already_there else ""
    renamed = f"; {len(report.renamed):,} with another name" if report.renamed else ""
    return f"imported {count(len(report.imported), 'run')}{renamed}{known}"


def _line(name: str, files: int, content: int, told: Span, width: int) -> Sequence[Span]:
    wide = name_width(width)
    room = max(0, width - wide - _FILES_WIDTH - _SIZE_WIDTH - 4)
    return [
        (f"{fit(one_line(name), wide)} ", "text"),
        (f"{files:>{_FILES_WIDTH},} {size(content):>{_SIZE_WIDTH}}  ", "muted"),
        (fit(one_line(told[0]), room), told[1]),
    ]
