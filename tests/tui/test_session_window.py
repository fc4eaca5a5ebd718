"""The tree's lines against a plain list of all of them, and what moves when something changes."""

from __future__ import annotations

import random

import pytest

from acode_tui.window.sessions import (
    MAX_RUN_PAGES,
    QUIET_MS,
    REST,
    RUN_PAGE,
    Key,
    RunPages,
    SessionWindow,
    last_activity,
)
from collector import Run
from collector.model.session import AgentInstance, Session


def a_session(name: str, at: int = 0, **values: object) -> Session:
    return Session(session_id=name, started_at=at, **values)  # type: ignore[arg-type]


def an_agent(name: str, parent: str | None = None, session: str = "s") -> AgentInstance:
    return AgentInstance(instance_id=name, session_id=session, parent_instance_id=parent)


def a_run(seq: int, session: str = "s", instance: str | None = None) -> Run:
    return Run(
        run_id=f"R{seq}", name=f"n{seq}", task="t", command="c", command_line=f"run {seq}",
        status="success", start_time=seq, end_time=seq, seq=seq, session_id=session,
        agent_instance_id=instance,
    )  # fmt: skip


def shown(window: SessionWindow) -> list[str]:
    """Return every line as text: how deep, and what."""
    lines = []
    for row in range(window.rows):
        line = window.line(row)
        assert line is not None
        name = line.note or (
            line.run.command_line if line.run else line.key.instance_id or line.key.session_id
        )
        lines.append("  " * line.depth + (f"{line.key.kind} {name}" if line.note == "" else f"({name})"))
    return lines


def opened(agents: list[AgentInstance], counts: dict[str, int], name: str = "s") -> SessionWindow:
    window = SessionWindow()
    window.replace([a_session("a", 3), a_session(name, 2), a_session("z", 1)], None, 3)
    assert window.open(Key("session", name))
    window.branches[name].learn(agents, counts)
    window.lay_out(name)
    return window


def test_closed_sessions_take_a_line_each() -> None:
    window = SessionWindow()
    window.replace([a_session("a"), a_session("b")], None, 2)
    assert shown(window) == ["session a", "session b"]
    assert window.line(-1) is None
    assert window.line(2) is None
    assert window.line(0).is_open is False  # type: ignore[union-attr]


def test_an_open_session_says_that_it_is_being_read() -> None:
    window = SessionWindow()
    window.replace([a_session("a"), a_session("b")], None, 2)
    window.open(Key("session", "a"))
    assert shown(window) == ["session a", "  (reading …)", "session b"]


def test_agents_are_a_tree_and_runs_stand_below_their_agent_and_its_subagents() -> None:
    agents = [an_agent("m"), an_agent("x", "m"), an_agent("y", "x"), an_agent("w", "m")]
    window = opened(agents, {"m": 2, "x": 1, "y": 0, "w": 0, REST: 0})
    for name in ("m", "x"):
        assert window.open(Key("instance", "s", name))
    branch = window.branches["s"]
    branch.runs["m"].replace(2, {0: [a_run(1), a_run(3)]})
    branch.runs["x"].replace(1, {0: [a_run(2)]})
    window.lay_out("s")
    assert shown(window) == [
        "session a",
        "session s",
        "  instance m",
        "    instance x",
        "      instance y",
        "      run run 2",
        "    instance w",
        "    run run 1",
        "    run run 3",
        "session z",
    ]
    assert window.line(4).is_open is None  # type: ignore[union-attr]
    assert window.line(3).is_open is True  # type: ignore[union-attr]


def test_runs_of_nobody_stand_last() -> None:
    window = opened([an_agent("m"), an_agent("x", "m")], {"m": 1, "x": 1, REST: 2})
    assert shown(window)[1:5] == ["session s", "  instance m", "    instance x", "  instance s"]
    assert window.line(4).instance is None  # type: ignore[union-attr]
    window.open(Key("instance", "s", REST))
    window.branches["s"].runs[REST].replace(2, {0: [a_run(1), a_run(2)]})
    window.lay_out("s")
    assert shown(window)[4:7] == ["  instance s", "    run run 1", "    run run 2"]


