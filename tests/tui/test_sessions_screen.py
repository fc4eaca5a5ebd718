from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from acode_tui.screens.help import HelpScreen
from acode_tui.screens.run import RunScreen
from acode_tui.screens.runs import RunsScreen
from acode_tui.screens.sessions import SessionsScreen
from acode_tui.source.sessions import SESSION_PAGE, fits, parse_session_filter
from acode_tui.window.sessions import RUN_PAGE
from collector import Run
from collector.model.session import AgentInstance, Session
from collector.store.sessions import SessionQuery
from tests.tui.conftest import NOON, Recorded, home, inspecting, screen_text, until


def agent(id: str, session: str, parent: str | None = None, **values: Any) -> AgentInstance:
    return AgentInstance(instance_id=id, session_id=session, parent_instance_id=parent, **values)


def fill(recorded: Recorded, count: int, session: str = "cart", instance: str | None = "cart") -> list[Run]:
    """Record runs of an agent, one after the other."""
    runs = [
        recorded.make(
            f"{session} {n}", session_id=session, agent_instance_id=instance, agent="claude-code",
            tool="Bash", model="claude-sonnet-4-5",
        ) for n in range(count)
    ]  # fmt: skip
    recorded.store.write(runs)
    return runs


def two_sessions(recorded: Recorded) -> None:
    """A finished session, and a later one with a subagent that is still going on."""
    fill(recorded, 2, "docs", "docs")
    recorded.add_session("docs", "Write the docs", (agent("docs", "docs"),), started_at=NOON)
    fill(recorded, 3)
    fill(recorded, 2, "cart", "sub")
    recorded.add("false", session_id="cart", agent_instance_id="cart", status="failure", agent="claude-code")
    recorded.add_session(
        "cart",
        "Fix the cart",
        (
            agent("cart", "cart", status="running", model="claude-sonnet-4-5", tokens={"input": 900}),
            agent(
                "sub", "cart", "cart", name="Explore", role="Explore", prompt="find the\ndiscount", cost=0.5
            ),
        ),
        status="running",
        started_at=NOON + 1000,
        ended_at=None,
        tokens={"input": 1000, "output": 11_345, "cache_read": 4_500_000, "reasoning": 9},
        cost=12.3,
        prompts=4,
        transcripts=({"path": "/home/dev/t.jsonl", "size_bytes": 2048},),
    )


@asynccontextmanager
async def in_sessions(
    recorded: Recorded, size: tuple[int, int] = (120, 30), **settings: Any
) -> AsyncIterator[Pilot[None]]:
    """Run the inspector until it shows the sessions."""
    async with inspecting(recorded, size, **settings) as pilot:
        await open_sessions(pilot)
        yield pilot


async def open_sessions(pilot: Pilot[None]) -> None:
    await pilot.press("s")
    await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen) and shown(pilot).is_settled)
    await until(
        pilot,
        lambda: shown(pilot).window.is_read or shown(pilot).nodes.empty_text or shown(pilot).trouble,
    )


def shown(pilot: Pilot[None]) -> SessionsScreen:
    screen = pilot.app.screen
    assert isinstance(screen, SessionsScreen)
    return screen


def tree(pilot: Pilot[None]) -> list[str]:
    """Return the lines of the tree, as far as they are on the screen."""
    width = shown(pilot).nodes.size.width
    height = shown(pilot).nodes.size.height
    return [line[:width].rstrip() for line in screen_text(pilot).splitlines()[2 : height + 1]]


def at_cursor(pilot: Pilot[None]) -> str:
    line = shown(pilot).nodes.line
    if line is None:
        return ""
    return line.run.command_line if line.run else line.key.instance_id or line.key.session_id


async def unfold(pilot: Pilot[None], until_shown: str) -> None:
    await pilot.press("right")
    await until(pilot, lambda: any(until_shown in line for line in tree(pilot)))


# What is shown


