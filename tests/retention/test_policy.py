"""What the policy condemns, against a slow model of the same words, and on its own."""

from __future__ import annotations

import datetime
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.config import Config
from collector.model.facts import RunFacts
from collector.retention.policy import Policy, judge, policy_of

DAY = 86_400_000
HOUR = 3_600_000
NOW = 1_800_000_000_000  # 2027-01-15


def a_run(number: int = 1, **changes: Any) -> RunFacts:
    """A run that took a second and succeeded, some days ago."""
    days = changes.pop("days", 10)
    start = changes.pop("start", NOW - int(days * DAY))
    values: dict[str, Any] = {
        "run_id": f"{number:026}", "name": f"r{number}", "status": "success", "start_time": start,
        "end_time": start + 1000, "tags": {}, "bytes": 100,
    }  # fmt: skip
    return RunFacts(**{**values, **changes})


def condemned(runs: list[RunFacts], **rules: Any) -> dict[str, str]:
    return {v.name: v.rule for v in judge(runs, Policy(**rules), NOW)}


def test_old_runs_go_and_failed_ones_stay_for_longer() -> None:
    runs = [
        a_run(1, days=100, status="failure"),
        a_run(2, days=40),
        a_run(3, days=40, status="timeout"),
        a_run(4, days=20),
    ]
    assert condemned(runs, max_age=30 * DAY, keep_failures=90 * DAY) == {"r1": "keepFailures", "r2": "maxAge"}


def test_failures_are_kept_for_ever_when_their_limit_is_unlimited() -> None:
    assert condemned([a_run(1, days=4000 / 2, status="failure"), a_run(2, days=40)], max_age=30 * DAY) == {
        "r2": "maxAge"
    }


def test_the_oldest_go_when_there_are_too_many_or_too_much() -> None:
    runs = [a_run(i, days=10 - i) for i in range(10)]
    assert condemned(runs, max_count=7) == dict.fromkeys(("r0", "r1", "r2"), "maxCount")
    assert condemned(runs, max_size=850) == dict.fromkeys(("r0", "r1"), "maxSize")
    assert condemned(runs, max_count=9, max_size=850) == {"r0": "maxCount", "r1": "maxSize"}


def test_what_is_protected_takes_the_place_of_others() -> None:
    runs = [a_run(1, days=9, tags={"keep": ""}), a_run(2, days=8), a_run(3, days=7)]
    assert condemned(runs, max_count=1, preserve_tags=("keep",)) == {"r2": "maxCount", "r3": "maxCount"}


@pytest.mark.parametrize(
    ("pattern", "is_kept"),
    [("release", True), ("release=1.0", True), ("release=*", True), ("*", True), ("release=2", False)],
)
def test_a_tag_is_preserved_by_name_by_value_or_by_pattern(pattern: str, is_kept: bool) -> None:
    run = a_run(1, days=99, tags={"release": "1.0"})
    assert (condemned([run], max_age=DAY, preserve_tags=(pattern,)) == {}) is is_kept


def test_a_running_run_never_goes_however_old() -> None:
    run = a_run(1, days=99, status="running", end_time=None)
    assert condemned([run], max_age=DAY, max_size=1, delete_rest=True) == {}


@pytest.mark.parametrize("start", [0, 4_102_444_800_000, NOW + HOUR], ids=["1970", "2100", "an hour ahead"])
def test_a_clock_that_jumped_deletes_nothing(start: int) -> None:
    assert condemned([a_run(1, start=start)], max_age=DAY, max_size=1, delete_rest=True) == {}


def test_nothing_younger_than_the_minimum_goes() -> None:
    runs = [a_run(1, days=0.5), a_run(2, days=0.01)]
    rules: dict[str, Any] = {"max_size": 1, "max_count": 1, "delete_rest": True, "min_age": HOUR}
    assert condemned(runs, **rules) == {"r1": "keep"}


def test_the_newest_of_each_day_and_week_stays() -> None:
    # NOW is a Friday; four runs a day for 30 days.
    runs = [a_run(i, start=NOW - (120 - i) * 6 * HOUR) for i in range(120)]
    stay = {r.name for r in runs} - set(condemned(runs, delete_rest=True, keep_daily=3, keep_weekly=2))
    by_name = {r.name: datetime.datetime.fromtimestamp(r.start_time / 1000, datetime.UTC) for r in runs}
    assert sorted(by_name[name].strftime("%m-%d %H") for name in stay) == [
        "01-10 20", "01-13 20", "01-14 20", "01-15 02",
    ]  # fmt: skip


def test_a_policy_without_a_rule_condemns_nothing() -> None:
    assert condemned([a_run(1, days=2000)]) == {}


