"""`acode demo`: a temporary workspace with real recorded commands, and the inspector on it.

Everything it runs is a shell script or a Python file that it writes there itself, so it works on any
machine and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID253 - the demo is about starting processes
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from collector.cli import output
from collector.cli.context import Context
from collector.cli.demo_files import FILES, RUNS
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import AcodeError, UnavailableError

_START = "import os, sys; sys.path[:] = sys.argv.pop(1).split(os.pathsep); "
_EXEC = _START + "from collector.cli.exec import main; os._exit(main(sys.argv[1:]))"
_TUI = _START + "from acode_tui.__main__ import main; sys.exit(main(sys.argv[1:]))"
_FIRST_RUN_SECONDS = 10.0
_ALL_RUNS_SECONDS = 60.0
_REMOVE_SECONDS = 5.0


def configure(parser: Parser) -> None:
    """Add the options of `acode demo`."""
    parser.add_argument("--no-open", action="store_true", help="record, say where, and keep everything")
    parser.add_argument("--keep", action="store_true", help="keep the workspace when the inspector ends")


def run(options: Namespace, context: Context) -> int:
    """Record the demo, and look at it."""
    root = Path(tempfile.mkdtemp(prefix="acode-demo-"))
    write_files(root)
    running = [start(root, arguments, context) for arguments in RUNS]
    if options.no_open:
        return _announce(root, running)
    if not (os.isatty(0) and output.is_terminal()):
        output.note("acode: no terminal to open the inspector in; see --no-open")
        return _announce(root, running)
    try:
        _wait_for_first(root)
        return _open_inspector(root, context)
    finally:
        _end(running)
        _clean_up(root, options.keep)


def write_files(root: Path) -> None:
    """Write the small project that the demo works on."""
    (root / ".acode").mkdir()
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "bin").mkdir()
    (root / "bin" / "python3").symlink_to(sys.executable)


def start(root: Path, arguments: Sequence[str], context: Context) -> subprocess.Popen[bytes]:
    """Record one command in the background, as `acode exec` does."""
    environ = {name: value for name, value in context.environ.items() if not name.startswith("ACODE_")}
    environ.pop("ARTIFACTS_DIR", None)
    environ |= {"ACODE_WORKSPACE": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    environ["PATH"] = f"{root / 'bin'}{os.pathsep}{environ.get('PATH', os.defpath)}"
    return subprocess.Popen(
        [*_python(_EXEC), *arguments],
        cwd=root, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _python(code: str) -> list[str]:
    """Start the interpreter that runs this, with the import path it has."""
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    return [sys.executable, "-I", "-S", "-c", code, path]


def _announce(root: Path, running: Sequence[subprocess.Popen[bytes]]) -> int:
    """Wait for the commands that end, and say where everything is; the last one goes on."""
    deadline = time.monotonic() + _ALL_RUNS_SECONDS
    for process in running[:-1]:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            output.note("acode: some of the demo's commands take long; they go on")
            break
    for process in running:
        process.returncode = process.returncode or 0  # what still runs is not ours to wait for
    output.line(str(root))
    output.note(f"look at it: acode-tui --workspace {root}")
    return 0


def _wait_for_first(root: Path) -> None:
    """Wait until there is something to show."""
    deadline = time.monotonic() + _FIRST_RUN_SECONDS
    while time.monotonic() < deadline:
        if any((root / ".acode" / "artifacts").glob("*/run.json")):
            return
        time.sleep(0.02)
    raise UnavailableError("ACODE-RUN-024", "the demo could not be recorded", "run 'acode doctor'")


def _open_inspector(root: Path, context: Context) -> int:
    environ = {**context.environ, "ACODE_WORKSPACE": str(root)}
    return subprocess.call([*_python(_TUI), "--workspace", str(root)], env=environ)


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in running:
        if process.poll() is None:
            process.terminate()
    for process in running:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _clean_up(root: Path, keep: bool) -> None:
    """Remove the workspace; a collector that is just starting may still put files into it."""
    from collector.daemon.control import stop_collector
    from collector.workspace import Workspace

    deadline = time.monotonic() + _REMOVE_SECONDS
    while True:
        with suppress(AcodeError):  # it may not be running
            stop_collector(Workspace(str(root)))
        if keep:
            output.note(f"the demo's workspace is {root}")
            return
        shutil.rmtree(root, ignore_errors=True)
        if not root.exists() or time.monotonic() > deadline:
            return
        time.sleep(0.05)


COMMANDS = {"demo": Command(configure, run)}
