"""Rules of retention, what they condemn and what is in the trash, as text and spans."""

from __future__ import annotations

from acode_tui.render.format import count, duration, full_moment, size
from acode_tui.render.rows import Span, cells, fit
from acode_tui.render.safe import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector import CleanupPlan, CleanupReport, Policy, Trashed, Verdict

_SIZE_WIDTH, _NAME_WIDTH, _NARROW = 8, 34, 24
_UNITS = ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))

AGES = ("max_age", "keep_failures", "min_age")
SIZES = ("max_size",)
COUNTS = ("max_count", "keep_last", "keep_daily", "keep_weekly")


def exact_size(value: int) -> str:
    """Format bytes so that they can be read again as the same number; nothing for none."""
    for unit, name in _UNITS:
        if value and value % unit == 0:
            return f"{value // unit}{name}"
    return str(value) if value else ""


def rule_texts(policy: Policy) -> Mapping[str, str]:
    """Return a policy as what would be typed for it."""
    from collector import format_age

    texts = {name: format_age(value) if (value := getattr(policy, name)) else "" for name in AGES}
    texts |= {name: exact_size(getattr(policy, name)) for name in SIZES}
    texts |= {name: str(getattr(policy, name) or "") for name in COUNTS}
    return texts | {"preserve_tags": ", ".join(policy.preserve_tags)}


def rule_values(texts: Mapping[str, str]) -> Mapping[str, object]:
    """Return what was typed as the fields of a policy; nothing typed is no rule.

    Raises:
        InputError: naming the text that was not understood.
    """
    from collector import InputError, parse_duration, parse_size

    values: dict[str, object] = {}
    for name, text in texts.items():
        if name in AGES:
            values[name] = parse_duration(text) if text else 0
        elif name in SIZES:
            values[name] = parse_size(text) if text else 0
        elif name in COUNTS:
            if text and not (text.isascii() and text.isdigit() and len(text) < 10):
                raise InputError("ACODE-RUN-018", f"{text!r} is not a number", "write 100")
            values[name] = int(text or 0)
        else:
            values[name] = tuple(part.strip() for part in text.split(",") if part.strip())
    return values


# What would go


def plan_head(width: int) -> str:
    """Return the titles over the runs that would go."""
    return f" {'run':<{name_width(width)}} {'size':>{_SIZE_WIDTH}}  why"


def verdict_line(verdict: Verdict, width: int) -> Sequence[Span]:
    """Return a run that would go: its name, what it takes, why it goes."""
    name = name_width(width)
    return [
        (f"{fit(one_line(verdict.name), name)} ", "text"),
        (f"{size(verdict.bytes):>{_SIZE_WIDTH}}  ", "muted"),
        (fit(one_line(verdict.reason), max(0, width - name - _SIZE_WIDTH - 3)), "muted"),
    ]


def plan_text(plan: CleanupPlan) -> str:
    """Return what would go in all."""
    return f"{count(len(plan.verdicts), 'run')}, {size(plan.bytes)}"


def report_text(report: CleanupReport) -> str:
    """Return what went."""
    kept = f"; {count(len(report.kept), 'run')} could not be deleted" if report.kept else ""
    return f"deleted {count(report.removed, 'run')}, {size(report.bytes)}{kept}"


def trash_text(trash_ms: int) -> str:
    """Return what becomes of what is deleted."""
    if trash_ms <= 0:
        return "gone for good"
    from collector import format_age

    return f"u brings back, for {format_age(trash_ms)}"


def trash_sentence(trash_ms: int) -> str:
    """Return what becomes of a run that is deleted."""
    if trash_ms <= 0:
        return "It is gone for good: runs.retention.trashTime is 0."
    from collector import format_age

    return f"It can come back for {format_age(trash_ms)}: u shows the trash."


# The trash


def trash_head(width: int) -> str:
    """Return the titles over what can come back."""
    return f" {'run':<{name_width(width)}} {'size':>{_SIZE_WIDTH}}  {'deleted':<19}  goes for good"


def trash_line(run: Trashed, width: int, now: int) -> Sequence[Span]:
    """Return a run that can come back."""
    name = name_width(width)
    left = run.expires_ms - now
    goes = f"in {duration(left)}" if left > 0 else "at any time"
    rule = f", by {run.rule}" if run.rule not in ("delete", "") else ""
    return [
        (f"{fit(one_line(run.name or run.run_id), name)} ", "text"),
        (f"{size(run.bytes):>{_SIZE_WIDTH}}  ", "muted"),
        (f"{full_moment(run.deleted_ms)}  ", "muted"),
        (fit(goes + one_line(rule), max(0, width - name - _SIZE_WIDTH - 24)), "muted"),
    ]


def back_text(names: Sequence[str]) -> str:
    """Return which runs came back."""
    if not names:
        return ""
    return f"brought back {one_line(names[0])}" if len(names) == 1 else f"brought back {len(names):,} runs"


def name_width(width: int) -> int:
    """Return how much of a line a run's name gets."""
    return _NARROW if width < 90 else _NAME_WIDTH


# Any work


def progress_line(done: int, total: int, width: int, as_size: bool = False) -> Sequence[Span]:
    """Return how far some work is, as a bar and as numbers."""
    share = min(1.0, done / total) if total > 0 else 0.0
    told = f"{size(done)} of {size(total)}" if as_size else f"{done:,} of {total:,}"
    room = max(8, min(40, width - cells(told) - 8))
    full = int(room * share)
    return [
        ("━" * full, "success"), ("━" * (room - full), "faint"),
        (f" {share:>4.0%}  ", "text"), (told, "muted"),
    ]  # fmt: skip
