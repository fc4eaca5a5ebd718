"""Starting and ending in a real terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pyte
import pytest

from acode_tui.__main__ import UsageError, main, parse_options
from acode_tui.settings import Settings
from acode_tui.splash import FirstPage, layout_of, paint, read_first_page
from benchmarks.pty_app import FRAME_END, PtyApp
from tests.tui.conftest import NOON, Recorded
from tests.tui.reports import add_failed_run
from tests.tui.test_guard import REPOSITORY, start

LEAVES = b"\x1b[?1049l"


def display(app: PtyApp, end: int, columns: int = 120, lines: int = 30) -> list[str]:
    screen = pyte.Screen(columns, lines)
    stream = pyte.ByteStream(screen)
    # pyte prints the private parts of sequences that it does not know.
    stream.feed(re.sub(rb"\x1b\[[<>=][^a-zA-Z]*[a-zA-Z]|\x1b\[\?\d+\$p", b"", bytes(app.output[:end])))
    return list(screen.display)


def fill(recorded: Recorded, count: int = 40) -> None:
    recorded.store.write([recorded.make(f"echo {n}") for n in range(count)])


@pytest.mark.parametrize("keys", [b"jjjjj\r", b"/echo 7\rdn", b"jjf"])
def test_no_key_typed_while_it_loads_is_lost(recorded: Recorded, keys: bytes) -> None:
    recorded.store.write([
        recorded.make(f"echo {n}", {"stdout.txt": b"output of %d\n" % n}, status="failure") for n in range(40)
    ])  # fmt: skip
    app = start(recorded)
    try:
        app.wait_for(b"\x1b[?1049h")
        app.send(keys)
        expected = {b"jjjjj\r": b"output of 34", b"/echo 7\rdn": b"echo 7", b"jjf": b"failed only"}[keys]
        loaded = app.wait_for(FRAME_END)[1]
        app.wait_for(expected, 20, loaded if keys != b"/echo 7\rdn" else 0)
        app.quiesce()
        text = "\n".join(display(app, app.mark()))
        if keys == b"/echo 7\rdn":
            assert "4 runs match" in text
            assert "Delete this run?" not in text
        if keys == b"jjf":
            assert "▌✗ failure" in text.splitlines()[4]
    finally:
        app.kill()


@pytest.mark.parametrize("agent", [None, "claude-code"])
@pytest.mark.parametrize(("columns", "lines"), [(120, 30), (100, 30), (80, 24), (60, 20), (200, 50)])
def test_the_first_page_stands_where_the_table_stands(
    recorded: Recorded, columns: int, lines: int, agent: str | None
) -> None:
    recorded.store.write([
        recorded.make(f"echo {n}", agent=agent, model="claude-opus-4-5", tokens={"input": n})
        for n in range(100)
    ])  # fmt: skip
    app = start(recorded, columns, lines)
    try:
        first = app.wait_for(b"echo 99")[1]
        taken = app.wait_for(FRAME_END, start=first)[1]
        app.wait_for(b"100 runs")
        painted = display(app, app.output.find(b"\x1b[?2026$p"), columns, lines)
        after = display(app, taken, columns, lines)
        layout = layout_of(columns, lines)
        table = slice(0, layout.table_height + 1)
        across = slice(layout.facets_width, layout.facets_width + layout.table_width - 1)
        assert [line[across] for line in painted[table]] == [line[across] for line in after[table]]
    finally:
        app.kill()


def test_from_a_failed_test_to_its_line_in_the_editor_and_back(recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "cart.py").write_text("\n" * 60)
    editor = tmp_path / "my editor"
    editor.write_text('#!/bin/sh\nstty -a > "$MODES"\nprintf "EDITS %s|" "$@"\nread answer\nexit "$answer"\n')
    editor.chmod(0o755)
    add_failed_run(recorded, working_directory=str(tmp_path))
    app = start(recorded, 120, 30, EDITOR=f"'{editor}'", MODES=str(tmp_path / "modes"))
    try:
        app.wait_for(b"1 run")
        app.send(b"\r")
        app.wait_for(b"2 of 6 failed", 20)
        app.quiesce()
        start_of_editor = app.mark()
        app.send(b"v")
        app.wait_for(f"EDITS +42|EDITS {tmp_path}/src/cart.py|".encode(), 20, start_of_editor)
        modes = (tmp_path / "modes").read_text()
        start_of_end = app.mark()
        app.send(b"3\n")
        app.wait_for(b"ended with 3", 20, start_of_end)
        app.send(b"p")
        app.wait_for(b"printed in line 6", 20, start_of_end)
        app.send(b"q")
        assert app.wait() == 0
        assert b"Traceback" not in app.output
    finally:
        app.kill()
    assert " icanon" in modes
    assert " echo " in modes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_put_back_when_it_is_told_to_end(recorded: Recorded, number: int) -> None:
    fill(recorded)
    app = start(recorded)
    try:
        app.wait_for(FRAME_END)
        app.wait_for(b"40 runs")
        os.kill(app.pid, number)
        app.wait_for(LEAVES)
        assert app.wait() == 128 + number
        modes = termios.tcgetattr(app.terminal)[3]
        assert modes & termios.ECHO
        assert modes & termios.ICANON
        assert b"Traceback" not in app.output
    finally:
        app.kill()


def test_an_unexpected_error_is_one_line_and_the_terminal_is_put_back(recorded: Recorded) -> None:
    fill(recorded)
    code = f"""import sys
