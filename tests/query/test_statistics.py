"""Statistics, compared with plain Python over the same random runs."""

from __future__ import annotations

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import InputError
from collector.model.query import RunQuery, Term
from collector.model.run import Run
from collector.model.statistics import GROUPINGS, Period, Totals
from collector.query.histories import broken_commands, first_failure, flakiness, flaky_commands
from collector.query.periods import compare_periods, periods, split_period
from collector.query.programs import program_of
from collector.query.statistics import (
    SORTS,
    first_groups,
    group_runs,
    median_ranks,
    percentiles,
    rank_of,
    share_interval,
    totals,
    trend,
)
from collector.query.steps import iter_steps, step_name
from collector.store.database import open_writer
from collector.store.runs import SqliteRunStore

NOW = 1_768_919_535_123
DAY = 86_400_000
STATUSES = ("running", "success", "failure", "timeout", "cancelled")
LINES = ("git diff a", "git diff b", "git log", "pytest -q", "ä ö", "")
DURATIONS = st.one_of(
    st.none(),
    st.integers(0, 50),
    st.integers(-5, 10**7),
    st.sampled_from([0, (1 << 62), -(1 << 62), (1 << 52)]),
)
STARTS = st.one_of(st.integers(NOW - 3 * DAY, NOW), st.integers(NOW - 900 * DAY, NOW), st.integers(0, NOW))

Parts = dict[str | None, list[Run]]


def a_run(number: int, **values: Any) -> Run:
    start = values.setdefault("start_time", NOW + number)
    values.setdefault("status", "success")
    ended = None if values["status"] == "running" else start
    return Run(
        **{
            "run_id": f"01A{number:05d}", "name": f"n-{number}", "task": "t", "command": "c",
            "command_line": "git log", "working_directory": "/w", "end_time": ended, **values,
        }
    )  # fmt: skip


@st.composite
def some_runs(draw: st.DrawFn) -> list[Run]:
    few = st.none() | st.sampled_from(["a", "b"])
    return [
        a_run(
            number,
            status=draw(st.sampled_from(STATUSES)),
            command_line=draw(st.sampled_from(LINES)),
            working_directory=draw(st.sampled_from(["/w", "/v"])),
            start_time=draw(STARTS),
            duration_ms=draw(DURATIONS),
            task=draw(st.sampled_from(["x", "y"])),
            type=draw(st.sampled_from(["test", "build"])),
            session_id=draw(few),
            agent=draw(few),
            agent_instance_id=draw(few),
            model=draw(few),
            tool=draw(few),
            host=draw(few),
            tokens={"input": draw(st.integers(0, 9))} if draw(st.booleans()) else {},
            cost=draw(st.none() | st.sampled_from([0.0, 0.25, 1.5])),
            output_bytes=draw(st.integers(0, 1 << 40)),
        )
        for number in range(draw(st.integers(0, 25)))
    ]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[list[Run]], SqliteRunStore]]:
    """Return what puts runs, and nothing else, into a store."""
    database = open_writer(str(tmp_path_factory.mktemp("statistics") / "runs.db"))
    store = SqliteRunStore(database)

    def fill(runs: list[Run]) -> SqliteRunStore:
        database.execute("DELETE FROM runs")
        store.write(runs)
        return store

    yield fill
    store.close()


def expected_totals(runs: list[Run]) -> dict[str, Any]:
    took = sorted(run.duration_ms for run in runs if run.duration_ms is not None)
    ended = [run for run in runs if run.status != "running"]
    tokens = [run.tokens_used for run in runs if run.tokens_used is not None]
    costs = [run.cost for run in runs if run.cost is not None]

    def nearest(percent: int) -> int | None:
        """The smallest value that so many percent are not above, by counting."""
        return next((v for v in took if 100 * sum(o <= v for o in took) >= percent * len(took)), None)

    return {
        "runs": len(runs),
        "by_status": {s: n for s in STATUSES if (n := sum(run.status == s for run in runs))},
        "success_rate": sum(run.status == "success" for run in ended) / len(ended) if ended else None,
        "failed": sum(run.status in ("failure", "timeout", "cancelled") for run in runs),
        "timed": len(took),
        "p50": nearest(50), "p95": nearest(95), "p99": nearest(99), "max": took[-1] if took else None,
        "tokens": sum(tokens) if tokens else None,
        "cost": sum(costs) if costs else None,
        "output": sum(run.output_bytes for run in runs),
        "oldest": min((run.start_time for run in runs), default=None),
        "newest": max((run.start_time for run in runs), default=None),
    }  # fmt: skip


