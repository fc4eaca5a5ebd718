"""Makes the screenshots from the running inspector, over a workspace with real runs.

    python screenshots/make.py [--workspace DIR] [--png]

Without `--workspace` one is made: real commands, recorded by `acode exec`. Every picture is an SVG; `--png`
(needs cairosvg) makes the pictures of the README from them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from textual.pilot import Pilot

from acode_tui.app import InspectorApp
from acode_tui.screens.run import RunScreen
from acode_tui.settings import Settings
from collector import Workspace, load_config
from collector.clock import format_iso
from collector.ids import new_ulid
from collector.model.session import AgentInstance, Session
from collector.record import spool
from collector.record.annotate import write_call
from collector.record.call_run import DIFF, call_record, write_call_run
from collector.record.session_folder import folder_name, write_session

HERE = Path(__file__).resolve().parent
_SESSION = "5f0c8a52-7a3c-4f57-9c1e-0d2b6f1f9a11"
_EXPLORE, _REVIEW = "a7c31e94", "a91d02b7"
_CODEX, _GEMINI = "019a6e1c-52f0-7d31-a0c4-2b8b1f5c9d10", "c3f0e7aa-1f9e-4a51-8f5e-9f2f0a1b7c22"
_MODELS = {_EXPLORE: "claude-haiku-4-5-20251001", _REVIEW: "claude-haiku-4-5-20251001"}
_SONNET = "claude-sonnet-4-5-20250929"
_MINUTE, _HOUR = 60_000, 3_600_000
_CART = '''"""Prices of a shopping cart."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    name: str
    cents: int


def total(items: list[Item], discount: float = 0.0) -> int:
    """Return what a cart costs."""
    return round(sum(item.cents for item in items) * (1 - discount / 100))
'''
_TEST = """import unittest

from cart import Item, total


class TotalTest(unittest.TestCase):
    def test_adds_up(self):
        self.assertEqual(total([Item("tea", 450), Item("cup", 900)]), 1350)

    def test_nothing_costs_nothing(self):
        self.assertEqual(total([]), 0)

    def test_discount(self):
        self.assertEqual(total([Item("tea", 1000)], discount=0.1), 900)
"""
_STOCK = '''"""How much of a thing there is."""


class Stock:
    def __init__(self, **counts: int) -> None:
        self.counts = counts

    def take(self, name: str, number: int = 1) -> int:
        """Take things out; return how many are left."""
        left = self.counts.get(name, 0) - number
        if left < 0:
            raise LookupError(f"only {self.counts.get(name, 0)} {name} left")
        self.counts[name] = left
        return left

    def refill(self, name: str, number: int) -> None:
        if number <= 0:
            raise ValueError("nothing to put in")
        self.counts[name] = self.counts.get(name, 0) + number

    def report(self) -> str:
        lines = []
        for name, count in sorted(self.counts.items()):
            lines.append(f"{name}: {count}")
        return "\\n".join(lines)
