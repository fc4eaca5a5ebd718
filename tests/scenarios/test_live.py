"""Twenty commands at once, seen live in the inspector on a real terminal, while somebody types."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.conftest import PROJECT, Acode
from tests.terminal import Terminal

RUNS = 20
TUI = [
    sys.executable, "-I", "-S", "-c",
    f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}; from acode_tui.__main__ import run; run()",
]  # fmt: skip


def shows(screen: Terminal, task: str, status: str) -> bool:
    """Tell whether a line of the screen has both."""
    return any(task in line and status in line for line in screen.lines())


def start_waiting(acode: Acode, number: int, gate: Path) -> subprocess.Popen[bytes]:
    """Record a command that writes a line, waits at a gate, writes another, and ends."""
    script = f"echo seen $((1000 + {number})); read x < {gate}; echo over; exit {number % 2}"
    return acode.start("exec", "--task", f"job-{number:02}", "--", "sh", "-c", script)


def test_parallel_runs_are_seen_live_and_no_key_is_lost(
    acode: Acode, collector: subprocess.Popen[bytes]
) -> None:
    gates = [acode.root / f"gate{number}" for number in range(RUNS)]
    for gate in gates:
        os.mkfifo(gate)
    screen = Terminal(TUI, {**acode.environ, "COLORTERM": "truecolor"}, str(acode.root), columns=160, rows=40)
    screen.wait_for("collector on")
    commands = [start_waiting(acode, number, gate) for number, gate in enumerate(gates)]
    for number in range(RUNS):
        screen.wait_until(partial(shows, screen, f"job-{number:02}", "running"))
    screen.wait_for("seen 10")
    typed = "/nothing else is typed so fast"
    for key in typed:
        screen.send(key)
    screen.wait_for(typed[1:])
    screen.send("\x7f\x7fX\x15task:jib\x7f\x7fob*\r")  # edited as fast as a paste
    screen.wait_for("task:job*")
    for number, gate in enumerate(gates):
        gate.write_text("go\n")
        commands[number].communicate(timeout=30)
        ends = "failure" if number % 2 else "success"
        screen.wait_until(partial(shows, screen, f"job-{number:02}", ends))
    screen.wait_for("over")
    screen.send("q")
    assert screen.finish() == 0
    assert len(list(Path(acode.workspace.artifacts).glob("job-*"))) == RUNS
