"""What retention remembers between two cleanups: which time it was, when it was done, what came back.

The clock of a machine may jump: at boot, or because somebody set it. A jump ahead must not make everything
old at once, so the time that ages count to goes no faster than the time since boot, until the new time has
held for a day. What was recorded while the clock was wrong is the policy's business.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from collector import clock, durable
from collector.model.frozen import dataclass, field, replace
from collector.record.json_file import read_object
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TOLERANCE_MS = 600_000
TRUST_AFTER_MS = 86_400_000
_MAX_RESTORED = 10_000
_MAX_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment by two clocks: milliseconds since 1970, and since the boot that has this identity."""

    wall_ms: int
    boot_ms: int
    boot_id: str

    def after(self, other: Moment) -> int:
        """Return what the wall clock should say now if it was right at another moment of this boot."""
        return other.wall_ms + self.boot_ms - other.boot_ms


@dataclass(frozen=True, slots=True)
class CleanupState:
    """What is remembered.

    `known` is a moment whose wall clock is believed, `doubted` the first one after a jump ahead.
    `cleaned_ms` is when runs were cleaned up last, by the wall clock; 0 for never. `restored` has the runs
    that came back from the trash, with when.
    """

    known: Moment | None = None
    doubted: Moment | None = None
    cleaned_ms: int = 0
    restored: Mapping[str, int] = field(default_factory=dict)

    def restored_after(self, ms: int) -> frozenset[str]:
        """Return the runs that came back after a time."""
        return frozenset(run_id for run_id, when in self.restored.items() if when > ms)


def this_moment() -> Moment:
    """Return what the clocks say now."""
    number = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return Moment(clock.now_ms(), int(time.clock_gettime(number) * 1000), clock.boot_id())


def believe(state: CleanupState, now: Moment) -> tuple[CleanupState, int]:
    """Return what to remember, and the time that ages count to. Pure."""
    known = state.known
    if known is None or known.boot_id != now.boot_id or not known.boot_id:
        return replace(state, known=now, doubted=None), now.wall_ms
    expected = now.after(known)
    if now.wall_ms - expected <= TOLERANCE_MS:
        return replace(state, known=now, doubted=None), now.wall_ms
    doubted = state.doubted
    if doubted is None or abs(now.wall_ms - now.after(doubted)) > TOLERANCE_MS:
        return replace(state, doubted=now), expected
    if now.boot_ms - doubted.boot_ms < TRUST_AFTER_MS:
        return state, expected
    return replace(state, known=now, doubted=None), now.wall_ms


def read_state(workspace: Workspace) -> CleanupState:
    """Return what is remembered; nothing, where the file is missing or damaged."""
    value = read_object(workspace.cleanup_state, _MAX_BYTES) or {}
    try:
        restored = {str(k): int(v) for k, v in value.get("restored", {}).items()}
        return CleanupState(
            _moment(value.get("known")),
            _moment(value.get("doubted")),
            int(value.get("cleaned_ms", 0)),
            restored,
        )
    except (LookupError, ValueError, TypeError, AttributeError):
        return CleanupState()


def write_state(workspace: Workspace, state: CleanupState) -> None:
    """Remember. A full disk is no reason not to clean up, so what cannot be written is not."""
    newest = sorted(state.restored.items(), key=lambda item: item[1])[-_MAX_RESTORED:]
    value = {
        "known": _record(state.known), "doubted": _record(state.doubted), "cleaned_ms": state.cleaned_ms,
        "restored": dict(newest),
    }  # fmt: skip
    try:
        durable.replace_file(workspace.cleanup_state, json.dumps(value).encode(), sync=False)
    except OSError:
        Path(workspace.cleanup_state).unlink(missing_ok=True)


def now_for_ages(workspace: Workspace) -> int:
    """Return the time that ages count to, and remember that it was asked for."""
    state = read_state(workspace)
    after, now_ms = believe(state, this_moment())
    write_state(workspace, after)
    return now_ms


def note_restored(workspace: Workspace, run_id: str) -> None:
    """Remember that a run came back, so that it is not deleted again at once."""
    state = read_state(workspace)
    write_state(workspace, replace(state, restored={**state.restored, run_id: clock.now_ms()}))


def _record(moment: Moment | None) -> dict[str, int | str] | None:
    if moment is None:
        return None
    return {"wall_ms": moment.wall_ms, "boot_ms": moment.boot_ms, "boot_id": moment.boot_id}


def _moment(value: object) -> Moment | None:
    if not isinstance(value, dict):
        return None
    return Moment(int(value["wall_ms"]), int(value["boot_ms"]), str(value["boot_id"]))
