"""Makes the screenshots from the running inspector, over a workspace with real runs.

    python screenshots/make.py [--workspace DIR] [--png]

Without `--workspace` one is made: real commands, recorded by `acode exec`. Every picture is an SVG; `--png`
(needs cairosvg) makes the pictures of the README from them.
"""

from __future__ import annotations

import argparse
import asyncio
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
from collector import Workspace

HERE = Path(__file__).resolve().parent
_SESSION = "01KFDR5C9W7XYZ0PLUM42CART3"
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
_SERVER = """
import itertools, sys, time
print("\\033[1mdev server\\033[0m listening on http://127.0.0.1:8080", flush=True)
for n in itertools.count(1):
    code = 500 if n % 9 == 0 else 200
    level = "\\033[31mERROR\\033[0m" if code == 500 else "\\033[32mINFO\\033[0m "
    print(f"12:04:{n % 60:02} {level} GET /api/cart/{1000 + n} {code} in {3 + n % 17} ms", flush=True)
    time.sleep(0.05)
"""
_JSON = "import json; print(json.dumps({'lines': 94.2, 'files': ['cart.py', 'test_cart.py']}, indent=2))"


class Command(NamedTuple):
    """A command to record; one that `stays` goes on running while the pictures are taken."""

    task: str
    arguments: tuple[str, ...]
    stays: bool = False


COMMANDS = (
    Command("init", ("git", "init", "--quiet", ".")),
    Command("setup", ("python3", "-m", "pip", "--version")),
    Command("search", ("grep", "-rn", "discount", "--include=*.py", ".")),
    Command("read", ("sed", "-n", "1,14p", "cart.py")),
    Command("lint", ("python3", "-m", "compileall", "-q", ".")),
    Command("test", ("python3", "-m", "unittest", "-v", "test_cart.TotalTest.test_adds_up")),
    Command("coverage", ("python3", "-c", _JSON)),
    Command("deploy", ("make", "deploy")),
    Command("diff", ("git", "diff", "--no-index", "--stat", "cart.py", "test_cart.py")),
    Command("build", ("tar", "-czvf", "cart.tar.gz", "cart.py", "test_cart.py")),
    Command("types", ("python3", "-W", "error", "-c", "import cart; print(cart.total.__doc__)")),
    Command("health", ("python3", "-c", "import sys; sys.exit('cannot reach localhost:8080')")),
    Command("read", ("wc", "-l", "cart.py", "test_cart.py", "server.py")),
    Command("test", ("python3", "-m", "unittest", "-v")),
    Command("serve", ("python3", "-u", "server.py"), stays=True),
)


_README = ("runs", "viewer")


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
    Shot("help", (100, 40), ("question_mark",)),
    Shot("delete", (100, 26), ("j", "j", "d")),
)


def main() -> None:
    """Take every picture in both themes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workspace")
    parser.add_argument("--png", action="store_true")
    options = parser.parse_args()
    root = Path(options.workspace or "/tmp/shop")  # short, because it is in the pictures
    made = not options.workspace
    if made and root.exists():
        parser.error(f"{root} is there already; remove it")
    children = record(root) if made else []
    try:
        for theme in ("dark", "light"):
            for shot in SHOTS:
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
    for name, text in (("cart.py", _CART), ("test_cart.py", _TEST), ("server.py", _SERVER)):
        (root / name).write_text(text)
    children = []
    for command in COMMANDS:
        child = acode(root, "exec", "--task", command.task, "--session", _SESSION, "--", *command.arguments)
        if command.stays:
            children.append(child)
            time.sleep(3)
        else:
            child.wait()
    return children


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
