"""The files of the audit log: `.acode/audit.jsonl` and the full ones before it; appended to by any process.

A lock makes the chain one. Every entry is durable before this returns, but for those of mere reading. A line
that a crash cut short stays where it is, and the next entry vouches for it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
import time

from collector import clock, durable
from collector.audit.entries import MAX_LINE_BYTES, Link, format_entry, parse_entry, torn_hash
from collector.config import Config, load_config
from collector.errors import AcodeError, UnavailableError
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

ACCESS = "access"
ACTIONS = (
    ACCESS, "export", "import", "delete", "restore", "cleanup", "redaction.off", "key.create", "key.rotate",
    "key.remove", "corrupt", "collect", "serve", "checkpoint",
)  # fmt: skip
FILE = "audit.jsonl"
MAX_FILE_BYTES = 16 << 20
_MAX_TEXT = 8 << 10
_TRIES = 20
_PAUSE_SECONDS = 0.005
_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def append_audit(
    workspace: Workspace,
    action: str,
    subject: str = "",
    details: Mapping[str, object] | None = None,
    config: Config | None = None,
) -> None:
    """Add an entry, if the settings want it; who and when are added.

    Args:
        workspace: whose log.
        action: one of `ACTIONS`.
        subject: what it was done to: a run, a file.
        details: more about it; what JSON cannot hold becomes text.
        config: the settings, where the caller has them.

    Raises:
        UnavailableError: it cannot be written; never for mere reading.
    """
    try:
        if _is_wanted(action, config or _config_of(workspace)):
            _append(workspace, _fields(action, subject, details or {}), sync=action != ACCESS)
    except OSError as error:
        if action != ACCESS:
            why = error.strerror or str(error)
            raise UnavailableError(
                "ACODE-RUN-042", f"the audit log cannot be written: {why}", f"see {path_of(workspace)}"
            ) from error


def path_of(workspace: Workspace) -> str:
    """Return the file that is being written."""
    return os.path.join(workspace.folder, FILE)


def iter_lines(workspace: Workspace) -> Iterator[tuple[str, int, bytes]]:
    """Yield file name, line number and line, oldest first; a line without end that is too long comes in part.

    Raises:
        OSError: a file cannot be read.
    """
    for name in list_files(workspace):
        with os.fdopen(os.open(os.path.join(workspace.folder, name), os.O_RDONLY | _FLAGS), "rb") as file:
            number = 0
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                yield name, number, line


def iter_entries(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """Yield the entries that can be read, oldest first. Raises OSError."""
    for _, _, line in iter_lines(workspace):
        try:
            yield parse_entry(line)
        except ValueError:
            continue


def list_files(workspace: Workspace) -> list[str]:
    """Return the names of the log's files, oldest first; none when nothing was ever logged."""
    try:
        names = os.listdir(workspace.folder)
    except FileNotFoundError:
        return []
    full = sorted(name for name in names if _is_full_file(name))
    return [*full, FILE] if FILE in names else full


def _is_full_file(name: str) -> bool:
    number = name.removeprefix("audit-").removesuffix(".jsonl")
    return name == f"audit-{number}.jsonl" and len(number) == 12 and number.isdigit()


def _is_wanted(action: str, config: Config) -> bool:
    return bool(config.get("audit.enabled")) and (action != ACCESS or bool(config.get("audit.access")))


def _config_of(workspace: Workspace) -> Config:
    """A mistake in the settings must not keep anything out of the log."""
    try:
        return load_config(workspace.root, dict(os.environ))
    except AcodeError:
        return Config({})


def _fields(action: str, subject: str, details: Mapping[str, object]) -> dict[str, Any]:
    return {
        "time": clock.format_iso(clock.now_ms()),
        "user": _user_name(),
        "uid": os.getuid(),
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "program": _program(),
        "action": action,
        "subject": _plain(subject),
        "details": {str(name): _plain(value) for name, value in details.items()},
    }


def _program() -> str:
    """Return the name of this program; acode's own are started as `python -c`, which says nothing."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    if name not in ("", "-c", "-m", "__main__.py"):
        return name
    if "acode_tui" in sys.modules:
        return "acode-tui"
    return "collector" if "collector.daemon.loop" in sys.modules else "acode"


def _user_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def _plain(value: object) -> object:
    """Return a value that JSON can hold, and not too much of it."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value[:100]]
    text = str(value).encode("utf-8", "replace").decode()
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"


def _append(workspace: Workspace, fields: dict[str, Any], sync: bool) -> None:
    lock = os.open(os.path.join(workspace.folder, "audit.lock"), os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
    try:
        _lock(lock, patient=sync)
        path = path_of(workspace)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _FLAGS, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file")
            last, torn = _tail(workspace, fd)
            if torn:
                fields["details"] |= {"torn": torn_hash(torn)}
            line = format_entry(fields, last)
            durable.write_all(fd, b"\n" + line if torn else line)
            if sync:
                durable.sync_descriptor(fd)
            is_full = os.fstat(fd).st_size > MAX_FILE_BYTES
        finally:
            os.close(fd)
        if is_full:
            full = os.path.join(workspace.folder, f"audit-{last.seq + 1:012d}.jsonl")
            durable.move(path, full)
    finally:
        os.close(lock)


def _lock(fd: int, patient: bool) -> None:
    """Take the lock; who only reads does not wait for somebody who was stopped while holding it.

    Raises:
        OSError: somebody else keeps it.
    """
    if patient:
        fcntl.flock(fd, fcntl.LOCK_EX)
        return
    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return
    raise BlockingIOError(errno.EAGAIN, "the audit log is locked")


def _tail(workspace: Workspace, fd: int) -> tuple[Link, bytes]:
    """Return where the chain is, and the beginning of a line that a crash left at the end.

    Where somebody has destroyed the end, the chain goes on behind what is left, and verifying tells.
    """
    size = os.fstat(fd).st_size
    data = os.pread(fd, 2 * MAX_LINE_BYTES, max(0, size - 2 * MAX_LINE_BYTES))
    *lines, torn = data.split(b"\n")
    return _last_link(lines) or _link_before(workspace), torn


def _link_before(workspace: Workspace) -> Link:
    """Return where the chain was when the last full file was closed."""
    full = [name for name in list_files(workspace) if name != FILE]
    if not full:
        return Link()
    with os.fdopen(os.open(os.path.join(workspace.folder, full[-1]), os.O_RDONLY | _FLAGS), "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * MAX_LINE_BYTES))
        return _last_link(file.read().split(b"\n")) or Link()


def _last_link(lines: list[bytes]) -> Link | None:
    for line in reversed(lines):
        try:
            entry = parse_entry(line)
        except ValueError:
            continue
        return Link(entry["seq"], entry["hash"])
    return None
