"""Settings files of agents on the disk: read, changed atomically, and given back as they were.

What a file was before us is remembered below the user's configuration folder (`acode/hooks/`), one JSON
file for each settings file, readable by its owner only. When a settings file is still as we left it, its
old bytes are put back; when somebody changed it since, only our entries are taken out. A settings file
that is a symbolic link stays one: what it points to is changed.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from collector.agents import hook_merge, opencode_plugin
from collector.agents.hook_merge import Found, Wanted
from collector.agents.hooks import Integration
from collector.agents.json_edit import JsonError, line_and_column
from collector.durable import replace_file, unlink_quietly
from collector.errors import AccessError, CorruptError

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """What a settings file was before us (None: not there), and what we left.

    `left` is the SHA-256 of what we wrote, `folders` are those we made, the outermost first.
    """

    original: bytes | None
    left: str
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with a settings file: bytes before and after, None where there is no file."""

    path: Path
    before: bytes | None
    after: bytes | None
    memory: Memory | None = None

    @property
    def is_none(self) -> bool:
        """Tell whether there is nothing to do."""
        return self.before == self.after


class Memories:
    """Where it is remembered what settings files were before us.

    Args:
        environ: says where the user's configuration is; without a home folder nothing is remembered.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        home = environ.get("HOME")
        base = environ.get("XDG_CONFIG_HOME") or (str(Path(home, ".config")) if home else None)
        self._folder = Path(base, "acode", "hooks") if base else None

    def _path(self, settings: Path) -> Path | None:
        if self._folder is None:
            return None
        name = hashlib.sha256(os.fsencode(settings)).hexdigest()[:24]
        return self._folder / f"{name}.json"

    def find(self, settings: Path) -> Memory | None:
        """Return what is remembered of a settings file; None when nothing is, or nothing readable."""
        path = self._path(settings)
        try:
            record = json.loads(path.read_bytes()) if path else {}
            if record.get("path") != str(settings):
                return None
            original = record["original"]
            return Memory(
                None if original is None else base64.b64decode(original, validate=True),
                str(record["left"]),
                tuple(str(folder) for folder in record["folders"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(self, settings: Path, memory: Memory) -> bool:
        """Remember; False when there is no place for it."""
        path = self._path(settings)
        if path is None:
            return False
        original = None if memory.original is None else base64.b64encode(memory.original).decode()
        record = {
            "schema_version": SCHEMA_VERSION, "path": str(settings), "original": original,
            "left": memory.left, "folders": list(memory.folders),
        }  # fmt: skip
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(str(path), json.dumps(record).encode(), mode=0o600)
        except (OSError, UnicodeEncodeError):
            return False
        return True

    def forget(self, settings: Path) -> None:
        """Remember nothing any more."""
        path = self._path(settings)
        if path is not None:
            unlink_quietly(str(path))


def resolve(path: Path) -> Path:
    """Return the file to change: where a link leads, else the path itself."""
    return Path(os.path.realpath(path))


def read(path: Path) -> bytes | None:
    """Return a settings file, None when there is none.

    Raises:
        AccessError: it cannot be read, or is no file.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise _refused(path, "is not a file")
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    finally:
        os.close(fd)


def find(integration: Integration, path: Path) -> Found:
    """Return what of ours is in a settings file.

    Raises:
        AccessError: it cannot be read.
        CorruptError: it is not understood, by us or by the agent.
    """
    data = read(path)
    if data is None:
        return Found()
    if integration.agent == "opencode":
        return opencode_plugin.find(data)
    with _Understood(path, data) as text:
        hook_merge.require_readable(text, integration)
        return hook_merge.find(text)


def plan_install(wanted: Wanted, path: Path, memories: Memories) -> Change:
    """Return what installs the hooks; nothing to do when they are there.

    Raises:
        AccessError: the file cannot be read or is somebody else's.
        CorruptError: it is not understood, by us or by the agent, and left alone.
    """
    target = resolve(path)
    data = read(target)
    memory = memories.find(target)
    if wanted.integration.agent == "opencode":
        return _plan_plugin(wanted, target, data, memory)
    if data is not None:
        with _Understood(path, data) as text:
            hook_merge.require_readable(text, wanted.integration)
            if hook_merge.find(text).is_complete(wanted):
                return Change(target, data, data)
    original = _without_ours(wanted.integration, path, data, memory)
    with _Understood(path, original or b"") as text:
        after = hook_merge.install(text, wanted).encode()
    return Change(target, data, after, _remember(target, original, after, memory))