async def test_sessions_are_shown_the_newest_first_with_their_numbers(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded, (140, 30)) as pilot:
        first, second = tree(pilot)[:2]
        assert first.split()[:6] == ["▌▸", "●", "Fix", "the", "cart", "claude-code"]
        assert first.split()[-4:] == ["6", "1", "4.51M", "$12.30"]
        assert second.split()[:6] == ["▸", "○", "Write", "the", "docs", "claude-code"]
        text = screen_text(pilot)
        assert "2 sessions · 1 running" in text


async def test_the_preview_has_all_facts_of_a_session(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded, (200, 50)) as pilot:
        await until(pilot, lambda: "4.51M tokens" in screen_text(pilot))
        text = " ".join(screen_text(pilot).split())
        assert "runs 6 runs, 1 failed" in text
        assert "prompts 4" in text
        assert "1 transcript" in text
        assert "/home/dev/t.jsonl (2.0 KB)" in text
        assert "reasoning 9" in text


async def test_a_session_opens_into_its_agents_and_those_into_their_runs(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "Explore")
        lines = tree(pilot)
        assert "▾ ● Fix the cart" in lines[0]
        assert "▸ ● main agent" in lines[1]
        assert lines[1].split()[-3:] == ["12:00", "4", "900"] or lines[1].split()[-2:] == ["4", "900"]
        assert "▸ · Explore" in lines[2]
        assert "▸ ○ Write the docs" in lines[3]
        await pilot.press("right", "j")
        assert at_cursor(pilot) == "sub"
        await unfold(pilot, "cart 1")
        lines = tree(pilot)
        assert [line.split()[1:] for line in lines[3:5]] == [["cart", "0"], ["cart", "1"]]
        await pilot.press("k")
        await unfold(pilot, "false")
        commands = [line.split(maxsplit=1)[1] for line in tree(pilot)[5:9]]
        assert commands[:3] == ["cart 0", "cart 1", "cart 2"]
        assert commands[3].split() == ["false", "1"]


async def test_the_preview_has_the_facts_of_an_agent(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded, (160, 40)) as pilot:
        await unfold(pilot, "Explore")
        await pilot.press("j", "j")
        await until(pilot, lambda: "discount" in screen_text(pilot))
        text = " ".join(screen_text(pilot).split())
        assert "parent main agent" in text
        assert "── prompt" in text
        assert "runs 2" in text
        assert "cost $0.50" in text


async def test_left_closes_and_goes_up(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "Explore")
        await pilot.press("j", "j")
        await unfold(pilot, "cart 1")
        await pilot.press("j", "j")
        assert at_cursor(pilot) == "cart 1"
        await pilot.press("left")
        assert at_cursor(pilot) == "sub"
        await pilot.press("left")
        assert not any("cart 1" in line for line in tree(pilot))
        await pilot.press("left")
        assert at_cursor(pilot) == "cart"
        await pilot.press("left", "left")
        assert shown(pilot).window.rows == 2


async def test_brackets_go_from_agent_to_agent(recorded: Recorded) -> None:
    fill(recorded, 250)
    recorded.add_session("cart", "Fix the cart", (agent("cart", "cart"),), ended_at=NOON + 9**9)
    recorded.add_session("docs", "Write the docs")
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "cart 1")
        await pilot.press("right")
        assert at_cursor(pilot) == "cart"
        await pilot.press("pagedown", "right_square_bracket")
        assert at_cursor(pilot) == "docs"
        await pilot.press("left_square_bracket")
        assert at_cursor(pilot) == "cart"
        assert shown(pilot).nodes.cursor == 0


