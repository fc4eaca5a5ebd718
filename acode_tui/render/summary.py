"""A run in words: the lines above its output, and the header of its own screen."""

from __future__ import annotations

from acode_tui.render.ansi import InkSpan, Styled
from acode_tui.render.format import duration, full_moment, moment, size
from acode_tui.render.rows import Span, cells, elapsed, fit, status_text
from acode_tui.render.safe import one_line
from acode_tui.render.strips import word_ranges
from collector import Run


def summary_lines(run: Run, width: int, now: int, most: int) -> list[Styled]:
    """Return what a run is, in at most so many lines (but never fewer than two)."""
    lines = [status_line(run, now, width)]
    command = one_line(run.command_line, 4000)
    inner = max(8, width - 4)
    ranges = word_ranges(command, inner)
    room = max(1, min(4, most - 4))
    for number, (low, high) in enumerate(ranges[:room]):
        text = command[low:high]
        if number + 1 == room and len(ranges) > room:
            text = fit(text + "…", inner).rstrip()
        mark = "$ " if number == 0 else "  "
        lines.append(Styled(mark + text, ((0, 2, "accent"), (2, 2 + len(text), "text"))))
    if run.error_message:
        lines.append(_faint(one_line(run.error_message), "failure"))
    lines += fact_lines(run, width)
    return lines[: max(2, most)]


def status_line(run: Run, now: int, width: int = 200) -> Styled:
    """Return the outcome: status, exit code or signal, and time taken."""
    parts: list[tuple[str, str]] = [(status_text(run), run.status)]
    if run.exit_code is not None:
        parts.append((f"exit {run.exit_code}", "muted" if run.exit_code == 0 else "failure"))
    if run.signal is not None:
        parts.append((f"signal {run.signal}", "failure"))
    took = duration(elapsed(run, now))
    if took:
        parts.append((took, "text"))
    taken = sum(cells(text) + 3 for text, _ink in parts)
    room = width - 2 - taken
    when = full_moment(run.start_time) if room >= 19 else moment(run.start_time, now, 12 if room >= 12 else 8)
    return joined([*parts, (when, "muted")])


def fact_lines(run: Run, width: int) -> list[Styled]:
    """Return the facts that a run has: where, who, how much."""
    facts = [
        ("in", one_line(run.working_directory)),
        ("task", one_line(run.task)),
        ("session", one_line(run.session_id or "")),
        ("agent", one_line(" ".join(filter(None, (run.agent, run.model))))),
        ("tags", one_line(" ".join(f"{k}={v}" if v else k for k, v in run.tags.items()))),
    ]
    used = []
    if run.cpu_ms is not None:
        used.append(f"{duration(run.cpu_ms)} cpu")
    if run.max_rss_bytes:
        used.append(f"{size(run.max_rss_bytes)} memory")
    if used:
        facts.append(("used", ", ".join(used)))
    lines: list[Styled] = []
    current: list[tuple[str, str]] = []
    taken = 0
    for name, value in facts:
        if not value:
            continue
        needed = cells(name) + 1 + cells(value) + 3
        if current and taken + needed > width - 2:
            lines.append(joined(current, named=True))
            current, taken = [], 0
        current.append((f"{name} {value}", name))
        taken += needed
    if current:
        lines.append(joined(current, named=True))
    return lines


def rule(title: str, width: int) -> Styled:
    """Return a line across, with a title in it."""
    text = f"── {title} "
    line = text + "─" * max(0, width - 2 - cells(text))
    return Styled(line, ((0, 3, "border"), (3, len(text), "muted"), (len(text), len(line), "border")))


def joined(parts: list[tuple[str, str]], named: bool = False) -> Styled:
    """Join pieces of text with dots; when `named`, each piece begins with its own name."""
    text, spans = "", list[InkSpan]()
    for piece, ink in parts:
        if text:
            spans.append((len(text), len(text) + 3, "faint"))
            text += " · "
        start = len(text)
        text += piece
        if named:
            middle = start + len(ink)
            spans += [(start, middle, "faint"), (middle, len(text), "muted")]
        else:
            spans.append((start, len(text), ink))
    return Styled(text, tuple(spans))


def _faint(text: str, ink: str) -> Styled:
    return Styled(text, ((0, len(text), ink),))


def header_lines(run: Run, width: int, now: int, compact: bool) -> list[list[Span]]:
    """Return the header of the run screen; on a low screen only the command and the outcome."""
    command = fit(one_line(run.command_line, 2000), max(8, width - 6)).rstrip()
    lines: list[list[Span]] = [
        [(" $ ", "accent"), (command, "text")],
        [(" ", "text"), *_spans(status_line(run, now, width), width - 2)],
    ]
    if compact:
        return lines
    if run.error_message:
        lines.append([(" " + fit(one_line(run.error_message), width - 2).rstrip(), "failure")])
    lines += [[(" ", "text"), *_spans(line, width - 2)] for line in fact_lines(run, width)[:2]]
    return lines


def _spans(line: Styled, width: int) -> list[Span]:
    spans: list[Span] = []
    room = width
    for start, end, ink in line.spans:
        text = line.text[start:end]
        if cells(text) > room:
            text = fit(text, max(0, room)).rstrip()
        room -= cells(text)
        spans.append((text, str(ink)))
    return spans
