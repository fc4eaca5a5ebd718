"""When it is time to clean up. Pure, but for reading the time zone that a schedule is meant in."""

from __future__ import annotations

from collector.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from collector.config import Config

WITHOUT_SCHEDULE_MS = 3_600_000
"""So often where no schedule says when."""
_STARTS_APART_MS = 600_000
"""A collector that starts so soon after a cleanup does not begin with another."""


def is_due(config: Config, cleaned_ms: int, now_ms: int, has_just_started: bool) -> bool:
    """Tell whether runs should be cleaned up now because of the time.

    Args:
        config: the settings.
        cleaned_ms: when it was done last; 0 for never.
        now_ms: now; both in milliseconds since 1970.
        has_just_started: whether the collector has.

    Raises:
        InputError: the schedule is not understood.
    """
    if config.get("runs.retention.enabled") is not True:
        return False
    since = now_ms - cleaned_ms
    if has_just_started and not 0 <= since < _STARTS_APART_MS:
        return True
    schedule = config.get("runs.retention.schedule")
    if isinstance(schedule, str):
        return fires_between(schedule, cleaned_ms, now_ms)
    return not 0 <= since < WITHOUT_SCHEDULE_MS


def fires_between(schedule: str, after_ms: int, until_ms: int) -> bool:
    """Tell whether a cron expression fires after a time and until another, in local time.

    Raises:
        InputError: it is not understood.
    """
    if after_ms > until_ms:  # the clock was set back
        return False
    return next_time(schedule, after_ms) <= until_ms


def next_time(schedule: str, after_ms: int) -> int:
    """Return when a cron expression fires next after a time, in local time; a year later where it never does.

    Raises:
        InputError: it is not understood.
    """
    from datetime import UTC, datetime

    start = datetime.fromtimestamp(max(after_ms, 0) / 1000, UTC).astimezone()
    return round(_next(schedule, start).timestamp() * 1000)


def _next(schedule: str, start: datetime) -> datetime:
    from datetime import timedelta

    from cronsim import CronSim, CronSimError

    try:
        return next(CronSim(_NAMES.get(schedule.strip(), schedule), start.replace(tzinfo=None))).astimezone()
    except StopIteration:
        return start + timedelta(days=366)
    except CronSimError as error:
        raise InputError(
            "ACODE-RUN-023", f"runs.retention.schedule: {schedule!r} is not a cron expression ({error})",
            "write '0 2 * * *' for every night at two",
        ) from error  # fmt: skip


_NAMES = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