async def test_enter_opens_and_closes_and_shows_a_run(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": b"built\n"}, session_id="solo")
    async with in_sessions(recorded) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: any("make" in line for line in tree(pilot)))
        await pilot.press("j")
        await until(pilot, lambda: "built" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        await until(pilot, lambda: "built" in screen_text(pilot))
        await pilot.press("escape")
        assert at_cursor(pilot) == "make"
        await pilot.press("k", "enter")
        assert shown(pilot).window.rows == 1


async def test_the_viewer_goes_to_the_next_run_of_the_agent_and_no_further(recorded: Recorded) -> None:
    fill(recorded, 3)
    recorded.add_session("cart", "Fix the cart", (agent("cart", "cart"),))
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "cart 1")
        await pilot.press("j", "j", "j", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        screen: Any = pilot.app.screen
        assert screen.run.command_line == "cart 1"
        await pilot.press("l")
        await until(pilot, lambda: screen.run.command_line == "cart 2")
        await pilot.press("l")
        await until(pilot, lambda: "that was the last run" in screen_text(pilot))
        await pilot.press("h", "h")
        await until(pilot, lambda: screen.run.command_line == "cart 0")
        await pilot.press("h")
        await until(pilot, lambda: "that was the first run" in screen_text(pilot))


async def test_r_lists_the_runs_of_a_node_and_esc_comes_back(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded, filter="status:success") as pilot:
        await unfold(pilot, "Explore")
        await pilot.press("j", "j", "r")
        await until(pilot, lambda: pilot.app.screen is home(pilot))
        assert home(pilot).entry.value == "instance:=sub"
        await until(pilot, lambda: home(pilot).window.total == 2 and home(pilot).window.is_complete)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        assert home(pilot).entry.value == "status:success"
        await until(pilot, lambda: at_cursor(pilot) == "sub")
        assert any("Explore" in line for line in tree(pilot))
        await pilot.press("k", "k", "r")
        await until(pilot, lambda: home(pilot).entry.value == "session:=cart")
        await until(pilot, lambda: home(pilot).window.total == 6 and home(pilot).window.is_complete)
        home(pilot).entry.value = "session:=cart false"
        await pilot.press("escape")
        assert pilot.app.screen is home(pilot)
        assert home(pilot).entry.value == ""


async def test_esc_goes_back_one_thing_at_a_time(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await pilot.press("slash", "d", "o", "c", "enter", "tab", "z")
        assert not shown(pilot).nodes.display
        await pilot.press("escape")
        assert shown(pilot).nodes.display
        await pilot.press("escape")
        assert pilot.app.focused is shown(pilot).nodes
        await pilot.press("escape")
        assert shown(pilot).entry.value == ""
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, RunsScreen)


async def test_the_tree_is_as_it_was_left(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "Explore")
        await pilot.press("j", "j", "escape")
        assert pilot.app.screen is home(pilot)
        await open_sessions(pilot)
        assert at_cursor(pilot) == "sub"
        assert any("Explore" in line for line in tree(pilot))


async def test_the_list_of_runs_is_alive_again_after_the_sessions(recorded: Recorded) -> None:
    recorded.add("first", {"stdout.txt": b"of the first\n"}, session_id="s")
    recorded.add("second", {"stdout.txt": b"of the second\n"}, session_id="s")
    async with in_sessions(recorded) as pilot:
        await pilot.press("escape")
        await until(pilot, lambda: "of the second" in screen_text(pilot))
        await pilot.press("j")
        await until(pilot, lambda: "of the first" in screen_text(pilot))
        recorded.add("third", session_id="s")
        await until(pilot, lambda: home(pilot).window.total == 3)


async def test_ids_that_begin_alike_are_kept_apart(recorded: Recorded) -> None:
    fill(recorded, 3, "ci-1", None)
    fill(recorded, 4, "ci-10", None)
    fill(recorded, 2, "ci-2", "a")
    fill(recorded, 3, "ci-2", "ab")
    recorded.add_session("ci-2", "Two agents", (agent("a", "ci-2"), agent("ab", "ci-2", "a")))
    async with in_sessions(recorded) as pilot:
        await pilot.press("j")
        assert at_cursor(pilot) == "ci-10"
        await pilot.press("j")
        assert at_cursor(pilot) == "ci-1"
        await unfold(pilot, "ci-1 2")
        assert shown(pilot).window.rows == 3 + 3
        await pilot.press("g")
        await pilot.press("right")
        await until(pilot, lambda: "main agent" in tree(pilot)[1])
        assert [line.split()[-1] for line in tree(pilot)[1:3]] == ["2", "3"]
        await pilot.press("j", "right")
        await until(pilot, lambda: "ci-2 1" in tree(pilot)[4])
        assert "ci-10" in tree(pilot)[5]


# The filter


async def test_sessions_are_filtered_while_typing(recorded: Recorded) -> None:
    two_sessions(recorded)
    recorded.add_session("other", "Something else", agent="codex", team="red")
    async with in_sessions(recorded) as pilot:
        await pilot.press("slash", "t", "h", "e", "space", "C", "A")
        await until(pilot, lambda: len(shown(pilot).window.sessions) == 1)
        assert "1 session" in screen_text(pilot)
        shown(pilot).entry.value = "agent:codex"
        await until(pilot, lambda: at_cursor(pilot) == "other")
        shown(pilot).entry.value = "nowhere"
        await until(pilot, lambda: "No session matches." in screen_text(pilot))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(shown(pilot).window.sessions) == 3)


