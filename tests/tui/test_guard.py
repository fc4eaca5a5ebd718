"""Recorded control sequences never reach the terminal: on every screen, and through a real one."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.widgets import Static

from acode_tui.guard import ControlGuard, NoColour
from acode_tui.render.unsafe import UNSAFE
from benchmarks.pty_app import FRAME_END, PtyApp
from collector import CoverageReport, FileCoverage, Location, LogEntry, TestCase
from collector.model.session import AgentInstance
from tests.tui.conftest import Recorded, home, inspecting, screen_text, until
from tests.tui.reports import add_failed_run, as_bytes, entries_file, report_of

REPOSITORY = Path(__file__).resolve().parents[2]
HOSTILE = (
    "\x1b]52;c;aGVsbG8=\x07", "\x1b[2J", "\x9b2J", "\x1b]0;title\x1b\\", "\x1b[?1049l", "\x00",
    "\u202ereversed", "\x1bP+q\x1b\\", "\x1b[6n", "\x85", "\x1bc", "\u2066x", "a\u200bb", "\x1b]8;;http://x\x07link\x1b]8;;\x07",
)  # fmt: skip
ALL = " ".join(f"{n}{text}" for n, text in enumerate(HOSTILE))


def record_hostile(recorded: Recorded) -> None:
    recorded.add("harmless", {"stdout.txt": b"fine\n"})
    recorded.add(
        f"echo {ALL}",
        {"stdout.txt": (ALL + "\n").encode() * 50, "evil\x1b[2J\u202e.txt": b"x\n"},
        task=f"task{ALL}",
        working_directory=f"/tmp/{ALL}",
        session_id=f"s{ALL}",
        error_message=f"failed {ALL}",
        tags={f"t{ALL}": ALL},
        status="failure",
    )


def test_the_private_hook_is_still_there() -> None:
    app: App[None] = App()
    assert isinstance(app._filters, list), "Textual changed: acode_tui/guard.py needs another way in"
    assert app.get_line_filters() is not None


async def test_the_filter_is_applied_to_stock_widgets() -> None:
    class Stock(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("a\x1b[2Jb\x9bc", markup=False)

    app = Stock()
    app._filters.append(ControlGuard())
    async with app.run_test() as pilot:
        text = screen_text(pilot)
        assert not UNSAFE.search(text.replace("\n", "")), "Textual no longer applies App._filters"
        assert "a[2Jbc" in text


def test_the_guard_leaves_harmless_lines_alone() -> None:
    segments = [Segment("plain", Style(bold=True))]
    guard = ControlGuard()
    assert guard.apply(segments, Color.parse("black")) is segments
    assert guard.apply([Segment("a\x1bb")], Color.parse("black"))[0].text == "ab"


def test_without_colour_the_selection_is_reversed() -> None:
    style = (
        NoColour(frozenset({"#26354b"}))
        .apply([Segment("x", Style(color="#ff0000", bgcolor="#26354b", bold=True))], Color.parse("black"))[0]
        .style
    )
    assert style is not None
    assert (style.color, style.bgcolor, style.reverse, style.bold) == (None, None, True, True)


@pytest.mark.parametrize("size", [(200, 50), (100, 30), (40, 12)])
async def test_no_screen_emits_a_control_character(recorded: Recorded, size: tuple[int, int]) -> None:
    record_hostile(recorded)
    async with inspecting(recorded, size=size) as pilot:
        pilot.app._filters.pop()  # the first line of defence has to hold alone
        seen = []
        for keys in (
            [],
            ["d"],
            ["escape", "enter"],
            ["w"],
            ["right_square_bracket"],
            ["tab", "z"],
            ["escape", "d"],
        ):
            await pilot.press(*keys)
            await pilot.pause(0.15)
            seen.append(screen_text(pilot))
        for text in seen:
            assert not UNSAFE.search(text.replace("\n", ""))
        assert "echo 0" in seen[0]


async def test_a_hostile_filter_is_shown_harmlessly(recorded: Recorded) -> None:
    recorded.add("x")
    async with inspecting(recorded) as pilot:
        home(pilot).entry.value = f"status:{ALL}"
        await until(pilot, lambda: home(pilot).problem.display)
        assert not UNSAFE.search(screen_text(pilot).replace("\n", ""))


def test_through_a_real_terminal_only_our_own_sequences_arrive(recorded: Recorded) -> None:
    record_hostile(recorded)
    app = start(recorded)
    try:
        app.wait_for(FRAME_END)
        app.wait_for(b"2 runs")
        app.send(b"j\r")
        app.wait_for(b"lines")
        app.frame_ms(b"\x1b")
        app.quiesce()
        app.send(b"q")
        assert app.wait() == 0
    finally:
        app.kill()
    output = app.output.decode("utf-8", "replace")
    assert "]52;" not in output.replace("\u241b]52;", "")
    assert "\x1b]0;" not in output
    assert "\x9b" not in output
    assert "\x00" not in output
    assert "\x1bc" not in output
    assert "\u202e" not in output
    assert not re.search(r"\x1b\[2J", output)


def test_sessions_through_a_real_terminal(recorded: Recorded) -> None:
    """What agents say of themselves is as little trusted as what commands print."""
    record_hostile(recorded)
    agent = AgentInstance(instance_id=f"i{ALL}", session_id="s1", name=f"sub {ALL}", prompt=ALL, role=ALL)
    recorded.add("inner", session_id="s1", agent_instance_id=f"i{ALL}", agent=ALL, tool=ALL)
    recorded.add_session("s1", f"title {ALL}", (agent,), agent=ALL, error=ALL, team=ALL)
    app = start(recorded, 160, 40)
    try:
        app.wait_for(FRAME_END)
        app.wait_for(b"3 runs")
        app.send(b"s")
        app.wait_for(b"2 sessions")
        app.wait_for(b"title 0")
        app.send(b"\x1b[C")
        app.wait_for(b"sub 0")
        app.wait_for(b"inner")
        for keys in (b"j", b"j", b"r"):
            app.send(keys)
            app.quiesce()
        app.send(b"q")
        assert app.wait() == 0
    finally:
        app.kill()
    output = app.output.decode("utf-8", "replace")
    assert "]52;" not in output.replace("\u241b]52;", "")
    for unsafe in ("\x1b]0;", "\x9b", "\x00", "\x1bc", "\u202e", "\x1b[2J", "\x1b]8;"):
        assert unsafe not in output


def test_what_a_run_produced_through_a_real_terminal(recorded: Recorded) -> None:
    """Test results, coverage, log entries and JSON are written by whatever ran."""
    case = TestCase(
        name=f"t{ALL}", outcome="failed", class_name=ALL, message=f"m{ALL}", details=ALL, output=ALL,
        location=Location(f"f{ALL}", 3),
    )  # fmt: skip
    file = FileCoverage(path=f"p{ALL}", lines=2, lines_covered=1, uncovered=((1, 1),))
    entry = LogEntry(level="error", message=f"e{ALL}\nmore", stream=ALL, line=1, context={ALL: ALL})
    files = {
        "test-results.json": as_bytes(report_of(case, problems=(ALL,)).to_json()),
        "coverage.json": as_bytes(CoverageReport(lines=2, files=(file,), problems=(ALL,)).to_json()),
        "logs.jsonl": entries_file((entry,)), "artifact.json": as_bytes({ALL: ALL, "x": [ALL * 9]}),
    }  # fmt: skip
    add_failed_run(recorded, files=files, skipped=({"path": ALL, "reason": ALL},), metrics={ALL: ALL})
    app = start(recorded, 160, 40)
    try:
        app.wait_for(FRAME_END)
        app.wait_for(b"1 run")
        app.wait_for(b"mwhy")
        app.send(b"\r")
        app.wait_for(b"1 of 1 failed")
        opened, back = b"\x1b[C", b"\x1b"
        tests = (b"+", b"p", back, b"v", b"c", b"Y")
        others = (
            b"3",
            opened,
            b"\r",
            b"v",
            b"4",
            opened,
            b"\r",
            b"5",
            b"+",
            b"jjjj",
            b"/0\r",
            b"n",
            b"c",
            b"r",
        )
        for keys in (*tests, *others):
            app.send(keys)
            app.quiesce(0.3)
        app.send(b"q")
        assert app.wait() == 0
    finally:
        app.kill()
    output = re.sub(
        r"\x1b\]52;c;[A-Za-z0-9+/=]*\x07", "", app.output.decode("utf-8", "replace")
    )  # our own copying
    assert "]52;" not in output.replace("\u241b]52;", "")
    for unsafe in ("\x1b]0;", "\x9b", "\x00", "\x1bc", "\u202e", "\x1b[2J", "\x1b]8;"):
        assert unsafe not in output


def start(recorded: Recorded, columns: int = 120, lines: int = 30, **environment: str) -> PtyApp:
    packages = [str(REPOSITORY), *(p for p in sys.path if p.endswith("site-packages"))]
    code = f"import sys\nsys.path += {packages!r}\nfrom acode_tui.__main__ import run\nrun()"
    arguments = [sys.executable, "-I", "-S", "-c", code, "--workspace", recorded.workspace.root]
    (Path(recorded.workspace.folder) / "config.yml").write_text("collector:\n  autostart: false\n")
    return PtyApp(arguments, columns, lines, environment)