@pytest.mark.parametrize(
    ("agents", "counts", "place"), [([an_agent("m")], {"m": 3, REST: 0}, "m"), ([], {REST: 3}, REST)]
)
def test_the_runs_of_the_only_agent_are_shown_at_once(
    agents: list[AgentInstance], counts: dict[str, int], place: str
) -> None:
    window = opened(agents, counts)
    assert set(window.branches["s"].runs) == {place}
    assert shown(window)[-2].strip() == "(reading …)"
    window.branches["s"].runs[place].replace(0, {})
    window.lay_out("s")
    assert shown(window)[-2].strip() == "(no runs)"


def test_agents_that_are_each_others_parents_are_all_shown_once() -> None:
    agents = [an_agent("a", "b"), an_agent("b", "a"), an_agent("c", "gone"), an_agent("d", "d"), an_agent("")]
    window = opened(agents, {"a": 1, "b": 1, "c": 1, "d": 1})
    assert sorted(line.strip() for line in shown(window) if "instance" in line) == [
        "instance a", "instance b", "instance c", "instance d",
    ]  # fmt: skip


def test_a_chain_of_agents_may_be_deep() -> None:
    agents = [an_agent("0"), *(an_agent(str(n), str(n - 1)) for n in range(1, 3000))]
    window = opened(agents, {})
    assert window.rows == 3 + 3000
    assert window.line(3001).depth == 3000  # type: ignore[union-attr]


def big(total: int, page: int) -> SessionWindow:
    window = opened([an_agent("m"), an_agent("x", "m")], {"m": total, "x": 1})
    window.open(Key("instance", "s", "m"))
    first = page * RUN_PAGE
    rows = [a_run(n + 1) for n in range(first, min(total, first + RUN_PAGE))]
    window.branches["s"].runs["m"].replace(total, {page: rows})
    window.lay_out("s")
    return window


def test_a_hundred_thousand_runs_take_their_lines_but_no_memory() -> None:
    window = big(100_000, 500)
    assert window.rows == 5 + 100_000
    assert window.line(4).run is None  # type: ignore[union-attr]
    assert window.line(4 + 50_000).run.seq == 50_001  # type: ignore[union-attr]
    assert window.line(4 + 99_999).key.place == 99_999  # type: ignore[union-attr]
    assert window.line(4 + 100_000).key == Key("session", "z")  # type: ignore[union-attr]


def test_only_the_pages_that_are_seen_are_wanted() -> None:
    window = big(100_000, 0)
    assert window.wanted(0, 40) == {("s", "m"): (0,)}
    assert window.wanted(4 + 730, 4 + 770, margin=0) == {("s", "m"): (7,)}
    assert window.wanted(4 + 760, 4 + 820, margin=0) == {("s", "m"): (7, 8)}
    assert window.wanted(4 + 100_000, 4 + 100_040, margin=0) == {}


def test_pages_that_are_not_looked_at_go() -> None:
    pages = RunPages()
    pages.total = 10_000
    for number in range(MAX_RUN_PAGES + 5):
        pages.add({number: [a_run(number * RUN_PAGE + n + 1) for n in range(RUN_PAGE)]})
    assert len(pages.pages) == MAX_RUN_PAGES
    assert pages.run(0) is None
    assert pages.index_of(5 * RUN_PAGE + 1) == 5 * RUN_PAGE
    assert pages.update(a_run(5 * RUN_PAGE + 1))
    assert not pages.update(a_run(1))