async def test_a_session_that_does_not_match_stays_away_when_it_changes(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        shown(pilot).entry.value = "docs"
        await until(pilot, lambda: len(shown(pilot).window.sessions) == 1)
        fill(recorded, 1)
        recorded.add_session("docs-2", "More docs", ended_at=NOON + 9**9)
        await until(pilot, lambda: len(shown(pilot).window.sessions) == 2)
        assert "Fix the cart" not in "\n".join(tree(pilot))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", SessionQuery()),
        ("fix: the 50%_cart", SessionQuery(text="fix: the 50%_cart")),
        ("agent:codex status:running red", SessionQuery(agent="codex", status="running", text="red")),
        ("team:x team:", SessionQuery(team="x", text="team:")),
    ],
)
def test_what_is_typed_as_a_filter(text: str, query: SessionQuery) -> None:
    assert parse_session_filter(text) == query


@pytest.mark.parametrize(
    "text", ["", "CART", "50%", "c_rt", "agent:codex", "team:red cart", "status:ended", "x\\"]
)
def test_a_change_fits_where_the_store_finds_it(recorded: Recorded, text: str) -> None:
    query = parse_session_filter(text)
    recorded.add_session("cart", None, agent="codex")
    recorded.add_session("1", "The 50% Cart", team="red")
    recorded.add_session("2", "x\\")
    recorded.add_session("3", None, status="running")
    found = {session.session_id for session in recorded.sessions.list(query).items}
    everything = recorded.sessions.list(SessionQuery()).items
    assert {session.session_id for session in everything if fits(session, query)} == found


# What changes


async def test_an_empty_workspace_says_what_to_do_and_shows_the_first_session(recorded: Recorded) -> None:
    async with in_sessions(recorded) as pilot:
        await until(pilot, lambda: "No sessions yet." in screen_text(pilot))
        assert "acode session run -- claude" in screen_text(pilot)
        assert "acode sessions import --all" in screen_text(pilot)
        two_sessions(recorded)
        await until(pilot, lambda: "Fix the cart" in screen_text(pilot))


async def test_runs_without_sessions_are_no_sessions(recorded: Recorded) -> None:
    recorded.add("make")
    async with in_sessions(recorded) as pilot:
        await until(pilot, lambda: "No sessions yet." in screen_text(pilot))
        recorded.add("make", session_id="first")
        await until(pilot, lambda: at_cursor(pilot) == "first")