def told(found: Totals) -> dict[str, Any]:
    return {
        "runs": found.runs, "by_status": dict(found.by_status), "success_rate": found.success_rate,
        "failed": found.failed, "timed": found.timed, "p50": found.p50_duration_ms,
        "p95": found.p95_duration_ms, "p99": found.p99_duration_ms, "max": found.max_duration_ms,
        "tokens": found.tokens_used, "cost": found.cost, "output": found.output_bytes,
        "oldest": found.oldest, "newest": found.newest,
    }  # fmt: skip


def name_in(by: str, run: Run) -> str | None:
    local = datetime.fromtimestamp(run.start_time // 1000)  # noqa: DTZ006 - local is what is claimed
    fields = {
        "command": "command_line", "session": "session_id", "instance": "agent_instance_id",
        "directory": "working_directory",
    }  # fmt: skip
    if by in ("hour", "day", "month"):
        return local.strftime({"hour": "%Y-%m-%dT%H:00", "day": "%Y-%m-%d", "month": "%Y-%m"}[by])
    if by == "week":
        return local.strftime("%G-W%V")
    if by == "program":
        return program_of(run.command_line)
    value: str | None = getattr(run, fields.get(by, by))
    return value


def parted(runs: list[Run], by: str) -> Parts:
    parts: Parts = defaultdict(list)
    for run in runs:
        parts[name_in(by, run)].append(run)
    return parts


@given(some_runs())
def test_totals_are_those_of_plain_python(
    stored: Callable[[list[Run]], SqliteRunStore], runs: list[Run]
) -> None:
    found = totals(stored(runs), RunQuery())
    assert told(found) == expected_totals(runs)
    took = [run.duration_ms for run in runs if run.duration_ms is not None]
    assert found.total_duration_ms == pytest.approx(sum(took), rel=1e-12, abs=1e4)
    if took:
        assert found.mean_duration_ms == pytest.approx(statistics.mean(took), rel=1e-12, abs=1e4)


@given(some_runs(), st.sampled_from(GROUPINGS), st.sampled_from(STATUSES))
def test_groups_are_those_of_plain_python_under_any_filter(
    stored: Callable[[list[Run]], SqliteRunStore], runs: list[Run], by: str, status: str
) -> None:
    store = stored(runs)
    for query, fitting in (
        (RunQuery(), runs),
        (RunQuery((Term("status", (status,)),)), [run for run in runs if run.status == status]),
        (RunQuery((Term("start_time", (NOW - DAY,), ">="),)), [r for r in runs if r.start_time >= NOW - DAY]),
    ):
        found = group_runs(store, query, by)
        expected = parted(fitting, by)
        assert found.count == len(expected)
        assert {g.name: told(g.totals) for g in found.groups} == {
            name: expected_totals(part) for name, part in expected.items()
        }
        assert told(found.totals) == expected_totals(fitting)


@given(some_runs(), st.sampled_from(["command", "agent", "day"]), st.sampled_from(SORTS), st.integers(1, 4))
def test_a_limit_gives_the_beginning_of_all(
    stored: Callable[[list[Run]], SqliteRunStore], runs: list[Run], by: str, sort: str, limit: int
) -> None:
    store = stored(runs)
    everything, count = first_groups(store, RunQuery(), by, sort)
    some, same = first_groups(store, RunQuery(), by, sort, limit)
    assert some == everything[:limit]
    assert count == same == len(everything)
    values: dict[str, Callable[[Totals], float]] = {
        "runs": lambda t: -t.runs, "failed": lambda t: -t.failed,
        "rate": lambda t: 2 if t.success_rate is None else t.success_rate,
        "p50": lambda t: -(t.p50_duration_ms if t.p50_duration_ms is not None else -(1 << 63)),
        "newest": lambda t: -(t.newest or 0),
    }  # fmt: skip
    if sort in values:
        ranked = [values[sort](group.totals) for group in everything]
        assert ranked == sorted(ranked)
    if sort == "name":
        names = [group.name for group in everything if group.name is not None]
        assert names == sorted(names)


@given(st.lists(st.integers(), min_size=1, max_size=300), st.integers(1, 100))
def test_a_percentile_is_the_nearest_rank(values: list[int], percent: int) -> None:
    values.sort()
    rank = rank_of(percent, len(values))
    found = percentiles(values, len(values), [rank])[rank]
    assert 100 * sum(value <= found for value in values) >= percent * len(values)
    assert 100 * sum(value < found for value in values) < percent * len(values)


@pytest.mark.parametrize(
    ("count", "ranks"),
    [(0, None), (5, None), (6, (1, 6)), (10, (2, 9)), (20, (6, 15)), (50, (18, 33)), (100, (40, 61)),
     (1000, (469, 532))],
)  # fmt: skip
def test_the_interval_of_a_median_is_that_of_the_tables_of_the_sign_test(
    count: int, ranks: tuple[int, int] | None
) -> None:
    assert median_ranks(count) == ranks


def test_the_interval_of_a_share_is_wilson_s() -> None:
    assert share_interval(0, 0) is None
    low, high = share_interval(8, 10) or (0, 0)  # the textbook's example, rounded
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert share_interval(0, 4) == pytest.approx((0, 0.4899), abs=1e-4)


@given(some_runs())
def test_a_trend_has_every_run_and_every_step_between(
    stored: Callable[[list[Run]], SqliteRunStore], runs: list[Run]
) -> None:
    for step in (None, "month"):
        found = trend(stored(runs), RunQuery(), step)
        assert sum(bucket.totals.runs for bucket in found.buckets) == len(runs)
        expected = parted(runs, found.step) if found.step != "year" else {}
        for bucket in found.buckets:
            part = expected.get(bucket.name, [])
            assert found.step == "year" or told(bucket.totals) == expected_totals(part)
        names = [bucket.name for bucket in found.buckets]
        assert names == sorted(set(names))


def in_zone(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TZ", zone)
    time.tzset()


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    yield lambda name: in_zone(name, monkeypatch)
    monkeypatch.undo()
    time.tzset()


def test_days_and_hours_are_local(zone: Callable[[str], None]) -> None:
    midnight = 1_768_867_200_000  # 2026-01-20T00:00:00Z
    for name, day, hour in (
        ("UTC0", "2026-01-20", "2026-01-20T00:00"),
        ("XXX5:30", "2026-01-19", "2026-01-19T18:00"),
        ("XXX-5:45", "2026-01-20", "2026-01-20T05:00"),
    ):
        zone(name)
        assert step_name("day", midnight) == day
        assert step_name("hour", midnight) == hour
    zone("CET-1CEST,M3.5.0,M10.5.0/3")
    steps = [name for name, _ in iter_steps("day", 1_774_700_000_000, 1_774_900_000_000)]
    assert steps == ["2026-03-28", "2026-03-29", "2026-03-30"]  # the 29th has 23 hours


def test_steps_begin_where_people_begin_them(zone: Callable[[str], None]) -> None:
    zone("XXX-5:45")
    thursday, later = 1_768_460_000_000, 1_772_000_000_000
    for step, begin in (("week", "2026-01-12"), ("month", "2026-01-01"), ("year", "2026-01-01")):
        name, since = next(iter_steps(step, thursday, later))
        assert datetime.fromtimestamp(since / 1000).isoformat() == f"{begin}T00:00:00"  # noqa: DTZ006
        assert name == step_name(step, since) == step_name(step, thursday)


@pytest.mark.parametrize("moment", [-(1 << 62), 1 << 62, 10**16, -(10**15)])
def test_a_moment_that_no_calendar_has_lies_in_no_step_and_stops_nothing(
    stored: Callable[[list[Run]], SqliteRunStore], moment: int
) -> None:
    store = stored([a_run(1, start_time=moment), a_run(2)])
    assert step_name("day", moment) is None
    assert {group.name for group in group_runs(store, RunQuery(), "day").groups} >= {None}
    assert sum(bucket.totals.runs for bucket in trend(store, RunQuery()).buckets) == 1
    assert totals(store, RunQuery()).to_json()["runs"] == 2


def test_sums_beyond_64_bits_are_no_error(stored: Callable[[list[Run]], SqliteRunStore]) -> None:
    huge = (1 << 63) - 1
    store = stored([a_run(n, duration_ms=huge, output_bytes=huge) for n in range(3)])
    found = group_runs(store, RunQuery(), "command").groups[0].totals
    assert found.max_duration_ms == huge
    assert found.total_duration_ms == pytest.approx(3 * huge)
    assert found.output_bytes == pytest.approx(3 * huge)


def test_an_unknown_grouping_or_order_is_refused(stored: Callable[[list[Run]], SqliteRunStore]) -> None:
    store = stored([])
    with pytest.raises(InputError, match="cannot group by 'comand'"):
        group_runs(store, RunQuery(), "comand")
    with pytest.raises(InputError, match="cannot sort by"):
        group_runs(store, RunQuery(), "task", "p51")
    with pytest.raises(InputError):
        list(store.iter_tallies(RunQuery(), "seq; DROP TABLE runs"))


# Histories


def outcomes_of(word: str) -> list[tuple[bool, int, str]]:
    return [(letter == "S", 1000 + index, str(index)) for index, letter in enumerate(word)]


@pytest.mark.parametrize(
    "word", ["", "S", "F", "SSSS", "FFFF", "SSFFFSSS", "FFFSSSS", "SSSFFF", "FSF", "SFS"]
)
def test_what_failed_once_and_was_fixed_for_good_is_not_flaky(word: str) -> None:
    assert flakiness("x", "/", outcomes_of(word)) is None


@pytest.mark.parametrize(
    ("word", "score"), [("SFSF", 1.0), ("FSFS", 1.0), ("SSFSSFSS", 4 / 7), ("SFFFSSFS", 4 / 7)]
)
def test_a_flaky_command_s_score_is_its_share_of_changes(word: str, score: float) -> None:
    found = flakiness("x", "/", outcomes_of(word))
    assert found is not None
    assert found.score == pytest.approx(score)
    assert (found.runs, found.failed) == (len(word), word.count("F"))
    assert found.run_id == str(word.rindex("F"))


@given(some_runs())
def test_flaky_and_broken_commands_are_those_of_plain_python(
    stored: Callable[[list[Run]], SqliteRunStore], runs: list[Run]
) -> None:
    store = stored(runs)
    since = NOW - 2 * DAY
    flaky, broken = {}, {}
    runs = [run for run in runs if run.status not in ("running", "cancelled")]
    parts: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.start_time, run.run_id)):
        parts[run.command_line, run.working_directory].append(run)
    for key, part in parts.items():
        word = "".join("S" if run.status == "success" else "F" for run in part)
        changes = len(list(groupby(word))) - 1
        if changes >= 3:
            flaky[key] = changes / (len(word) - 1)
        old = [run for run in part if run.start_time < since]
        new = [run for run in part if run.start_time >= since and run.status != "success"]
        if old and old[-1].status == "success" and new:
            broken[key] = new[0].run_id
    found = flaky_commands(store, RunQuery())
    assert {(f.command_line, f.working_directory): f.score for f in found} == pytest.approx(flaky)
    first = broken_commands(store, RunQuery(), since)
    assert {(f.command_line, f.working_directory): f.run_id for f in first} == broken
    assert [f.start_time for f in first] == sorted(f.start_time for f in first)
    assert flaky_commands(store, RunQuery(), 1) == found[:1]