@pytest.mark.parametrize("seed", range(20))
def test_every_line_is_found_again_and_parents_are_above(seed: int) -> None:
    chance = random.Random(seed)
    window = SessionWindow()
    window.replace([a_session(f"s{n}", 100 - n) for n in range(12)], None, 12)
    for name in chance.sample([f"s{n}" for n in range(12)], 6):
        window.open(Key("session", name))
        agents: list[AgentInstance] = []
        for n in range(chance.randrange(5)):
            parent = chance.choice(agents).instance_id if agents and chance.random() < 0.7 else None
            agents.append(an_agent(f"i{n}", parent, name))
        counts = {agent.instance_id: chance.randrange(4) for agent in agents} | {REST: chance.randrange(3)}
        branch = window.branches[name]
        branch.learn(agents, counts)
        for place, total in counts.items():
            if total and chance.random() < 0.6:
                window.open(Key("instance", name, place))
                runs = [a_run(chance.randrange(1 << 40), name, place) for _ in range(total)]
                branch.runs[place].replace(total, {0: runs})
        window.lay_out(name)
    for row in range(window.rows):
        line = window.line(row)
        assert line is not None
        assert window.row_of(line.key) == row, line.key
        above_row = window.parent_of(line.key)
        if line.depth == 0:
            assert above_row is None
            continue
        assert above_row is not None
        above = window.line(above_row)
        assert above is not None
        assert above_row < row
        assert above.depth == line.depth - 1
        for step in (1, -1):
            other = window.sibling_of(row, step)
            assert other is None or window.line(other).key.kind in ("session", "instance")  # type: ignore[union-attr]
            assert other is None or (other > row) == (step > 0)


def test_what_is_gone_is_looked_for_in_what_it_was_in() -> None:
    window = big(10, 0)
    run = Key("run", "s", "m", 3, 2)
    assert window.row_of(run) == 4 + 2
    window.close(Key("instance", "s", "m"))
    assert window.row_of(run) == 2
    window.close(Key("session", "s"))
    assert window.row_of(run) == 1
    window.forget("s")
    assert window.row_of(run) is None


def test_a_new_session_comes_first_and_an_old_one_that_was_not_read_waits_for_its_page() -> None:
    window = SessionWindow()
    window.replace([a_session("b", 200), a_session("a", 100)], "more", 50)
    window.update(a_session("new", 300))
    window.update(a_session("old", 5))
    assert shown(window) == ["session new", "session b", "session a"]
    assert window.total == 51
    window.add([a_session("a", 100), a_session("old", 5)], None)
    assert shown(window) == ["session new", "session b", "session a", "session old"]


def test_busy_sessions_do_not_change_places_but_a_resumed_one_comes_up() -> None:
    window = SessionWindow()
    start = 100 * QUIET_MS
    window.replace([a_session("a", start), a_session("b", start - 1000), a_session("c", start - 2 * QUIET_MS),
                    a_session("d", start - 3 * QUIET_MS)], None, 4)  # fmt: skip
    window.update(a_session("b", start + 5))
    assert shown(window) == ["session a", "session b", "session c", "session d"]
    window.update(a_session("d", start + 10))
    assert shown(window) == ["session a", "session b", "session d", "session c"]
    assert last_activity(window.sessions[2]) == start + 10
    assert window.row_of(Key("session", "c")) == 3


def test_agents_that_come_and_go_keep_what_is_open() -> None:
    window = opened([an_agent("m"), an_agent("x", "m")], {"m": 1, "x": 1})
    window.open(Key("instance", "s", "x"))
    branch = window.branches["s"]
    branch.learn([an_agent("m"), an_agent("n", "m"), an_agent("x", "m")], {"m": 1, "n": 0, "x": 2})
    assert set(branch.runs) == {"x"}
    branch.learn([an_agent("m"), an_agent("n", "m")], {"m": 1, "n": 0})
    assert set(branch.runs) == set()
    assert branch.place_of(a_run(1, instance="n")) == "n"
    assert branch.place_of(a_run(1, instance="x")) == REST
    assert branch.place_of(a_run(1)) == REST