async def test_a_session_that_changes_is_shown_in_place(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "Explore")
        await pilot.press("j", "j")
        agents = (
            agent("cart", "cart", status="ended", model="claude-opus-4-5", tokens={"input": 77_700}),
            agent("new", "cart", "cart", name="Plan"),
            agent("sub", "cart", "cart", name="Explore"),
        )
        tokens = {"input": 1, "output": 9_990_000}
        recorded.add_session("cart", "A better title", agents, tokens=tokens, started_at=NOON + 1000)
        await until(pilot, lambda: any("A better title" in line for line in tree(pilot)))
        lines = tree(pilot)
        assert "○ A better title" in lines[0]
        assert "9.99M" in lines[0]
        assert "77.7k" in lines[1]
        assert "opus-4-5" in lines[1]
        assert "Plan" in lines[2]
        assert "▌" in lines[3]
        assert "Explore" in lines[3]
        assert at_cursor(pilot) == "sub"


async def test_new_runs_come_last_below_their_agent_and_the_cursor_stays(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "Explore")
        await pilot.press("j")
        await unfold(pilot, "false")
        await pilot.press("j", "j", "j")
        assert at_cursor(pilot) == "cart 1"
        line = next(n for n, text in enumerate(tree(pilot)) if "▌" in text)
        running = recorded.add("npm test", session_id="cart", agent_instance_id="cart", status="running")
        await until(pilot, lambda: "● npm test" in tree(pilot)[7])
        assert "▌" in tree(pilot)[line]
        assert at_cursor(pilot) == "cart 1"
        assert " 7 " in tree(pilot)[0]
        recorded.finish(running)
        await until(pilot, lambda: "✓ npm test" in tree(pilot)[7])


async def test_a_run_that_learns_its_agent_moves_below_it(recorded: Recorded) -> None:
    two_sessions(recorded)
    run = recorded.add("anonymous", session_id="cart")
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "no known agent")
        await pilot.press("j", "j", "j")
        await unfold(pilot, "anonymous")
        await pilot.press("k")
        await unfold(pilot, "cart 1")
        values = {name: getattr(run, name) for name in run.__dataclass_fields__}
        recorded.store.write([Run(**(values | {"agent_instance_id": "sub", "tool_call_id": "t"}))])
        await until(pilot, lambda: not any("no known agent" in line for line in tree(pilot)))
        assert "anonymous" in tree(pilot)[5]
        assert " 3 " in tree(pilot)[2]


async def test_a_new_session_appears_above_without_moving_the_selection(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await pilot.press("j")
        recorded.add_session("new", "Brand new", started_at=NOON + 9**9, ended_at=None, status="running")
        await until(pilot, lambda: "Brand new" in tree(pilot)[0])
        assert at_cursor(pilot) == "docs"
        assert "3 sessions · 2 running" in screen_text(pilot)


async def test_a_scrolled_tree_does_not_move_when_something_comes_above(recorded: Recorded) -> None:
    for n in range(100):
        recorded.add_session(
            f"s{n:02}", f"Session {n:02}", started_at=NOON + n * 1000, ended_at=NOON + n * 1000
        )
    async with in_sessions(recorded) as pilot:
        await pilot.press("pagedown", "pagedown", "k", "k")
        before, chosen = tree(pilot), at_cursor(pilot)
        recorded.add_session("new", "Brand new", started_at=NOON + 9**9)
        await until(pilot, lambda: len(shown(pilot).window.sessions) == 101)
        # Its last column is the scroll bar.
        assert [line[:70] for line in tree(pilot)] == [line[:70] for line in before]
        assert at_cursor(pilot) == chosen


async def test_following_stays_on_the_last_run(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "Explore")
        await pilot.press("j", "j")
        await unfold(pilot, "cart 1")
        await pilot.press("F")
        assert at_cursor(pilot) == "cart 1"
        assert "following" in screen_text(pilot)
        recorded.add("newest", session_id="cart", agent_instance_id="sub")
        await until(pilot, lambda: at_cursor(pilot) == "newest")
        await pilot.press("k")
        recorded.add("even newer", session_id="cart", agent_instance_id="sub")
        await until(pilot, lambda: any("even newer" in line for line in tree(pilot)))
        assert at_cursor(pilot) == "cart 1"
        await pilot.press("F")
        assert not shown(pilot).nodes.follow


async def test_a_deleted_run_leaves_the_tree(recorded: Recorded) -> None:
    runs = fill(recorded, 3)
    recorded.add_session("cart", "Fix the cart", (agent("cart", "cart"),))
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "cart 2")
        recorded.store.delete(runs[1].run_id)
        await until(pilot, lambda: not any("cart 1" in line for line in tree(pilot)))
        assert [line.split()[-1] for line in tree(pilot)[2:4]] == ["0", "2"]
        assert tree(pilot)[0].split()[-1] == "2"


