"""Which runs must go, and why: runs and a policy in, verdicts out. Pure.

`max_…` rules condemn, everything else protects, and what protects wins. A run whose times cannot be right
(before acode existed, or in the future) is never condemned: a clock that jumped must not delete what is
young, and there is nothing else to tell its age by.

Runs come oldest first and are gone through twice, so that a million of them need no memory: once to see
what there is in all, once to judge each.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator

from collector.model.facts import RunFacts
from collector.model.frozen import dataclass
from collector.tags import find_tag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.config import Config

_Candidate = tuple[str, bool, int]
"""A run that a keep-rule may keep: its id, whether it would go otherwise, its bytes."""
FAILED = frozenset({"failure", "timeout", "cancelled"})
EPOCH_MS = 1_577_836_800_000
"""2020: what is said to be older was recorded while the clock was wrong."""
_DAY_MS = 86_400_000

MAX_AGE, KEEP_FAILURES, MAX_COUNT, MAX_SIZE, REST = (
    "maxAge", "keepFailures", "maxCount", "maxSize", "keep",
)  # fmt: skip
"""The rules that condemn, named as their settings; `keep` condemns what no keep-rule keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules of retention. Times in milliseconds, sizes in bytes; 0 is no rule, or no limit.

    `max_age` holds for runs that succeeded, for others the longer of it and `keep_failures`.
    `keep_last`, `keep_daily` and `keep_weekly` protect the newest runs, and the newest run of each of the
    last days (UTC) and ISO weeks that have runs. `preserve_tags` are patterns of `NAME` or `NAME=VALUE`.
    With `delete_rest`, what none of the keep-rules keeps is condemned, as restic's `forget` has it.
    """

    max_age: int = 0
    keep_failures: int = 0
    max_count: int = 0
    max_size: int = 0
    min_age: int = 0
    keep_last: int = 0
    keep_daily: int = 0
    keep_weekly: int = 0
    preserve_tags: tuple[str, ...] = ()
    delete_rest: bool = False
    spare: frozenset[str] = frozenset()
    """Runs, by id, that stay whatever the rules say."""

    @property
    def condemns(self) -> bool:
        """Whether there is any rule that condemns."""
        return bool(self.max_age or self.max_count or self.max_size or self.delete_rest)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run that must go: the rule that condemns it, the reason as a sentence, the bytes it gives back."""

    run_id: str
    name: str
    rule: str
    reason: str
    bytes: int
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Census:
    """What there is in all, once the rules of age have had their way."""

    runs: int
    bytes: int
    kept: frozenset[str]
    """The runs that keep-rules keep, by id."""


def policy_of(config: Config) -> Policy:
    """Return the policy of a workspace's settings."""

    def number(name: str) -> int:
        value = config.get(f"runs.retention.{name}")
        return value if isinstance(value, int) else 0

    tags = config.get("runs.retention.preserveTags")
    return Policy(
        max_age=number("maxAge"), keep_failures=number("keepFailures"), max_count=number("maxCount"),
        max_size=number("maxSize"), min_age=number("minAge"), keep_last=number("keepLast"),
        keep_daily=number("keepDaily"), keep_weekly=number("keepWeekly"),
        preserve_tags=tags if isinstance(tags, tuple) else (),
    )  # fmt: skip


def judge(runs: Iterable[RunFacts], policy: Policy, now_ms: int) -> list[Verdict]:
    """Return the verdicts on runs; see `iter_verdicts`."""
    return list(iter_verdicts(runs, policy, now_ms))


def iter_verdicts(runs: Iterable[RunFacts], policy: Policy, now_ms: int) -> Iterator[Verdict]:
    """Yield the runs that must go, oldest first.

    Args:
        runs: oldest first, gone through twice; an iterator is kept in memory for that.
        policy: the rules.
        now_ms: the time that ages count to.
    """
    if not policy.condemns:
        return
    again = list(runs) if isinstance(runs, Iterator) else runs
    census = take_census(again, policy, now_ms)
    too_many = census.runs - policy.max_count if policy.max_count else 0
    too_much = census.bytes - policy.max_size if policy.max_size else 0
    for run in again:
        if protection(run, policy, now_ms) or run.run_id in census.kept:
            continue
        rule = _rule_for_itself(run, policy, now_ms)
        if not rule and too_many > 0:
            rule, too_many, too_much = MAX_COUNT, too_many - 1, too_much - run.bytes
        elif not rule and too_much > 0:
            rule, too_many, too_much = MAX_SIZE, too_many - 1, too_much - run.bytes
        if rule:
            yield Verdict(
                run.run_id, run.name, rule, _reason(rule, run, policy, now_ms), run.bytes, run.folder
            )


