"""One call from what several channels say of it: each field from the most trusted one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from collector.agents.events import CallEnded, CallStarted, Outcome, Source

TRUST: tuple[Source, ...] = ("stream", "hook", "transcript", "otlp")
"""Channels below the recorder itself, the most trusted first (SPEC, section 12)."""

_BASES = ("field", "text", "success flag")
_TOLD: tuple[Outcome, ...] = ("denied", "rejected", "timeout", "interrupted", "cancelled")
_STATUS: Mapping[str, tuple[str, str | None, str | None]] = {
    "success": ("success", None, None),
    "failure": ("failure", None, None),
    "unknown": ("success", None, None),
    "timeout": ("timeout", "ACODE-RUN-015", "the agent ended it after its time limit"),
    "denied": ("cancelled", "ACODE-AGT-009", "denied; it never ran"),
    "rejected": ("cancelled", "ACODE-AGT-010", "rejected by a person; it never ran"),
    "interrupted": ("cancelled", "ACODE-AGT-011", "interrupted by a person"),
    "cancelled": ("cancelled", "ACODE-AGT-012", "given up by the agent"),
    "background": ("cancelled", "ACODE-AGT-013", "its end is not known; it went on in the background"),
    "lost": ("cancelled", "ACODE-AGT-013", "its end is not known"),
}


@dataclass(slots=True)
class Call:
    """What is known of a call so far; `ended` holds the last word of each channel."""

    call_id: str
    agent: str
    conversation_id: str
    instance_id: str
    started: CallStarted | None = None
    ended: dict[Source, CallEnded] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether some channel has told an end; going on in the background is none.

        Telemetry calls it a success when a command went to the background.
        """
        return any(
            end.outcome in _TOLD or (end.source != "otlp" and end.outcome != "background")
            for end in self.ended.values()
        )

    def add(self, event: CallStarted | CallEnded) -> None:
        """Take in what a channel says; of two starts the more trusted one stays."""
        if isinstance(event, CallEnded):
            known = self.ended.get(event.source)
            if known is None or known.outcome == "background" or event.outcome != "background":
                self.ended[event.source] = event
        elif self.started is None:
            self.started = event
        else:  # of one channel's two words the later one says more
            self.started = _completed(*sorted((event, self.started), key=lambda e: TRUST.index(e.source)))


def _completed(trusted: CallStarted, other: CallStarted) -> CallStarted:
    """A hook does not know which answer of the model asked for a call, a transcript does."""
    times = [event.at for event in (trusted, other) if event.at is not None]
    same = trusted.source == other.source
    return replace(
        trusted,
        at=min(times) if times and same else next(iter(times), None),
        message_id=trusted.message_id or other.message_id,
        description=trusted.description or other.description,
        working_directory=trusted.working_directory or other.working_directory,
        input=trusted.input or other.input,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """What became of a call, with the channel behind each field."""

    status: str
    start_ms: int
    end_ms: int
    exit_code: int | None = None
    signal: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    output_path: str | None = None
    output_bytes: int | None = None
    truncated: bool = False
    diff: str | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)


def call_result(call: Call, now_ms: int) -> CallResult:
    """Put together what the channels say of a call that is over (or that nobody will hear of again).

    Args:
        call: what they said.
        now_ms: when it was, where nobody tells a time.
    """
    ends = [call.ended[source] for source in TRUST if source in call.ended]
    outcome = _outcome(ends)
    coded = _coded(ends) if outcome in ("success", "failure", "unknown") else None
    status, code, message = _STATUS[outcome]
    if coded is not None and coded.exit_code is not None:
        status = "success" if coded.exit_code == 0 else "failure"
    start_ms, end_ms, timing = _times(call, ends, now_ms)
    output = _fullest(ends)
    told = next((end.message for end in ends if end.message), None)
    return CallResult(
        status=status, start_ms=start_ms, end_ms=end_ms,
        exit_code=coded.exit_code if coded else None,
        signal=next((end.signal for end in ends if end.signal is not None), None),
        error_code=code, error_message=_join(message, told),
        stdout=output.stdout if output else None,
        stderr=output.stderr if output else None,
        output_path=next((end.output_path for end in ends if end.output_path), None),
        output_bytes=next((end.output_bytes for end in ends if end.output_bytes is not None), None),
        truncated=bool(output and output.output_truncated),
        diff=next((end.diff for end in ends if end.diff), None),
        provenance={
            "exit_code": _basis(coded), "timing": timing, "output": output.source if output else "none",
        },
    )  # fmt: skip


def _outcome(ends: list[CallEnded]) -> str:
    """What was told of a refusal or an interruption is believed from any channel."""
    outcomes = [end.outcome for end in ends if end.source != "otlp"] or [end.outcome for end in ends]
    outcomes += [end.outcome for end in ends if end.outcome in _TOLD]
    for told in _TOLD:
        if told in outcomes:
            return told
    for known in ("failure", "success", "unknown", "background"):
        if known in outcomes:
            return known
    return "lost"


def _coded(ends: list[CallEnded]) -> CallEnded | None:
    """A field of its own is believed before a text, and a text before a flag that stands for 0."""
    coded = [end for end in ends if end.exit_code is not None]
    return min(coded, key=lambda end: _BASES.index(end.exit_code_basis or "field"), default=None)


def _basis(coded: CallEnded | None) -> str:
    if coded is None:
        return "none"
    basis = coded.exit_code_basis or "field"
    return coded.source if basis == "field" else f"{coded.source}: {basis}"


def _times(call: Call, ends: list[CallEnded], now_ms: int) -> tuple[int, int, str]:
    started = call.started.at if call.started else None
    measured = next((e for e in ends if e.duration_ms is not None and e.duration_ms >= 0), None)
    over = [end for end in ends if end.outcome != "background"] or ends
    end = next((e.at for e in over if e.at is not None), None)
    if measured is not None and measured.duration_ms is not None:
        stop = measured.at if measured.at is not None else end
        if stop is not None:
            return stop - measured.duration_ms, stop, measured.source
        start = started if started is not None else now_ms
        return start, start + measured.duration_ms, measured.source
    start = started if started is not None else end if end is not None else now_ms
    source = ends[0].source if ends else call.started.source if call.started else "transcript"
    return start, max(start, end if end is not None else start), f"{source}: upper bound"


def _fullest(ends: list[CallEnded]) -> CallEnded | None:
    """Every channel cuts output at another place; the longest one is the nearest to what there was."""
    told = [end for end in ends if end.stdout or end.stderr]
    return max(told, key=lambda end: len(end.stdout or "") + len(end.stderr or ""), default=None)


def _join(message: str | None, told: str | None) -> str | None:
    if told:
        told = told.strip().partition("\n")[0][:500]
    return f"{message}: {told}" if message and told else message or told or None


def shown_input(started: CallStarted) -> dict[str, Any]:
    """Return a call's input for keeping, without what its diff or command line says already."""
    skipped = {"command", "content", "old_string", "new_string", "edits", "cmd"}
    return {key: value for key, value in started.input.items() if key not in skipped}