def _plan_plugin(wanted: Wanted, target: Path, data: bytes | None, memory: Memory | None) -> Change:
    if data is not None and not opencode_plugin.find(data):
        raise _refused(target, "is not acode's", "rename it")
    after = opencode_plugin.source(wanted.hook).encode()
    return Change(target, data, after, _remember(target, None, after, memory))


def _remember(target: Path, original: bytes | None, after: bytes, memory: Memory | None) -> Memory:
    made = [str(folder) for folder in reversed(target.parents) if not folder.exists()]
    folders = (*(memory.folders if memory else ()), *made)
    return Memory(original, _digest(after), tuple(dict.fromkeys(folders)))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _without_ours(
    integration: Integration, path: Path, data: bytes | None, memory: Memory | None
) -> bytes | None:
    """Return what a settings file is without our entries, None for no file."""
    if data is None:
        return None
    if memory is not None and _digest(data) == memory.left:
        return memory.original
    original = None if memory is None else (memory.original or b"").decode("utf-8", "replace")
    with _Understood(path, data) as text:
        if not hook_merge.find(text):
            return data
        left = hook_merge.uninstall(text, original, integration)
        was_not_there = memory.original is None if memory else integration.private
        return None if was_not_there and hook_merge.is_empty(left) else left.encode()


def plan_uninstall(integration: Integration, path: Path, memories: Memories) -> Change:
    """Return what takes the hooks out.

    Raises:
        AccessError: the file cannot be read.
        CorruptError: it is not understood, and left alone.
    """
    target = resolve(path)
    data = read(target)
    memory = memories.find(target)
    if data is not None and integration.agent == "opencode":
        return Change(target, data, None if opencode_plugin.find(data) else data, memory)
    return Change(target, data, _without_ours(integration, path, data, memory), memory)


def apply_install(change: Change, memories: Memories) -> bool:
    """Do it; False when it could not be remembered what the file was.

    Raises:
        AccessError: the file cannot be changed; it is as it was.
    """
    if change.is_none or change.after is None:
        return True
    remembered = change.memory is not None and memories.put(change.path, change.memory)
    try:
        change.path.parent.mkdir(parents=True, exist_ok=True)
        _replace(change.path, change.after, change.before is not None)
    except OSError as error:
        if change.before is None and change.memory is not None:
            _remove_folders(change.memory.folders)
        raise _refused(change.path, f"cannot be changed: {error.strerror}") from None
    return remembered


def apply_uninstall(change: Change, memories: Memories) -> None:
    """Do it, and forget what the file was.

    Raises:
        AccessError: the file cannot be changed; it is as it was.
    """
    try:
        if change.after is None and change.before is not None:
            change.path.unlink()
        elif change.after is not None and not change.is_none:
            _replace(change.path, change.after, True)
    except OSError as error:
        raise _refused(change.path, f"cannot be changed: {error.strerror}") from None
    if change.after is None and change.memory is not None:
        _remove_folders(change.memory.folders)
    memories.forget(change.path)


def _replace(path: Path, data: bytes, existed: bool) -> None:
    """Replace a file atomically; mode and owner stay."""
    if not existed:
        replace_file(str(path), data)
        return
    was = path.stat()
    if not os.access(path, os.W_OK):
        raise PermissionError(13, "Permission denied", str(path))
    replace_file(str(path), data, mode=stat.S_IMODE(was.st_mode))
    now = path.stat()
    if (now.st_uid, now.st_gid) != (was.st_uid, was.st_gid):
        with contextlib.suppress(OSError):
            os.chown(path, was.st_uid, was.st_gid)
    if stat.S_IMODE(now.st_mode) != stat.S_IMODE(was.st_mode):
        path.chmod(stat.S_IMODE(was.st_mode))


def _remove_folders(folders: tuple[str, ...]) -> None:
    """Remove folders that we made, as far as they are empty."""
    for folder in reversed(folders):
        try:
            Path(folder).rmdir()
        except OSError:
            return


class _Understood:
    """Decodes a settings file, and says where it is not understood."""

    def __init__(self, path: Path, data: bytes) -> None:
        self._path = path
        self._data = data

    def __enter__(self) -> str:
        try:
            return self._data.decode()
        except UnicodeDecodeError as error:
            before = self._data[: error.start].decode()
            raise self._error(*line_and_column(before, len(before)), "is not UTF-8") from None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, JsonError):
            raise self._error(error.line, error.column, error.message) from None

    def _error(self, line: int, column: int, message: str) -> CorruptError:
        where = f"{self._path}:{line}:{column}"
        return CorruptError("ACODE-AGT-002", f"{where}: {message}", "nothing was changed; correct that line")


def _refused(path: Path, message: str, hint: str = "check its permissions") -> AccessError:
    return AccessError("ACODE-AGT-003", f"{path} {message}", hint)