sys.path += {[str(REPOSITORY), *(p for p in sys.path if p.endswith("site-packages"))]!r}
import acode_tui.widgets.run_table as m
def broken(self, y):
    raise ValueError("boom \\x1b[2J")
m.RunTable.render_line = broken
from acode_tui.__main__ import run
run()"""
    app = PtyApp([sys.executable, "-c", code, "--workspace", recorded.workspace.root])
    try:
        app.wait_for(b"acode-tui failed: ValueError: boom")
        assert app.wait() == 1
        assert b"Traceback" not in app.output
        last = bytes(app.output).rsplit(LEAVES, 1)[1].strip()
        assert last.count(b"\n") == 0
        assert b"\x1b[2J" not in last
    finally:
        app.kill()


def test_without_colours_none_is_sent(recorded: Recorded) -> None:
    fill(recorded)
    recorded.add("bad", status="failure")
    app = start(recorded, NO_COLOR="1")
    try:
        app.wait_for(FRAME_END)
        app.wait_for(b"41 runs")
        app.send(b"jj?")
        app.quiesce()
        app.frame_ms(b"\x1b")
        app.quiesce()
        app.send(b"q")
        assert app.wait() == 0
    finally:
        app.kill()
    for parameters in re.findall(rb"\x1b\[([\d;]*)m", bytes(app.output)):
        codes = {int(code or 0) for code in parameters.split(b";")}
        assert not {c for c in codes if 30 <= c <= 49 or 90 <= c <= 107}, parameters
    assert "✗ failure".encode() in app.output


def test_quitting_leaves_nothing_behind(recorded: Recorded) -> None:
    fill(recorded)
    app = start(recorded)
    try:
        app.wait_for(b"40 runs")
        app.send(b"q")
        app.wait_for(LEAVES)
        assert app.wait() == 0
        assert bytes(app.output).rsplit(LEAVES, 1)[1].strip(b"\r\n") == b""
    finally:
        app.kill()


def test_options() -> None:
    assert parse_options(["--workspace", "a", "--filter=status:failed", "--theme", "light"]) == {
        "--workspace": "a", "--filter": "status:failed", "--theme": "light",
    }  # fmt: skip
    for wrong in (["--nope"], ["stray"], ["--theme"], ["--theme", "pink"]):
        with pytest.raises(UsageError):
            parse_options(wrong)


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "--workspace DIR" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("acode-tui ")


@pytest.mark.parametrize("arguments", [["--nope"], ["--workspace", "/nowhere/at/all"], []])
def test_errors_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("ACODE-RUN-019: ")


def test_the_first_page_needs_neither_textual_nor_rich() -> None:
    code = (
        "import sys; import acode_tui.__main__, acode_tui.splash, acode_tui.terminal, acode_tui.settings;"
        "heavy = {'textual', 'rich', 'asyncio', 'yaml', 'pygments'};"
        "print([m for m in sys.modules if m.split('.')[0] in heavy])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert result.stdout.strip() == "[]"


def test_the_sessions_are_loaded_only_when_they_are_opened(recorded: Recorded) -> None:
    code = (
        "import sys, asyncio; from acode_tui.app import InspectorApp;"
        "from acode_tui.settings import Settings; from collector import Workspace\n"
        "async def main():\n"
        f"    app = InspectorApp(Settings(Workspace({recorded.workspace.root!r}), start_collector=False))\n"
        "    async with app.run_test() as pilot:\n"
        "        await pilot.pause(0.5)\n"
        "    print([m for m in sys.modules if 'session' in m], file=sys.__stdout__)\n"
        "asyncio.run(main())"
    )
    recorded.add("true", session_id="s", agent_instance_id="s", agent="claude-code")
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert result.stdout.strip() == "[]"


def test_agents_have_their_column_on_the_first_page(recorded: Recorded) -> None:
    fill(recorded, 30)
    settings = Settings(recorded.workspace)
    before = paint(settings, read_first_page(settings, 30), 120, 30, NOON)
    recorded.add("ls", agent="claude-code")
    after = paint(settings, read_first_page(settings, 30), 120, 30, NOON)
    assert "  agent  " not in before
    assert "  agent  " in after
    assert "claude-code" in after


def test_the_first_page_is_harmless_and_fits(recorded: Recorded) -> None:
    recorded.add("echo \x1b[2J\u202e" + "x" * 500, task="\x9b", session_id="\x00")
    settings = Settings(recorded.workspace)
    page = read_first_page(settings, 30)
    for columns, lines in ((10, 3), (40, 12), (80, 24), (200, 50)):
        text = paint(settings, page, columns, lines, NOON)
        assert "\x1b[2J" not in text
        assert "\x9b" not in text
        assert text.count("\x1b[?1049h") == 1
        for number in range(1, lines + 1):
            assert f"\x1b[{number};1H" in text


def test_without_a_database_the_first_page_is_empty(tmp_path: Path) -> None:
    from collector import Workspace

    settings = Settings(Workspace(str(tmp_path)), filter="stauts:failed")
    assert read_first_page(settings, 30) == FirstPage()
    assert "acode" in paint(settings, FirstPage(), 80, 24, NOON)


def test_it_ends_when_its_terminal_is_gone(recorded: Recorded) -> None:
    """Also when nobody sends it a signal: reading the end of a terminal for ever would take a whole core."""
    fill(recorded)
    app = start(recorded)
    try:
        app.wait_for(FRAME_END)
        app.wait_for(b"40 runs")
        signal_free = [sys.executable, "-c", _ORPHAN, recorded.workspace.root]
        child = subprocess.run(signal_free, capture_output=True, text=True, timeout=30, check=True)
        assert child.stdout.strip() == "ended"
    finally:
        app.kill()


# Not a session leader, as under `setsid --fork` or a supervisor: SIGHUP is sent to others.
_ORPHAN = f"""
import os, pty, subprocess, sys, time
packages = {[str(REPOSITORY), *(p for p in sys.path if p.endswith("site-packages"))]!r}
code = f"import sys; sys.path += {{packages!r}}; from acode_tui.__main__ import run; run()"
master, slave = pty.openpty()
child = subprocess.Popen(
    [sys.executable, "-c", code, "--workspace", sys.argv[1]], stdin=slave, stdout=slave, stderr=slave,
    env={{**os.environ, "TERM": "xterm-256color", "ACODE_COLLECTOR_AUTOSTART": "false"}},
)
os.close(slave)
seen = b""
while b"40 runs" not in seen:
    seen += os.read(master, 65536)
os.close(master)
try:
    child.wait(8)
    print("ended")
except subprocess.TimeoutExpired:
    child.kill()
    print("still there")
"""