def test_a_command_that_works_again_says_so() -> None:
    found = first_failure("x", "/", outcomes_of("SSFFS"), 1002)
    assert found is not None
    assert (found.run_id, found.last_success, found.failed_since, found.fixed) == ("2", 1001, 2, True)
    assert first_failure("x", "/", outcomes_of("SFF"), 1002) is None  # it was broken before
    assert first_failure("x", "/", outcomes_of("FFF"), 1001) is None


# Periods


def test_a_period_is_compared_with_the_one_of_the_same_length_before_it() -> None:
    query = RunQuery(
        (Term("task", ("t",)), Term("start_time", (5000,), ">="), Term("start_time", (6999,), "<="))
    )
    rest, before, after = periods(query, NOW)
    assert (rest.terms, before, after) == (query.terms[:1], Period(3000, 5000), Period(5000, 7000))
    _, before, after = periods(RunQuery(), NOW)
    assert after == Period(NOW + 1 - 7 * DAY, NOW + 1)
    assert before == Period(NOW + 1 - 14 * DAY, NOW + 1 - 7 * DAY)


@pytest.mark.parametrize(
    "terms",
    [
        (Term("start_time", (7000,), ">="), Term("start_time", (6000,), "<=")),
        (Term("start_time", (NOW + 5,), ">"),),
    ],
)
def test_a_period_the_wrong_way_round_is_refused(terms: tuple[Term, ...]) -> None:
    with pytest.raises(InputError, match="ends before it begins"):
        periods(RunQuery(terms), NOW)
    with pytest.raises(InputError):
        periods(RunQuery(), NOW, RunQuery((Term("task", ("t",)), *terms)))


