"""`acode doctor`: everything that recording and looking need, checked; what is wrong, and what to do."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from collector import __version__, clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import AcodeError
from collector.workspace import FOLDER, Workspace

OK, WARN, FAIL = "ok", "warn", "fail"
_FEW_BYTES = 1 << 30
_TOO_FEW_BYTES = 50 << 20
_MANY_WAITING = 1000
_EARLIEST_MS = 1_700_000_000_000  # no clock that is right says less
_SLACK_MS = 60_000


class Finding:
    """One line: how it is, what was looked at, what to do about it."""

    __slots__ = ("advice", "level", "name", "text")

    def __init__(self, level: str, name: str, text: str, advice: str = "") -> None:
        self.level = level
        self.name = name
        self.text = text
        self.advice = advice


def configure(parser: Parser) -> None:
    """Add the options of `acode doctor`."""
    parser.add_argument("--json", action="store_true", help="an array of findings")


def run(options: Namespace, context: Context) -> int:
    """Check everything; exit status 1 when something fails."""
    findings = list(check(context))
    if options.json:
        records = [{name: getattr(f, name) for name in ("level", "name", "text", "advice")} for f in findings]
        output.line(output.format_json(records))
    else:
        color = output.has_color(context.environ)
        for finding in findings:
            level = output.paint(f"{finding.level:<4}", finding.level, color)
            advice = f"; {finding.advice}" if finding.advice else ""
            output.line(f"{level}  {finding.name + ':':<11} {output.sanitize(finding.text + advice)}")
    return 1 if any(finding.level == FAIL for finding in findings) else 0


def check(context: Context) -> Iterator[Finding]:
    """Yield a finding for each thing there is to check."""
    yield Finding(OK, "acode", f"{__version__}, Python {sys.version.split()[0]}, {sys.platform}")
    yield _check_root(context)
    configuration = _check_configuration(context)
    yield configuration
    if configuration.level == FAIL:
        return
    try:
        workspace = context.workspace
    except AcodeError as error:
        yield Finding(FAIL, "workspace", error.message, error.hint)
        return
    for look in _CHECKS:
        try:
            yield look(workspace)
        except (AcodeError, OSError) as error:
            name = look.__name__.removeprefix("_check_")
            hint = error.hint if isinstance(error, AcodeError) else ""
            yield Finding(FAIL, name, error.message if isinstance(error, AcodeError) else str(error), hint)


def _check_root(context: Context) -> Finding:
    root = Path(context.root)
    if (root / FOLDER).is_dir():
        return Finding(OK, "workspace", str(root))
    if (root / ".git").exists():
        return Finding(OK, "workspace", f"{root}, by its .git; nothing recorded yet")
    advice = f"mkdir {FOLDER} where the project begins"
    return Finding(WARN, "workspace", f"{root}, for want of {FOLDER} or .git", advice)


def _check_configuration(context: Context) -> Finding:
    try:
        config = context.config
    except AcodeError as error:
        return Finding(FAIL, "settings", str(error), "")
    if not config.enabled:
        return Finding(WARN, "settings", "recording is switched off", "set runs.enabled to true")
    return Finding(OK, "settings", ", ".join(config.files) or "defaults; 'acode config init' writes a file")


def _check_writable(workspace: Workspace) -> Finding:
    folder = workspace.folder if os.path.isdir(workspace.folder) else workspace.root  # noqa: PTH112
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"cannot write to {folder}: {error.strerror}"
        return Finding(FAIL, "folder", text, "nothing can be recorded; check its permissions")
    return Finding(OK, "folder", f"{folder} can be written")


def _check_space(workspace: Workspace) -> Finding:
    place = workspace.artifacts if os.path.isdir(workspace.artifacts) else workspace.root  # noqa: PTH112
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    text = f"{output.format_size(free)} free"
    if free < _TOO_FEW_BYTES or (found.f_files and not found.f_favail):
        return Finding(FAIL, "disk", text, "free some space: output is being cut")
    return Finding(WARN, "disk", text, "free some space") if free < _FEW_BYTES else Finding(OK, "disk", text)


def _check_database(workspace: Workspace) -> Finding:
    from collector.store.database import quick_check

    if not os.path.exists(workspace.database):  # noqa: PTH110
        return Finding(OK, "database", "none yet; made when a run is recorded")
    verdict = quick_check(workspace.database)
    if verdict != "ok":
        return Finding(FAIL, "database", verdict, "'acode runs reindex' rebuilds it")
    size = os.stat(workspace.database).st_size  # noqa: PTH116
    return Finding(OK, "database", f"sound, {output.format_size(size)}")


def _check_sqlite(workspace: Workspace) -> Finding:  # noqa: ARG001, RUF100
    from collector.store.database import SAFE_WITH_SEVERAL_WRITERS, SQLITE_VERSION

    if SAFE_WITH_SEVERAL_WRITERS:
        return Finding(OK, "sqlite", SQLITE_VERSION)
    text = f"{SQLITE_VERSION}: several writers could damage a database before 3.51.3, acode has one"
    return Finding(OK, "sqlite", text)


def _check_collector(workspace: Workspace) -> Finding:
    from collector.daemon.control import collector_status

    status = collector_status(workspace)
    waiting = f", {status.pending} announcements waiting" if status.pending else ""
    if status.running:
        level = WARN if status.pending > _MANY_WAITING else OK
        advice = "'acode collector logs' says why" if level == WARN else ""
        return Finding(level, "collector", f"running (pid {status.pid}){waiting}", advice)
    text = f"not running{waiting}; whoever looks next does its work"
    return Finding(OK, "collector", text)


def _check_clock(workspace: Workspace) -> Finding:
    now = clock.now_ms()
    if now < _EARLIEST_MS:
        return Finding(FAIL, "clock", f"says {output.format_time(now)}", "set it: runs are ordered by it")
    newest = _newest_start(workspace)
    if newest is not None and newest > now + _SLACK_MS:
        text = f"says {output.format_time(now)}, but a run started {output.format_time(newest)}"
        return Finding(WARN, "clock", text, "check it: runs are ordered by it")
    return Finding(OK, "clock", output.format_time(now))


def _newest_start(workspace: Workspace) -> int | None:
    from collector.store import open_stores

    if not os.path.exists(workspace.database):  # noqa: PTH110
        return None
    runs, _ = open_stores(workspace)
    try:
        latest = runs.latest()
    finally:
        runs.close()
    return latest.start_time if latest else None


def _check_inspector(workspace: Workspace) -> Finding:  # noqa: ARG001, RUF100
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("textual")
    except PackageNotFoundError:
        return Finding(
            WARN, "inspector", "Textual is missing, acode-tui cannot start", "install acode-tui again"
        )
    return Finding(OK, "inspector", f"Textual {found}")


_CHECKS: tuple[Callable[[Workspace], Finding], ...] = (
    _check_writable, _check_space, _check_database, _check_sqlite, _check_collector, _check_clock,
    _check_inspector,
)  # fmt: skip
COMMANDS = {"doctor": Command(configure, run)}