def take_census(runs: Iterable[RunFacts], policy: Policy, now_ms: int) -> Census:
    """Count what stays as far as age decides, and find what the keep-rules keep."""
    last: deque[_Candidate] = deque(maxlen=policy.keep_last)
    days, weeks = _Newest(policy.keep_daily), _Newest(policy.keep_weekly)
    count = size = 0
    for run in runs:
        goes = not protection(run, policy, now_ms) and bool(_rule_for_itself(run, policy, now_ms))
        if not goes:
            count, size = count + 1, size + run.bytes
        if not _is_time_wrong(run, now_ms) and not run.is_running:
            candidate = run.run_id, goes, run.bytes
            last.append(candidate)
            days.add(run.start_time // _DAY_MS, candidate)
            weeks.add((run.start_time // _DAY_MS + 3) // 7, candidate)  # 1970 began on a Thursday
    kept = {candidate[0]: candidate for candidate in (*last, *days.found(), *weeks.found())}
    saved = [size for _, would_go, size in kept.values() if would_go]
    return Census(count + len(saved), size + sum(saved), frozenset(kept))


def protection(run: RunFacts, policy: Policy, now_ms: int) -> str:
    """Return what protects a run whatever the rules say, as a few words; empty when nothing does."""
    if run.is_running:
        return "is still running"
    if _is_time_wrong(run, now_ms):
        return "has a time that cannot be right"
    if now_ms - run.last_time < policy.min_age:
        return f"is younger than {format_age(policy.min_age)}"
    if run.run_id in policy.spare:
        return "came back from the trash lately"
    tag = find_tag(run.tags, policy.preserve_tags)
    return f"has the tag {tag}" if tag else ""


def format_age(ms: int) -> str:
    """Format a duration as `30d`, `36h`, `90s`: the largest unit that it is a whole number of."""
    for unit, name in ((_DAY_MS, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")):
        if ms and ms % unit == 0:
            return f"{ms // unit}{name}"
    return f"{ms}ms"


class _Newest:
    """The newest run of each of the last so many days, or weeks, that have any."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._found: dict[int, _Candidate] = {}

    def add(self, period: int, candidate: _Candidate) -> None:
        if not self._count:
            return
        self._found[period] = candidate
        if len(self._found) > self._count:
            del self._found[next(iter(self._found))]

    def found(self) -> Iterable[_Candidate]:
        return self._found.values()


def _is_time_wrong(run: RunFacts, now_ms: int) -> bool:
    return run.start_time < EPOCH_MS or run.last_time > now_ms


def _rule_for_itself(run: RunFacts, policy: Policy, now_ms: int) -> str:
    """Return the rule that condemns a run whatever others there are."""
    limit = policy.max_age
    rule = MAX_AGE
    if limit and run.status in FAILED:
        if not policy.keep_failures:
            limit = 0
        elif policy.keep_failures > limit:
            limit, rule = policy.keep_failures, KEEP_FAILURES
    if limit and now_ms - run.last_time > limit:
        return rule
    return REST if policy.delete_rest else ""


def _reason(rule: str, run: RunFacts, policy: Policy, now_ms: int) -> str:
    days = (now_ms - run.last_time) // _DAY_MS
    age = f"it is {days} day{'' if days == 1 else 's'} old"
    if rule == MAX_AGE:
        return f"{age}, and runs are kept for {format_age(policy.max_age)}"
    if rule == KEEP_FAILURES:
        return f"{age}, and failed runs are kept for {format_age(policy.keep_failures)}"
    if rule == MAX_COUNT:
        return f"it is one of the oldest, and {policy.max_count} runs are kept"
    if rule == MAX_SIZE:
        return f"it is one of the oldest, and {policy.max_size} bytes are kept"
    return f"no rule keeps it; it is of {time.strftime('%Y-%m-%d', time.gmtime(run.start_time // 1000))}"