def test_conditions_that_are_no_plain_limits_of_time_stay_in_the_query() -> None:
    odd = (
        Term("start_time", (1, 2), ">="), Term("start_time", (3,), "<", negated=True),
        Term("start_time", (4,)),
    )  # fmt: skip
    assert split_period(RunQuery(odd)) == (RunQuery(odd), None, None)


def compared(old: list[Run], new: list[Run], store: SqliteRunStore) -> Any:
    assert {run.start_time < NOW for run in old} <= {True}
    found = compare_periods(store, RunQuery(), Period(0, NOW), Period(NOW, NOW + DAY))
    assert found.totals.before.runs == len(old)
    assert found.totals.after.runs == len(new)
    return found


def many(first: int, count: int, start: int, took: int, failed: int = 0, line: str = "x") -> list[Run]:
    return [
        a_run(first + n, start_time=start + n, duration_ms=took + n, command_line=line,
              status="failure" if n < failed else "success")
        for n in range(count)
    ]  # fmt: skip


def test_what_became_slower_or_fails_more_comes_first_and_few_runs_say_nothing(
    stored: Callable[[list[Run]], SqliteRunStore],
) -> None:
    old = [
        *many(0, 20, 1000, 100, line="same"), *many(100, 20, 1000, 100, line="slow"),
        *many(200, 20, 1000, 100, line="bad"), *many(300, 3, 1000, 100, line="few"),
        *many(400, 1, 1000, 100, line="gone"), *many(500, 20, 1000, 900, line="fast"),
    ]  # fmt: skip
    new = [
        *many(600, 20, NOW, 100, line="same"), *many(700, 20, NOW, 200, line="slow"),
        *many(800, 20, NOW, 100, 15, line="bad"), *many(900, 3, NOW, 9000, line="few"),
        *many(1000, 1, NOW, 100, line="new"), *many(1100, 20, NOW, 90, line="fast"),
    ]  # fmt: skip
    found = compared(old, new, stored([*old, *new]))
    assert [(item.name, item.findings) for item in found.changes] == [
        ("bad", ("fails more",)), ("slow", ("slower",)), ("same", ()), ("fast", ("faster",)),
        ("few", ("few runs",)), ("new", ("new",)), ("gone", ("gone",)),
    ]  # fmt: skip
    slow = found.changes[1]
    assert slow.slower == pytest.approx(slow.after.p50_duration_ms / slow.before.p50_duration_ms)
    assert found.changes[0].rate_change == pytest.approx(-0.75)


@given(some_runs(), st.sampled_from(GROUPINGS))
def test_any_two_periods_can_be_compared(
    stored: Callable[[list[Run]], SqliteRunStore], runs: list[Run], by: str
) -> None:
    found = compare_periods(stored(runs), RunQuery(), Period(0, NOW - DAY), Period(NOW - DAY, NOW), by)
    old = sum(run.start_time < NOW - DAY for run in runs)
    new = sum(NOW - DAY <= run.start_time < NOW for run in runs)
    assert sum(item.before.runs for item in found.changes) == found.totals.before.runs == old
    assert sum(item.after.runs for item in found.changes) == found.totals.after.runs == new
