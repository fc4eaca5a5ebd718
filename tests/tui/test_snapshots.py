"""A few pictures: what the screens look like, with the clock standing still."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from acode_tui.app import InspectorApp
from acode_tui.settings import Settings
from collector.model.session import AgentInstance
from tests.tui.conftest import NOON, Recorded, home, screen_text, until
from tests.tui.reports import add_failed_run

LOG = b"""\x1b[1m============ test session starts ============\x1b[0m
collected 4 items

tests/test_cart.py::test_total \x1b[32mPASSED\x1b[0m
tests/test_cart.py::test_discount \x1b[31mFAILED\x1b[0m
E   AssertionError: assert 90 == 81
src/cart.py:42: AssertionError
WARNING: 1 deprecated call
2 passed, 1 failed in 0.31s
"""
RUNS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("npm run build -- --mode production", {"task": "build", "type": "build", "duration_ms": 48_200}),
    ("ruff check src --fix", {"task": "lint", "duration_ms": 240}),
    ("docker compose up -d postgres redis", {"task": "services", "status": "timeout", "exit_code": None}),
    ("git diff --stat HEAD~3 -- src/auth", {"task": "git", "duration_ms": 12}),
    ("cargo test parser:: -- --nocapture", {"task": "cargo-test", "type": "test", "duration_ms": 8_400}),
    ("echo '日本語のテスト' && printf 'a\\tb'", {"task": "shell"}),
    ("curl -fsS http://localhost:8080/health", {"task": "health", "status": "failure", "exit_code": 7}),
    ("sleep 600", {"task": "wait", "status": "cancelled", "exit_code": None}),
    ("pytest -x tests/test_cart.py", {"task": "test", "type": "test", "status": "failure"}),
    ("npm run dev", {"task": "dev", "status": "running"}),
)


SESSION = "5f0c8a52-7a3c-4f57-9c1e-0d2b6f1f9a11"


@pytest.fixture
def app(recorded: Recorded, at_noon: None) -> InspectorApp:
    """The inspector over a few runs, at noon."""
    for number, (line, values) in enumerate(RUNS):
        recorded.add(
            line, {"stdout.txt": LOG} if "pytest" in line else {"stdout.txt": b"done\n"},
            start_time=NOON - 90_000 * (len(RUNS) - number), session_id="01KFDR5C9W7XYZ", **values,
        )  # fmt: skip
    return InspectorApp(Settings(recorded.workspace, start_collector=False))


@pytest.fixture
def agents(recorded: Recorded, at_noon: None) -> InspectorApp:
    """The inspector over runs of agents, at noon."""
    main, sub = SESSION, "a7c31e94"
    for number, (line, values) in enumerate(RUNS):
        is_own = number % 3 != 1
        recorded.add(
            line, {"stdout.txt": b"done\n"}, start_time=NOON - 90_000 * (len(RUNS) - number),
            session_id=main if number else "ci-nightly", agent="claude-code" if number else None,
            agent_version="2.1.0", agent_instance_id=None if not number else main if is_own else sub,
            model="claude-sonnet-4-5" if is_own else "claude-haiku-4-5", tool="Bash",
            tokens={"input": 12 * number, "output": 333 * number, "cache_read": 4000 * number},
            provenance={"exit_code": "transcript: text", "timing": "transcript: upper bound"}
            if number % 2 else {},
            **values,
        )  # fmt: skip
    recorded.add(
        "rm -rf node_modules", start_time=NOON - 20_000, session_id=main, agent="claude-code", tool="Bash",
        agent_instance_id=main, status="cancelled", exit_code=None, error_code="ACODE-AGT-009",
        error_message="denied; it never ran: Permission to use Bash was denied.",
    )  # fmt: skip
    recorded.add_session(
        main,
        "Find out why the discount of the cart is rounded twice, and fix it",
        (
            AgentInstance(
                instance_id=main, session_id=main, agent="claude-code", model="claude-sonnet-4-5",
                status="running", created_at=NOON - 900_000, tokens={"input": 1200, "output": 18_000},
                cost=1.2,
            ),
            AgentInstance(
                instance_id=sub, session_id=main, parent_instance_id=main, name="Explore", status="ended",
                role="search", model="claude-haiku-4-5", created_at=NOON - 800_000,
                terminated_at=NOON - 500_000,
                tokens={"input": 900, "output": 2100, "cache_read": 310_000}, cost=0.0042,
                prompt="Where is the discount of a cart computed?\nAnswer with file and line.",
            ),
        ),
        status="running", started_at=NOON - 900_000, ended_at=None, model="claude-sonnet-4-5", prompts=3,
        tokens={"input": 2100, "output": 20_100, "cache_read": 4_310_000, "cache_write": 88_000},
        cost=12.3456, working_directory="/home/dev/shop", git_branch="fix/discount", agent_version="2.1.0",
        transcripts=({"path": "/home/dev/.claude/projects/-shop/5f0c.jsonl", "size_bytes": 812_000},),
    )  # fmt: skip
    recorded.add_session(
        "0199-codex", "説明を書く: write the docs", agent="codex", model="gpt-5.1-codex", status="killed",
        started_at=NOON - 90_000_000, ended_at=NOON - 86_500_000, tokens={"input": 812_000, "output": 9000},
    )  # fmt: skip
    return InspectorApp(Settings(recorded.workspace, start_collector=False))


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock of the screens stand still, and the workspace be anywhere."""
    import time as real_time

    from acode_tui.screens import result, run, runs, sessions
    from acode_tui.source import runs as source
    from acode_tui.widgets import preview, run_table, session_tree

    class Noon:
        monotonic = staticmethod(real_time.monotonic)
        time = staticmethod(lambda: NOON / 1000)

    for module in (run, result, source, preview, run_table, session_tree):
        monkeypatch.setattr(module, "time", Noon)
    for module in (runs, sessions):
        monkeypatch.setattr(module, "workspace_label", lambda root, home, width: "~/src/shop")
    monkeypatch.setattr(source, "collector_status", lambda workspace: None)


async def settled(pilot: Pilot[None], *keys: str) -> None:
    await until(pilot, lambda: home(pilot).is_settled)
    home(pilot).entry.cursor_blink = False
    await until(pilot, lambda: home(pilot)._shown_token > 0 and home(pilot).window.is_complete)
    await pilot.press(*keys)
    screen, preview = home(pilot), home(pilot).preview
    await until(pilot, lambda: preview.run is not None)
    if screen.listener is None and screen.watcher is None:
        await until(pilot, lambda: preview.run.run_id == screen.table.run_at_cursor.run_id)
    if screen.facets_open and screen.app.screen is screen:
        await until(pilot, lambda: screen.facet_window.lines)
    if preview.display and preview.run.status == "failure":
        await until(pilot, lambda: preview._why)
    await pilot.pause(0.4)


def keys(*names: str) -> Any:
    async def before(pilot: Pilot[None]) -> None:
        await settled(pilot, *names)

    return before


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_runs(snap_compare: Any, app: InspectorApp, size: tuple[int, int], theme: str) -> None:
    app = InspectorApp(app.settings._replace(theme=f"acode-{theme}"))
    assert snap_compare(app, terminal_size=size, run_before=keys("j"))


def test_runs_narrow(snap_compare: Any, app: InspectorApp) -> None:
    assert snap_compare(app, terminal_size=(40, 12), run_before=keys("j"))


def test_filter_error(snap_compare: Any, app: InspectorApp) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await settled(pilot)
        home(pilot).entry.value = "stauts:failed"
        await until(pilot, lambda: home(pilot).problem.display)

    assert snap_compare(app, terminal_size=(100, 30), run_before=before)


def test_filter_pane(snap_compare: Any, app: InspectorApp) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await settled(pilot, "p")
        await pilot.press("g", "j", "j", "enter", "j", "minus")
        await until(pilot, lambda: home(pilot).window.total == 2 and home(pilot).window.is_complete)
        await pilot.pause(0.8)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_completion(snap_compare: Any, app: InspectorApp, theme: str) -> None:
    app = InspectorApp(app.settings._replace(theme=f"acode-{theme}"))

    async def before(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("slash", *"status", "colon")
        await until(pilot, lambda: "5 runs" in screen_text(pilot))
        await pilot.press("down")
        await pilot.pause(0.4)

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


def test_viewer(snap_compare: Any, app: InspectorApp) -> None:
    assert snap_compare(app, terminal_size=(120, 30), run_before=keys("j", "enter"))


def test_help(snap_compare: Any, app: InspectorApp) -> None:
    assert snap_compare(app, terminal_size=(100, 40), run_before=keys("question_mark"))


def test_delete(snap_compare: Any, app: InspectorApp) -> None:
    assert snap_compare(app, terminal_size=(80, 24), run_before=keys("j", "d"))


@pytest.mark.parametrize(
    ("theme", "size"), [("dark", (80, 24)), ("light", (200, 50))], ids=["dark-80x24", "light-200x50"]
)
def test_clean_up(
    snap_compare: Any, app: InspectorApp, monkeypatch: pytest.MonkeyPatch, theme: str, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("collector.retention.sweep.now_for_ages", lambda workspace: NOON + 40 * 86_400_000)
    app = InspectorApp(app.settings._replace(theme=f"acode-{theme}"))

    async def before(pilot: Pilot[None]) -> None:
        await settled(pilot, "j", "D")
        screen: Any = pilot.app.screen
        await until(pilot, lambda: screen.plan is not None)
        await pilot.press("j")
        await pilot.pause(0.4)

    assert snap_compare(app, terminal_size=size, run_before=before)


# What a run produced


def view_keys(*names: str) -> Any:
    async def before(pilot: Pilot[None]) -> None:
        await settled(pilot, "enter")
        screen: Any = pilot.app.screen
        await until(pilot, lambda: screen.listing.total)
        for name in names:
            await pilot.press(name)
            await pilot.pause(0.3)

    return before


@pytest.fixture
def failed_tests(recorded: Recorded, at_noon: None) -> InspectorApp:
    """The inspector over a run that produced everything, at noon."""
    add_failed_run(recorded, start_time=NOON - 90_000, task="test")
    return InspectorApp(Settings(recorded.workspace, start_collector=False))


def test_failed_tests(snap_compare: Any, failed_tests: InspectorApp) -> None:
    assert snap_compare(failed_tests, terminal_size=(80, 24), run_before=view_keys("enter"))


def test_failed_tests_in_light(snap_compare: Any, failed_tests: InspectorApp) -> None:
    app = InspectorApp(failed_tests.settings._replace(theme="acode-light"))
    assert snap_compare(app, terminal_size=(200, 50), run_before=view_keys())


def test_why_in_the_preview(snap_compare: Any, failed_tests: InspectorApp) -> None:
    assert snap_compare(failed_tests, terminal_size=(200, 50), run_before=keys())


def test_coverage(snap_compare: Any, failed_tests: InspectorApp) -> None:
    app = InspectorApp(failed_tests.settings._replace(theme="acode-light"))
    assert snap_compare(app, terminal_size=(120, 30), run_before=view_keys("3", "right"))


def test_log_entries(snap_compare: Any, failed_tests: InspectorApp) -> None:
    assert snap_compare(failed_tests, terminal_size=(80, 24), run_before=view_keys("4", "e", "right"))


def test_json(snap_compare: Any, failed_tests: InspectorApp) -> None:
    assert snap_compare(failed_tests, terminal_size=(120, 30), run_before=view_keys("5", "j", "j", "right"))


# Agents and sessions


@pytest.mark.parametrize("size", [(80, 24), (160, 40), (200, 50)], ids=["80x24", "160x40", "200x50"])
def test_runs_of_agents(snap_compare: Any, agents: InspectorApp, size: tuple[int, int]) -> None:
    assert snap_compare(agents, terminal_size=size, run_before=keys("j"))


def tree_keys(*names: str) -> Any:
    async def before(pilot: Pilot[None]) -> None:
        await settled(pilot, "s")
        screen: Any = pilot.app.screen
        screen.entry.cursor_blink = False
        await until(pilot, lambda: screen.window.is_read)
        for name in names:
            await pilot.press(name)
            await pilot.pause(0.3)
        await pilot.pause(0.4)

    return before


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_sessions(snap_compare: Any, agents: InspectorApp, size: tuple[int, int], theme: str) -> None:
    app = InspectorApp(agents.settings._replace(theme=f"acode-{theme}"))
    before = tree_keys("right", "j", "j", "right", "k", "right", "k")
    assert snap_compare(app, terminal_size=size, run_before=before)


def test_a_subagent(snap_compare: Any, agents: InspectorApp) -> None:
    assert snap_compare(agents, terminal_size=(120, 30), run_before=tree_keys("right", "j", "j"))


def test_a_run_in_the_tree(snap_compare: Any, agents: InspectorApp) -> None:
    before = tree_keys("right", "j", "right", "F")
    assert snap_compare(agents, terminal_size=(120, 30), run_before=before)


def test_sessions_narrow(snap_compare: Any, agents: InspectorApp) -> None:
    assert snap_compare(agents, terminal_size=(40, 12), run_before=tree_keys("right"))


def test_no_sessions(snap_compare: Any, recorded: Recorded, at_noon: None) -> None:
    recorded.add("make", start_time=NOON)
    app = InspectorApp(Settings(recorded.workspace, start_collector=False))
    assert snap_compare(app, terminal_size=(80, 24), run_before=tree_keys())


def test_help_of_sessions(snap_compare: Any, agents: InspectorApp) -> None:
    assert snap_compare(agents, terminal_size=(100, 40), run_before=tree_keys("question_mark"))