'''
_TEST_STOCK = """import logging

import pytest

from stock import Stock

log = logging.getLogger("stock")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_take(number):
    assert Stock(tea=3).take("tea", number) == 3 - number


def test_take_too_many():
    with pytest.raises(LookupError):
        Stock(tea=3).take("tea", 4)


def test_last_one_is_reserved():
    log.warning("one tea is reserved")
    print("taking 3 of 3")
    assert Stock(tea=3).take("tea", 3) >= 1


@pytest.mark.skip(reason="needs the warehouse")
def test_refill():
    Stock(tea=3).refill("tea", 2)
"""
_MAKEFILE = """check:
\tcoverage run --source=. -m pytest -q --junitxml=junit.xml; status=$$?; coverage xml -q; exit $$status
"""
_SERVER = """
import itertools, sys, time
print("\\033[1mdev server\\033[0m listening on http://127.0.0.1:8080", flush=True)
for n in itertools.count(1):
    code = 500 if n % 9 == 0 else 200
    level = "\\033[31mERROR\\033[0m" if code == 500 else "\\033[32mINFO\\033[0m "
    print(f"12:04:{n % 60:02} {level} GET /api/cart/{1000 + n} {code} in {3 + n % 17} ms", flush=True)
    time.sleep(0.05)
"""
_FILES = {
    "cart.py": _CART, "test_cart.py": _TEST, "server.py": _SERVER, "stock.py": _STOCK,
    "test_stock.py": _TEST_STOCK, "Makefile": _MAKEFILE,
}  # fmt: skip
_JSON = "import json; print(json.dumps({'lines': 94.2, 'files': ['cart.py', 'test_cart.py']}, indent=2))"


class Command(NamedTuple):
    """A command to record; one that `stays` goes on running while the pictures are taken."""

    task: str
    arguments: tuple[str, ...]
    stays: bool = False
    agent: str = _SESSION


COMMANDS = (
    Command("init", ("git", "init", "--quiet", ".")),
    Command("setup", ("python3", "-m", "pip", "--version")),
    Command("search", ("grep", "-rn", "discount", "--include=*.py", "."), agent=_EXPLORE),
    Command("read", ("sed", "-n", "1,14p", "cart.py"), agent=_EXPLORE),
    Command("lint", ("python3", "-m", "compileall", "-q", ".")),
    Command("test", ("python3", "-m", "unittest", "-v", "test_cart.TotalTest.test_adds_up")),
    Command("coverage", ("python3", "-c", _JSON)),
    Command("deploy", ("make", "deploy")),
    Command("diff", ("git", "diff", "--no-index", "--stat", "cart.py", "test_cart.py")),
    Command("build", ("tar", "-czvf", "cart.tar.gz", "cart.py", "test_cart.py")),
    Command("types", ("python3", "-W", "error", "-c", "import cart; print(cart.total.__doc__)")),
    Command("health", ("python3", "-c", "import sys; sys.exit('cannot reach localhost:8080')")),
    Command("read", ("wc", "-l", "cart.py", "test_cart.py", "server.py"), agent=_REVIEW),
    Command("check", ("make", "check")),
    Command("test", ("python3", "-m", "unittest", "-v", "test_cart")),
    Command("serve", ("python3", "-u", "server.py"), stays=True),
)


class Call(NamedTuple):
    """What an agent says it did where no recorder was there: `age_ms` ago, for `took_ms`."""

    session: str
    tool: str
    line: str
    age_ms: int
    took_ms: int
    agent: str = ""
    code: int | None = None
    denied: str = ""
    diff: str = ""


_FIX = """--- a/cart.py
+++ b/cart.py
@@ -11,4 +11,4 @@
 def total(items: list[Item], discount: float = 0.0) -> int:
     \"\"\"Return what a cart costs.\"\"\"
-    return round(sum(item.cents for item in items) * (1 - discount / 100))
+    return round(sum(item.cents for item in items) * (1 - discount))
"""
CALLS = (
    Call(_CODEX, "exec_command", "ls -la docs", 26 * _HOUR, 14, code=0),
    Call(_CODEX, "exec_command", "cargo doc --no-deps", 26 * _HOUR - _MINUTE, 48_200, code=0),
    Call(_CODEX, "apply_patch", "apply_patch docs/cart.md", 25 * _HOUR, 90, diff="+# The cart\n"),
    Call(_GEMINI, "run_shell_command", "npm audit --omit=dev", 3 * _HOUR, 9_100, code=1),
    Call(_SESSION, "Read", "Read cart.py", 11 * _MINUTE, 12, diff=""),
    Call(_SESSION, "Bash", "rm -rf .git", 9 * _MINUTE, 0, denied="Permission to use Bash has been denied."),
    Call(_SESSION, "Edit", "Edit cart.py", 2 * _MINUTE, 31, diff=_FIX),
    Call(_SESSION, "Grep", "Grep round( --type py", 4 * _MINUTE, 85, agent=_EXPLORE),
)


_README = ("runs", "viewer", "sessions", "tests", "coverage", "statistics", "search", "cleanup", "export")


class Shot(NamedTuple):
    """One picture: its size, the keys before it, and the text that has to be there."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...]
    filter: str = ""
    run: str = ""


SHOTS = (
    Shot("runs", (140, 30), ("j",)),
    Shot("runs-narrow", (80, 24), ("j",)),
    Shot("failed", (120, 30), ("f",)),
    Shot("viewer", (120, 30), ("enter",), "task:test status:failed"),
    Shot("tests", (120, 30), ("enter", "enter"), "task:check"),
    Shot("coverage", (120, 20), ("enter", "3", "j"), "task:check"),
    Shot("sessions", (140, 34), ("s", "right", "j", "right", "j", "right", "left", "right", "k", "k")),
    Shot("statistics", (140, 34), ("S",)),
    Shot("search", (120, 24), ("ctrl+f", *"discount", "enter")),
    Shot("cleanup", (120, 30), ("D", "e", "ctrl+u", *"2h", "enter")),
    Shot("export", (120, 30), ("f", "X")),
    Shot("help", (100, 40), ("question_mark",)),
    Shot("delete", (100, 26), ("j", "j", "d")),
)


def main() -> None:
    """Take every picture in both themes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workspace")
    parser.add_argument("--png", action="store_true")
    parser.add_argument("--only", help="names of pictures, with commas between them")
    options = parser.parse_args()
    root = Path(options.workspace or "/tmp/shop")  # short, because it is in the pictures
    made = not options.workspace
    if made and root.exists():
        parser.error(f"{root} is there already; remove it")
    children = record(root) if made else []
    try:
        for theme in ("dark", "light"):
            for shot in (one for one in SHOTS if not options.only or one.name in options.only.split(",")):
                path = HERE / f"{shot.name}-{theme}.svg"
                path.write_text(asyncio.run(take(root, shot, theme)))
                print(path.name)
                if options.png and shot.name in _README:
                    to_png(path)
    finally:
        for child in children:
            child.terminate()
            child.wait()
        if made:
            acode(root, "collector", "stop").wait()
            shutil.rmtree(root)


def record(root: Path) -> list[subprocess.Popen[bytes]]:
    """Record real commands in a small project; return those that go on."""
    root.mkdir(parents=True)
    for name, text in _FILES.items():
        (root / name).write_text(text)
    children = []
    for command in COMMANDS:
        options = ("--task", command.task, "--session", _SESSION)
        os.environ["ACODE_INSTANCE_ID"] = command.agent
        child = acode(root, "exec", *options, "--", *command.arguments)
        if command.stays:
            children.append(child)
            time.sleep(3)
        else:
            child.wait()
    del os.environ["ACODE_INSTANCE_ID"]
    make_sessions(Workspace(str(root)))
    return children


def make_sessions(workspace: Workspace) -> None:
    """Say of these runs what an agent would, and write its session and two others.

    Made up here, because no agent runs while pictures are taken; they enter as those of real agents do.
    """
    now = int(time.time() * 1000)
    config = load_config(workspace.root, {})
    for number, record in enumerate(sorted(Path(workspace.artifacts).glob("*/run.json"))):
        run = json.loads(record.read_text())
        write_call(str(record.parent), _annotation(run["agent_instance_id"], number))
        kind = spool.END if run["end_time"] else spool.RUN
        spool.announce(workspace.spool, kind, record.parent.name)
    for call in CALLS:
        files = {DIFF: call.diff.encode()} if call.diff else {}
        write_call_run(workspace, config, _record(call, now), files, sync=False)
    for session in _sessions(workspace.root, now):
        folder = f"{workspace.sessions}/{folder_name(session.session_id)}"
        write_session(folder, session)
        spool.announce(workspace.spool, spool.SESSION, Path(folder).name)
    time.sleep(2)


def _annotation(agent: str, number: int) -> dict[str, object]:
    return {
        "agent": "claude-code", "agent_version": "2.1.0", "agent_instance_id": agent,
        "model": _MODELS.get(agent, _SONNET), "tool": "Bash", "tool_call_id": f"toolu_{number:024}",
        "tokens": {"input": 9 + number, "output": 180 + 37 * number, "cache_read": 21_400 + 1_930 * number},
    }  # fmt: skip


def _record(call: Call, now: int) -> dict[str, object]:
    started = now - call.age_ms
    record = call_record(started, new_ulid(started), call.tool.lower(), call.line)
    shell = call.code is not None or bool(call.denied)
    status = "cancelled" if call.denied else "failure" if call.code else "success"
    agent = {_CODEX: "codex", _GEMINI: "gemini"}.get(call.session, "claude-code")
    model = {_CODEX: "gpt-5.1-codex", _GEMINI: "gemini-2.5-pro"}.get(call.session, _SONNET)
    return {
        **record, "command": call.line.split()[0], "status": status, "exit_code": call.code,
        "end_time": format_iso(started + call.took_ms), "duration_ms": call.took_ms, "agent": agent,
        "model": _MODELS.get(call.agent, model), "session_id": call.session, "tool": call.tool,
        "agent_instance_id": call.agent or call.session, "tool_call_id": f"call_{started}",
        "working_directory": "/tmp/shop", "type": "command" if shell else "generate",
        "tokens": {"input": 11, "output": call.age_ms % 701, "cache_read": 8000 + call.age_ms % 9001},
        "error_code": "ACODE-AGT-009" if call.denied else None,
        "error_message": f"denied; it never ran: {call.denied}" if call.denied else None,
        "provenance": {
            "exit_code": "transcript: text" if call.code is not None else "none", "call": "transcript",
            "timing": "transcript: upper bound", "output": "none", "tokens": "transcript",
        },
    }  # fmt: skip


def _sessions(root: str, now: int) -> tuple[Session, ...]:
    def agent(id: str, session: str, **values: object) -> AgentInstance:
        return AgentInstance(instance_id=id, session_id=session, **values)  # type: ignore[arg-type]

    haiku = _MODELS[_EXPLORE]
    cart = (
        agent(_SESSION, _SESSION, agent="claude-code", model=_SONNET, status="running", cost=1.87,
              created_at=now - 12 * _MINUTE,
              tokens={"input": 4_210, "output": 31_870, "cache_read": 1_902_400, "cache_write": 88_310}),
        agent(_EXPLORE, _SESSION, name="Explore", role="search", model=haiku, status="ended", cost=0.04,
              parent_instance_id=_SESSION, created_at=now - 5 * _MINUTE, terminated_at=now - 3 * _MINUTE,
              tokens={"input": 900, "output": 2_140, "cache_read": 208_000},
              prompt="Where is the discount of a cart computed, and by whom is it called?"),
        agent(_REVIEW, _SESSION, name="review", role="code-reviewer", model=haiku, status="running",
              parent_instance_id=_SESSION, created_at=now - _MINUTE, cost=0.01,
              tokens={"input": 410, "output": 380, "cache_read": 41_000}),
    )  # fmt: skip
    transcript = f"/home/dev/.claude/projects/-tmp-shop/{_SESSION}.jsonl"
    return (
        Session(
            session_id=_SESSION, title="The discount of the cart is a hundred times too small: find out why",
            agent="claude-code", agent_version="2.1.0", model=_SONNET, status="running", prompts=4,
            started_at=now - 12 * _MINUTE, working_directory=root, git_branch="fix/discount", cost=1.92,
            tokens={"input": 5_520, "output": 34_390, "cache_read": 2_151_400, "cache_write": 88_310},
            transcripts=({"path": transcript, "size_bytes": 812_400},),
            instances=cart,
        ),
        Session(
            session_id=_CODEX, title="Write the page of the manual about the cart", agent="codex",
            agent_version="0.63.0", model="gpt-5.1-codex", status="ended", prompts=2, team="docs",
            started_at=now - 26 * _HOUR, ended_at=now - 25 * _HOUR, working_directory=root,
            tokens={"input": 41_200, "output": 12_900, "cache_read": 388_000, "reasoning": 7_100},
            instances=(agent(_CODEX, _CODEX, agent="codex", model="gpt-5.1-codex", status="ended",
                             tokens={"input": 41_200, "output": 12_900, "cache_read": 388_000}),),
        ),
        Session(
            session_id=_GEMINI, title="Are there vulnerable packages?", agent="gemini", status="killed",
            model="gemini-2.5-pro", started_at=now - 3 * _HOUR, ended_at=now - 3 * _HOUR + 44_000, prompts=1,
            working_directory=root, tokens={"input": 18_400, "output": 610},
            instances=(agent(_GEMINI, _GEMINI, agent="gemini", model="gemini-2.5-pro", status="killed",
                             tokens={"input": 18_400, "output": 610}),),
        ),
    )  # fmt: skip


def acode(root: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start acode as its launcher does."""
    code = "from collector.__main__ import run\nrun()"
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "ACODE_WORKSPACE": str(root)}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, *arguments], cwd=root, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


async def take(root: Path, shot: Shot, theme: str) -> str:
    """Return one picture as SVG."""
    os.chdir(root)  # where exports go by default
    settings = Settings(Workspace(str(root)), shot.filter, f"acode-{theme}", start_collector=False)
    app = InspectorApp(settings)
    async with app.run_test(size=shot.size) as pilot:
        await _quiet(pilot, 1.0)
        for key in shot.keys:
            await pilot.press(key)
            await _quiet(pilot)
        if isinstance(app.screen, RunScreen):
            await pilot.pause(0.3)
        return app.export_screenshot(title=f"acode-tui · {root.name}")


async def _quiet(pilot: Pilot[None], seconds: float = 0.5) -> None:
    await pilot.pause(seconds)


def to_png(path: Path) -> None:
    """Make a picture for places that do not show SVG."""
    import cairosvg  # it has no types

    text = re.sub(r"@font-face \{.*?\}", "", path.read_text(), flags=re.DOTALL)
    text = re.sub(r"font-family: ?Fira Code[^;]*;", "font-family: DejaVu Sans Mono;", text)
    # This font's letters are a little narrower than those the picture was laid out for.
    text = text.replace("font-size: 20px", f"font-size: {20 * 0.61 / 0.60205:.3f}px")
    scale = 13 / 12.2  # letters are then a whole number of points wide, or columns would drift apart
    cairosvg.svg2png(bytestring=text.encode(), write_to=str(path.with_suffix(".png")), scale=scale)


if __name__ == "__main__":
    main()
