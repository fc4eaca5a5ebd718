"""A few pictures: what the screens look like, with the clock standing still."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from acode_tui.app import InspectorApp
from acode_tui.settings import Settings
from tests.tui.conftest import NOON, Recorded, home, until

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


@pytest.fixture
def app(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> InspectorApp:
    """The inspector over a few runs, at noon."""
    import time as real_time

    from acode_tui.render import bars
    from acode_tui.screens import result, run, runs
    from acode_tui.source import runs as source
    from acode_tui.widgets import preview, run_table

    for number, (line, values) in enumerate(RUNS):
        recorded.add(
            line, {"stdout.txt": LOG} if "pytest" in line else {"stdout.txt": b"done\n"},
            start_time=NOON - 90_000 * (len(RUNS) - number), session_id="01KFDR5C9W7XYZ", **values,
        )  # fmt: skip

    class Noon:
        monotonic = staticmethod(real_time.monotonic)
        time = staticmethod(lambda: NOON / 1000)

    for module in (run, result, source, preview, run_table):
        monkeypatch.setattr(module, "time", Noon)
    monkeypatch.setattr(runs, "workspace_label", lambda root, home, width: "~/src/shop")
    monkeypatch.setattr(source, "collector_status", lambda workspace: None)
    assert bars.BRAND
    return InspectorApp(Settings(recorded.workspace, start_collector=False))


async def settled(pilot: Pilot[None], *keys: str) -> None:
    await until(pilot, lambda: home(pilot).is_settled)
    home(pilot).entry.cursor_blink = False
    await until(pilot, lambda: home(pilot)._shown_token > 0 and home(pilot).window.is_complete)
    await pilot.press(*keys)
    await until(pilot, lambda: home(pilot).preview.run is not None)
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


def test_viewer(snap_compare: Any, app: InspectorApp) -> None:
    assert snap_compare(app, terminal_size=(120, 30), run_before=keys("j", "enter"))


def test_help(snap_compare: Any, app: InspectorApp) -> None:
    assert snap_compare(app, terminal_size=(100, 40), run_before=keys("question_mark"))


def test_delete(snap_compare: Any, app: InspectorApp) -> None:
    assert snap_compare(app, terminal_size=(80, 24), run_before=keys("j", "d"))
