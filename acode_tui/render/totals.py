"""The head of the statistics: what all the runs amount to, in a few lines that fit. Pure."""

from __future__ import annotations

from acode_tui.render.format import cost, count, duration, full_moment, size, tokens
from acode_tui.render.rows import Span, cells
from acode_tui.render.statistics import percent
from collector import Totals

Fact = tuple[Span, ...]


def head_lines(totals: Totals, artifacts: int, stored: int, width: int, lines: int) -> list[list[Span]]:
    """Return so many lines; what does not fit at the end of one is left out."""
    found = [_outcomes(totals), _durations(totals), _rest(totals, artifacts, stored)]
    return [_line(facts, width) for facts in found[:lines]]


def _outcomes(totals: Totals) -> list[Fact]:
    facts: list[Fact] = [((count(totals.runs, "run"), "text"),)]
    if totals.success_rate is not None:
        facts.append(((percent(totals.success_rate), "text"), (" success", "muted")))
    facts.append(((f"✓ {totals.success:,}", "success"), (" succeeded", "muted")))
    facts.append(((f"✗ {totals.failed:,}", "failure" if totals.failed else "muted"), (" failed", "muted")))
    if totals.running:
        facts.append(((f"● {totals.running:,}", "running"), (" running", "muted")))
    others = ((status, totals.by_status.get(status, 0)) for status in ("timeout", "cancelled"))
    return facts + [((f"{number:,} {status}", status),) for status, number in others if number]


def _durations(totals: Totals) -> list[Fact]:
    if not totals.timed:
        return [(("no run has ended yet", "faint"),)]
    mean = totals.mean_duration_ms
    named = (
        ("P50", totals.p50_duration_ms), ("P95", totals.p95_duration_ms), ("P99", totals.p99_duration_ms),
        ("longest", totals.max_duration_ms), ("mean", None if mean is None else round(mean)),
        ("together", totals.total_duration_ms),
    )  # fmt: skip
    return [((f"{name} ", "muted"), (duration(ms), "text")) for name, ms in named if duration(ms)]


def _rest(totals: Totals, artifacts: int, stored: int) -> list[Fact]:
    facts: list[Fact] = [((f"{size(stored)} stored", "text"), (f" in {count(artifacts, 'file')}", "muted"))]
    if totals.output_bytes:
        facts.append(((f"{size(totals.output_bytes)}", "text"), (" printed", "muted")))
    if totals.tokens_used is not None:
        facts.append(((tokens(totals.tokens_used) or "0", "text"), (" tokens", "muted")))
    if cost(totals.cost):
        facts.append(((cost(totals.cost), "text"),))
    span = _span(totals)
    return [*facts, ((span, "faint"),)] if span else facts


def _span(totals: Totals) -> str:
    if totals.oldest is None or totals.newest is None:
        return ""
    try:
        return f"{full_moment(totals.oldest)[:16]} to {full_moment(totals.newest)[:16]}"
    except (OverflowError, OSError, ValueError):
        return ""


def _line(facts: list[Fact], width: int) -> list[Span]:
    spans: list[Span] = [(" ", "text")]
    taken = 1
    for fact in facts:
        needed = sum(cells(text) for text, _ in fact) + (3 if taken > 1 else 0)
        if taken + needed > width and taken > 1:
            break
        spans += [*([("   ", "text")] if taken > 1 else []), *fact]
        taken += needed
    return spans