def test_the_settings_make_the_policy() -> None:
    assert policy_of(Config({})) == Policy(
        max_age=30 * DAY, keep_failures=90 * DAY, min_age=HOUR, max_size=1 << 30
    )


def test_an_iterator_is_as_good_as_a_list() -> None:
    runs = [a_run(i, days=10 - i) for i in range(10)]
    assert judge(iter(runs), Policy(max_count=5), NOW) == judge(runs, Policy(max_count=5), NOW)


# Against the slow model

RUNS = st.lists(
    st.tuples(
        st.integers(-2, 60),
        st.sampled_from(["success", "failure", "timeout", "cancelled", "running"]),
        st.integers(0, 23),
        st.sampled_from([{}, {"keep": ""}, {"release": "1.0"}, {"x": "y"}]),
        st.integers(0, 500),
    ),
    max_size=30,
)
POLICIES = st.builds(
    Policy,
    max_age=st.sampled_from([0, DAY, 20 * DAY]),
    keep_failures=st.sampled_from([0, HOUR, 40 * DAY]),
    max_count=st.integers(0, 12),
    max_size=st.integers(0, 3000),
    min_age=st.sampled_from([0, HOUR, 3 * DAY]),
    keep_last=st.integers(0, 5),
    keep_daily=st.integers(0, 4),
    keep_weekly=st.integers(0, 3),
    preserve_tags=st.sampled_from([(), ("keep",), ("rel*", "x=z"), ("*",)]),
    delete_rest=st.booleans(),
)


def made(drawn: list[Any]) -> list[RunFacts]:
    runs = [
        a_run(
            i, start=0 if days == 60 else NOW - days * DAY - hour * HOUR, status=status, tags=tags, bytes=size
        )
        for i, (days, status, hour, tags, size) in enumerate(drawn)
    ]
    return sorted(runs, key=lambda run: run.start_time)


def safe_ids(runs: list[RunFacts], policy: Policy) -> set[str]:
    """What protects, rule by rule."""
    finished = [r for r in runs if r.status != "running"]
    sane = [r for r in finished if r.start_time >= 1_577_836_800_000 and r.start_time + 1000 <= NOW]
    safe = {r.run_id for r in runs} - {r.run_id for r in sane}
    safe |= {r.run_id for r in sane if NOW - (r.start_time + 1000) < policy.min_age}
    for run in sane:
        texts = [t for k, v in run.tags.items() for t in (k, f"{k}={v}" if v else k)]
        if any(fnmatchcase(t, p) for t in texts for p in policy.preserve_tags):
            safe.add(run.run_id)
    newest_first = sane[::-1]
    safe |= {r.run_id for r in newest_first[: policy.keep_last]}
    for form, number in (("%Y-%m-%d", policy.keep_daily), ("%G-%V", policy.keep_weekly)):
        firsts: dict[str, str] = {}
        for run in newest_first:
            moment = datetime.datetime.fromtimestamp(run.start_time / 1000, datetime.UTC)
            firsts.setdefault(moment.strftime(form), run.run_id)
        safe |= set(list(firsts.values())[:number])
    return safe


def is_too_old(run: RunFacts, policy: Policy) -> bool:
    failed = run.status in ("failure", "timeout", "cancelled")
    if not policy.max_age or (failed and not policy.keep_failures):
        return False
    limit = max(policy.max_age, policy.keep_failures if failed else 0)
    return NOW - (run.start_time + 1000) > limit


def slow_model(runs: list[RunFacts], policy: Policy) -> set[str]:
    """The same rules, said as sets that shrink: no sums carried along, no single pass."""
    safe = safe_ids(runs, policy)
    alive = [r for r in runs if r.run_id in safe or not (policy.delete_rest or is_too_old(r, policy))]
    for run in [r for r in alive if r.run_id not in safe]:
        if policy.max_count and len(alive) > policy.max_count:
            alive.remove(run)
    for run in [r for r in alive if r.run_id not in safe]:
        if policy.max_size and sum(r.bytes for r in alive) > policy.max_size:
            alive.remove(run)
    return {r.run_id for r in runs} - {r.run_id for r in alive}


@given(RUNS, POLICIES)
def test_the_policy_condemns_what_the_slow_model_does(drawn: list[Any], policy: Policy) -> None:
    runs = made(drawn)
    verdicts = judge(runs, policy, NOW)
    assert {v.run_id for v in verdicts} == slow_model(runs, policy)
    assert len({v.run_id for v in verdicts}) == len(verdicts)


@given(RUNS, POLICIES)
def test_a_second_judgement_of_what_was_left_condemns_nothing(drawn: list[Any], policy: Policy) -> None:
    runs = made(drawn)
    gone = {v.run_id for v in judge(runs, policy, NOW)}
    assert judge([r for r in runs if r.run_id not in gone], policy, NOW) == []
