"""`acode collector run|start|ensure|stop|status|logs`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from collector import clock
from collector.cli.output import sanitize
from collector.config import load_config
from collector.daemon import control
from collector.errors import InputError
from collector.workspace import Workspace, find_root

HELP = """\
usage: acode collector VERB [OPTIONS]

The daemon that indexes runs as they start and end; it starts by itself where it is useful.

  run [--idle-exit]        run in the foreground until Ctrl-C
  start                    start in the background
  ensure                   start in the background unless it runs or must not start by itself; says nothing
  stop                     stop, and wait until it has
  status [--json]          whether it runs, since when, what waits for it
  logs [--tail N] [--follow] [--json]
                           what it did

Each takes --workspace DIR.
"""
_DEFAULT_TAIL = 50


def main(argv: list[str], workspace: str | None = None) -> int:
    """Run one verb; returns the exit status."""
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(HELP)
        return 0
    root, rest = _root(argv[1:], workspace)
    if argv[0] == "ensure":
        return _ensure(root, rest)
    verbs = {"run": _run, "start": _start, "stop": _stop, "status": _status, "logs": _logs}
    verb = verbs.get(argv[0])
    if verb is None:
        known = ", ".join(["ensure", *verbs])
        raise InputError("ACODE-RUN-019", f"unknown verb {argv[0]!r}", f"use one of {known}")
    config = load_config(root, dict(os.environ))
    return verb(Workspace(root, config.artifacts_directory), rest)


def _root(argv: list[str], given: str | None) -> tuple[str, list[str]]:
    """Return the workspace's folder, and the options without the one that names it."""
    rest = list(argv)
    for index, word in enumerate(rest):
        name, equals, value = word.partition("=")
        if name == "--workspace":
            if not equals and not rest[index + 1 :]:
                raise InputError(
                    "ACODE-RUN-019", "--workspace needs a folder", "see 'acode collector --help'"
                )
            given = value if equals else rest.pop(index + 1)
            del rest[index]
            break
    return os.path.abspath(given or find_root(str(Path.cwd()), os.environ)), rest  # noqa: PTH100


def _options(argv: list[str], *known: str) -> dict[str, str]:
    """Parse the few options these verbs have: flags, and `--tail N`."""
    found: dict[str, str] = {}
    rest = list(argv)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name not in known:
            raise InputError("ACODE-RUN-019", f"unknown option {name!r}", "see 'acode collector --help'")
        if name == "--tail" and not equals:
            value = rest.pop(0) if rest else ""
        if name == "--tail" and not value.isdigit():
            raise InputError("ACODE-RUN-019", "--tail needs a number", "for example --tail 20")
        found[name] = value
    return found


def _run(workspace: Workspace, argv: list[str]) -> int:
    from collector.daemon.loop import main as run_loop

    options = _options(argv, "--idle-exit")
    return run_loop([workspace.root, *([] if "--idle-exit" in options else ["--keep-running"])])


def _start(workspace: Workspace, argv: list[str]) -> int:
    _options(argv)
    status = control.start_collector(workspace)
    sys.stdout.write(f"collector started (pid {status.pid}) for {sanitize(workspace.root)}\n")
    return 0


def _ensure(root: str, argv: list[str]) -> int:
    """For hooks: whatever the settings say, not a word, and no time lost."""
    from collector.daemon.launch import ensure_collector

    _options(argv)
    ensure_collector(Workspace(root))
    return 0


def _stop(workspace: Workspace, argv: list[str]) -> int:
    _options(argv)
    pid = control.stop_collector(workspace)
    sys.stdout.write(f"collector stopped (pid {pid})\n")
    return 0


def _status(workspace: Workspace, argv: list[str]) -> int:
    options = _options(argv, "--json")
    from collector.retention.alerts import list_alerts

    status = control.collector_status(workspace)
    alerts = list_alerts(workspace)
    started = None if status.started_at is None else clock.format_iso(status.started_at)
    if "--json" in options:
        record = {
            "running": status.running, "pid": status.pid, "started_at": started,
            "version": status.version, "pending": status.pending, "log": status.log,
            "workspace": workspace.root,
            "alerts": [
                {"code": a.code, "message": a.message, "since": clock.format_iso(a.since_ms)} for a in alerts
            ],
        }  # fmt: skip
        sys.stdout.write(json.dumps(record, indent=2) + "\n")
        return 0
    state = f"running (pid {status.pid}, since {started})" if status.running else "not running"
    lines = [f"collector: {state}", f"workspace: {workspace.root}", f"waiting:   {status.pending}"]
    lines += [f"alert:     {a.code}: {a.message} (since {clock.format_iso(a.since_ms)})" for a in alerts]
    sys.stdout.write("".join(sanitize(line) + "\n" for line in lines))
    return 0


def _logs(workspace: Workspace, argv: list[str]) -> int:
    options = _options(argv, "--tail", "--follow", "--json")
    show = sanitize if "--json" in options else _as_text
    path = Path(workspace.collector_log)
    position = 0
    if path.exists():
        lines = path.read_text("utf-8", "replace").splitlines()
        position = path.stat().st_size
        for line in lines[-int(options.get("--tail") or _DEFAULT_TAIL) :]:
            sys.stdout.write(show(line) + "\n")
    sys.stdout.flush()
    while "--follow" in options:
        time.sleep(0.2)
        position = _print_from(path, position, show)
    return 0


def _print_from(path: Path, position: int, show: Callable[[str], str]) -> int:
    if not path.exists():
        return 0
    size = path.stat().st_size
    with path.open(encoding="utf-8", errors="replace") as file:
        file.seek(position if position <= size else 0)
        for line in file:
            sys.stdout.write(show(line.rstrip("\n")) + "\n")
        sys.stdout.flush()
        return file.tell()


def _as_text(line: str) -> str:
    try:
        entry = json.loads(line)
        details = " ".join(f"{key}={value}" for key, value in entry.items() if key not in ("time", "event"))
        return sanitize(f"{entry['time']}  {entry['event']:20} {details}")
    except (ValueError, KeyError, TypeError, AttributeError):
        return sanitize(line)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