async def test_a_burst_of_runs_and_sessions_is_shown(recorded: Recorded) -> None:
    recorded.add_session("cart", "Fix the cart", (agent("cart", "cart"),), ended_at=NOON + 9**9)
    fill(recorded, 1)
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "cart 0")
        fill(recorded, 1500)
        for n in range(300):
            recorded.add_session(f"s{n}", f"Session {n}")
        window = shown(pilot).window
        await until(pilot, lambda: window.total == 301 and window.branches["cart"].height == 1 + 1501)
        assert "1501" in tree(pilot)[0]


async def test_what_a_running_session_is_doing_ticks(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    from acode_tui.widgets import session_tree

    class Clock:
        now = NOON + 5000

        @classmethod
        def time(cls) -> float:
            return cls.now / 1000

    monkeypatch.setattr(session_tree, "time", Clock)
    recorded.add_session("live", "Live", status="running", started_at=NOON, ended_at=None)
    async with in_sessions(recorded, (200, 30)) as pilot:
        assert "5.0s" in tree(pilot)[0]
        Clock.now += 120_000
        await until(pilot, lambda: "2m05s" in tree(pilot)[0])


async def test_a_database_that_is_replaced_is_read_again(recorded: Recorded, tmp_path: Any) -> None:
    from tests.tui.test_runs_screen import replace_database

    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        other = Recorded(tmp_path / "other")
        other.add_session("rebuilt", "From the rebuilt index")
        other.close()
        recorded.close()
        content = (tmp_path / "other" / ".acode" / "runs.db").read_bytes()
        replace_database(recorded, lambda: content)
        await until(pilot, lambda: "From the rebuilt index" in screen_text(pilot))
        assert len(shown(pilot).window.sessions) == 1


async def test_a_damaged_record_is_said_in_its_own_line(recorded: Recorded) -> None:
    two_sessions(recorded)
    assert recorded._db is not None
    recorded._db.execute('UPDATE sessions SET record = \'{"status": "\\u001b[2Jodd"}\'')
    async with in_sessions(recorded) as pilot:
        await until(pilot, lambda: "its record is" in screen_text(pilot))
        await pilot.press("right", "j", "enter", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        assert isinstance(pilot.app.screen, RunsScreen)


# Hostile, many, big, small

HOSTILE = "a\x1b]52;c;aGk=\x07b\x1b[2Jc\x9b31md\u202ee\x00f\u2028g\nh\u200bi 日本語\U0001f469\u200d\U0001f4bb"


def record_hostile(recorded: Recorded) -> None:
    name = f"i{HOSTILE}"
    told = {"exit_code": HOSTILE, "output": f"{HOSTILE}: {HOSTILE}"}
    recorded.add(
        f"echo {HOSTILE}", session_id=f"s{HOSTILE}", agent_instance_id=name, agent=HOSTILE, tool=HOSTILE,
        model=HOSTILE, provenance=told,
    )  # fmt: skip
    inner = agent(
        name, f"s{HOSTILE}", None, name=HOSTILE, role=HOSTILE, model=HOSTILE, agent=HOSTILE, error=HOSTILE,
        prompt=HOSTILE, workspace=HOSTILE, tool_call_id=HOSTILE, tokens={HOSTILE: 5, "input": 3},
        status=HOSTILE,
    )  # fmt: skip
    recorded.add_session(
        f"s{HOSTILE}", f"title {HOSTILE}", (inner,), agent=HOSTILE, team=HOSTILE, model=HOSTILE,
        working_directory=HOSTILE, git_branch=HOSTILE, end_reason=HOSTILE, error=HOSTILE,
        tokens={HOSTILE: 5, "input": 3}, transcripts=({"path": HOSTILE, "size_bytes": HOSTILE},),
        ended_at=NOON + 9**9,
    )  # fmt: skip


@pytest.mark.parametrize("size", [(200, 50), (100, 30), (40, 12)])
async def test_no_control_character_of_a_session_is_emitted(
    recorded: Recorded, size: tuple[int, int]
) -> None:
    from acode_tui.render.unsafe import UNSAFE

    record_hostile(recorded)
    async with in_sessions(recorded, size) as pilot:
        pilot.app._filters.pop()  # the first line of defence has to hold alone
        seen = []
        for keys in ([], ["right"], ["j"], ["j"], ["enter"], ["escape", "r"], ["s", "z", "tab", "z"]):
            await pilot.press(*keys)
            await pilot.pause(0.25)
            seen.append(screen_text(pilot))
        for text in seen:
            assert not UNSAFE.search(text.replace("\n", ""))
            assert all(len(line) <= size[0] for line in text.splitlines())
        assert "title a" in seen[0]
        assert "echo a" in seen[1]


async def test_values_of_any_type_are_shown_as_they_are(recorded: Recorded) -> None:
    odd: Any = {"started_at": None, "ended_at": None, "cost": float("nan"), "prompts": 0, "agent": None}
    recorded.add_session("odd", None, (agent("odd", "odd", cost=1e300, tokens={"input": -5}),), **odd)
    assert recorded._db is not None
    record = (
        '{"title": ["a list"], "tokens": {"input": "many", "output": null, "reasoning": []}, "cost": "free",'
        '"prompts": {}, "transcripts": ["a", 5, null, {"path": 7}], "git_branch": 5, "model": {"a": 1}}'
    )
    recorded._db.execute("UPDATE sessions SET record = ?", [record])
    async with in_sessions(recorded, (160, 50)) as pilot:
        await until(pilot, lambda: "4 transcripts" in screen_text(pilot))
        assert "['a list']" in tree(pilot)[0]
        await pilot.press("right", "j", "j")
        await pilot.pause(0.3)
        assert "main agent" in tree(pilot)[1]


async def test_five_thousand_sessions_are_read_a_page_at_a_time(recorded: Recorded) -> None:
    import json

    rows = [
        (f"s{n:04}", "codex", "ended", f"Session {n:04}", NOON + n, json.dumps({"title": f"Session {n:04}"}))
        for n in range(5000)
    ]
    assert recorded.sessions.count() == 0
    assert recorded._db is not None
    recorded._db.executemany(
        "INSERT INTO sessions (session_id, agent, status, title, last_at, record) VALUES (?, ?, ?, ?, ?, ?)",
        rows,
    )
    async with in_sessions(recorded) as pilot:
        await until(pilot, lambda: "5,000 sessions" in screen_text(pilot))
        assert len(shown(pilot).window.sessions) == SESSION_PAGE
        assert "Session 4999" in tree(pilot)[0]
        for _ in range(10):
            await pilot.press("pagedown")
        await until(pilot, lambda: len(shown(pilot).window.sessions) == 2 * SESSION_PAGE)
        await pilot.press("G")
        await until(pilot, lambda: at_cursor(pilot) == "s0000")
        await until(pilot, lambda: "Session 0000" in tree(pilot)[-1])
        await pilot.press("g")
        assert at_cursor(pilot) == "s4999"
        recorded.add_session("s0000", "Resumed", started_at=NOON + 9**9, ended_at=None, status="running")
        await until(pilot, lambda: "Resumed" in tree(pilot)[0])
        assert len(shown(pilot).window.sessions) == 5000
        assert at_cursor(pilot) == "s4999"


async def test_a_session_of_twenty_thousand_runs_is_read_where_one_looks(recorded: Recorded) -> None:
    fill(recorded, 20_000)
    recorded.add_session("cart", "Fix the cart", (agent("cart", "cart"),), ended_at=NOON + 9**9)
    async with in_sessions(recorded) as pilot:
        await unfold(pilot, "cart 0")
        assert shown(pilot).window.rows == 20_002
        assert "20000" in tree(pilot)[0]
        held = shown(pilot).window.branches["cart"].runs["cart"]
        await pilot.press("G")
        await until(pilot, lambda: at_cursor(pilot) == "cart 19999")
        recorded.add("the newest", session_id="cart", agent_instance_id="cart")
        await until(pilot, lambda: shown(pilot).window.rows == 20_003)
        assert at_cursor(pilot) == "cart 19999"
        for key in ("pageup", "ctrl+u", "pageup"):
            await pilot.press(key)
            await until(pilot, lambda: at_cursor(pilot).startswith("cart 199"))
        assert len(held.pages) * RUN_PAGE < 2000


@pytest.mark.parametrize(
    "size", [(200, 50), (120, 30), (100, 30), (80, 24), (79, 24), (80, 19), (40, 12), (20, 5), (10, 3)]
)
@pytest.mark.parametrize("theme", ["acode-dark", "acode-light"])
async def test_it_works_at_any_size(recorded: Recorded, size: tuple[int, int], theme: str) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded, size, theme=theme) as pilot:
        lines = screen_text(pilot).splitlines()
        assert len(lines) == size[1]
        expects_preview = size[0] >= 120 or (size[0] >= 80 and size[1] >= 20)
        assert shown(pilot).preview.display == expects_preview
        await pilot.press("right", "j", "right", "G", "g", "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        await pilot.press("escape", "j")
        await pilot.resize_terminal(200, 50)
        await until(pilot, lambda: any("Explore" in line for line in tree(pilot)))
        await pilot.resize_terminal(80, 24)
        assert "▌" in "\n".join(tree(pilot))


# Mouse and other actions


async def test_the_mouse_selects_and_opens(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await pilot.click("#tree", offset=(20, 2))
        assert at_cursor(pilot) == "docs"
        assert shown(pilot).window.rows == 2
        await pilot.click("#tree", offset=(1, 1))
        await until(pilot, lambda: any("Explore" in line for line in tree(pilot)))
        await pilot.click("#tree", offset=(20, 2), times=2)
        await until(pilot, lambda: any("cart 1" in line for line in tree(pilot)))
        await pilot.click("#tree", offset=(20, 5), times=2)
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))


async def test_y_copies_an_id_or_a_command(recorded: Recorded) -> None:
    two_sessions(recorded)
    async with in_sessions(recorded) as pilot:
        await pilot.press("y")
        assert pilot.app.clipboard == "cart"
        await pilot.press("j")
        await unfold(pilot, "docs 1")
        await pilot.press("j", "j", "y")
        assert pilot.app.clipboard == "docs 0"


async def test_d_asks_about_the_run_and_o_changes_its_stream(recorded: Recorded) -> None:
    files = {"stdout.txt": b"from out\n", "stderr.txt": b"from err\n"}
    recorded.add("rm -rf build", files, session_id="solo")
    async with in_sessions(recorded) as pilot:
        await pilot.press("d")
        assert isinstance(pilot.app.screen, SessionsScreen)
        await unfold(pilot, "rm -rf")
        await pilot.press("j", "o", "o")
        await until(pilot, lambda: "from err" in screen_text(pilot) and "from out" not in screen_text(pilot))
        await pilot.press("d")
        await until(pilot, lambda: "Delete this run?" in screen_text(pilot))
        await pilot.press("escape", "C")
        await until(pilot, lambda: "Collector" in screen_text(pilot))


def test_a_session_says_what_it_is_to_the_store_and_back() -> None:
    session = Session(session_id="a", title="b", tokens={"input": 3, "output": 4, "reasoning": 2})
    assert session.tokens_used == 7
