"""A run in words: the lines above its output, and the header of its own screen."""

from __future__ import annotations

from collections.abc import Mapping

from acode_tui.render.ansi import InkSpan, Styled
from acode_tui.render.format import cost, duration, full_moment, moment, size, tokens
from acode_tui.render.found import found_spans, left_out_text, metrics_text
from acode_tui.render.rows import Span, cells, elapsed, fit, status_text
from acode_tui.render.safe import one_line
from acode_tui.render.strips import word_ranges
from collector import Run

_CALL_ENDS = {
    "ACODE-AGT-009": "denied",
    "ACODE-AGT-010": "rejected",
    "ACODE-AGT-011": "interrupted",
    "ACODE-AGT-012": "given up",
    "ACODE-AGT-013": "end not known",
}
_MOST_LINES = 3
_NEVER_RAN = ("ACODE-AGT-009", "ACODE-AGT-010")
_CHANNELS = {"stream": "agent's output", "otlp": "telemetry"}
TOKEN_KINDS = {
    "input": "in", "output": "out", "cache_read": "from cache", "cache_write": "to cache",
    "reasoning": "reasoning",
}  # fmt: skip


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
    lines += found_lines(run, width)
    if run.error_message:
        message = one_line(run.error_message)
        lines += [
            _faint(message[a:b], "failure") for a, b in word_ranges(message, max(8, width - 2))[:_MOST_LINES]
        ]
    lines += fact_lines(run, width)
    return lines[: max(2, most)]


def found_lines(run: Run, width: int) -> list[Styled]:
    """Return what was found in a run, on one line; none where nothing was."""
    spans = found_spans(run.summary)
    while len(spans) > 1 and sum(cells(text) + 3 for text, _ink in spans) > width:
        spans.pop()
    return [joined(spans)] if spans else []


def status_line(run: Run, now: int, width: int = 200) -> Styled:
    """Return the outcome: status, exit code or signal, and time taken."""
    parts: list[tuple[str, str]] = [(status_text(run), run.status)]
    if run.error_code in _CALL_ENDS:
        parts.append((_CALL_ENDS[run.error_code], run.status))
    elif run.exit_code is not None:
        parts.append((f"exit {run.exit_code}", "muted" if run.exit_code == 0 else "failure"))
    if run.signal is not None:
        parts.append((f"signal {run.signal}", "failure"))
    took = duration(elapsed(run, now))
    if took and run.error_code not in _NEVER_RAN:
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
        ("agent", one_line(" ".join(filter(None, (run.agent, run.agent_version, run.model))))),
        ("session", one_line(run.session_id or "")),
        ("instance", _instance(run)),
        ("tool", one_line(run.tool or "")),
        ("tokens", token_text(run.tokens)),
        ("cost", cost(run.cost)),
        ("tags", one_line(" ".join(f"{k}={v}" if v else k for k, v in run.tags.items()))),
    ]
    used = []
    if run.cpu_ms is not None:
        used.append(f"{duration(run.cpu_ms)} cpu")
    if run.max_rss_bytes:
        used.append(f"{size(run.max_rss_bytes)} memory")
    if used:
        facts.append(("used", ", ".join(used)))
    facts += [("says", metrics_text(run.metrics)), ("not collected", left_out_text(run))]
    return _flowing([(name, value) for name, value in [*facts, *origins(run)] if value], width)


def origins(run: Run) -> list[tuple[str, str]]:
    """Return where exit code, timing and output are from, when it was not the recorder who saw them."""
    told = {name: one_line(str(value), 80) for name, value in run.provenance.items()}
    facts = []
    if run.exit_code is not None:
        facts.append(("exit code", _source(told.get("exit_code"))))
    facts.append(("timing", _source(told.get("timing"))))
    output = _source(told.get("output"))
    if told.get("output") == "none":
        output = "not told"
    if output and "truncated" in told:
        output += ", cut by the agent"
    facts.append(("output", output))
    return [(name, text) for name, text in facts if text]


def token_text(counts: Mapping[str, object]) -> str:
    """Return tokens as their sum and by kind; a record may hold anything."""
    known = {kind: n for kind, n in counts.items() if isinstance(n, int) and n > 0}
    total = sum(n for kind, n in known.items() if kind != "reasoning")
    names = {kind: TOKEN_KINDS.get(kind) or one_line(kind, 20) for kind in known if kind != "reasoning"}
    kinds = [f"{tokens(known[kind])} {name}" for kind, name in names.items()]
    return f"{tokens(total)} ({', '.join(kinds)})" if total else ""


def _source(basis: str | None) -> str:
    """Put a channel and its basis into words; nothing for the recorder itself and for none."""
    channel, _, how = (basis or "").partition(": ")
    if channel in ("", "recorder", "none"):
        return ""
    if channel == "last output":
        return "until the last output"
    channel = _CHANNELS.get(channel, channel)
    if how == "upper bound":
        return f"at most ({channel})"
    if how == "success flag":
        return f"{channel} says it succeeded"
    return f"from the {channel}" + ("'s text" if how == "text" else f" ({how})" if how else "")


def _instance(run: Run) -> str:
    """The main agent of a conversation has its session's id, which stands there already."""
    return one_line(run.agent_instance_id or "") if run.agent_instance_id != run.session_id else ""


def _flowing(facts: list[tuple[str, str]], width: int) -> list[Styled]:
    """Return facts one after the other, on as many lines as they need; a long one on several."""
    lines: list[Styled] = []
    current: list[tuple[str, str]] = []
    taken = 0
    for name, value in facts:
        needed = cells(name) + 1 + cells(value) + 3
        if current and taken + needed > width - 2:
            lines.append(joined(current, named=True))
            current, taken = [], 0
        if needed - 3 > width - 2:
            lines += _wrapped(name, value, width - 2)
        else:
            current.append((f"{name} {value}", name))
            taken += needed
    if current:
        lines.append(joined(current, named=True))
    return lines


def _wrapped(name: str, value: str, width: int) -> list[Styled]:
    indent = len(name) + 1
    lines = []
    for low, high in word_ranges(value, max(8, width - indent))[:_MOST_LINES]:
        text = (name if low == 0 else "").ljust(indent) + value[low:high]
        lines.append(Styled(text, ((0, indent, "faint"), (indent, len(text), "muted"))))
    return lines


def nothing_printed(run: Run) -> str:
    """Return why there is no output to show."""
    if not run.is_finished:
        return "nothing printed yet"
    if run.error_code in _NEVER_RAN:
        return "it never ran"
    return "no output is known" if run.provenance.get("output") == "none" else "nothing was printed"


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
    told = [*found_lines(run, width), *fact_lines(run, width)[:3]]
    lines += [[(" ", "text"), *_spans(line, width - 2)] for line in told]
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
