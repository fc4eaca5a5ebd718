"""What `acode doctor` looks at around `.acode`: the disk, permissions, git, the terminal, the PATH."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from collector.cli import output
from collector.cli.completion import guess_shell, install_path
from collector.cli.context import Context
from collector.cli.diagnosis import FAIL, OK, WARN, Check, Finding
from collector.workspace import FOLDER, Workspace

_FEW_BYTES = 1 << 30
_TOO_FEW_BYTES = 50 << 20
_FEW_FILES = 10_000
_UNSAFE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "vboxsf", "drvfs", "lustre", "gpfs")
_GIT_SECONDS = 5
_KEPT_IN_GIT = ("config.yml", ".gitignore")
_NARROW = 60


def check_folder(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether something can be written, and by whom."""
    folder = workspace.folder if os.path.isdir(workspace.folder) else workspace.root  # noqa: PTH112
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"cannot write to {folder}: {error.strerror}"
        yield Finding(FAIL, "folder", text, "nothing can be recorded; check its permissions")
    else:
        yield Finding(OK, "folder", f"{folder} can be written")
    yield from _permissions(workspace)


def _permissions(workspace: Workspace) -> Iterator[Finding]:
    for path in (workspace.folder, workspace.artifacts, workspace.spool, workspace.inbox, workspace.database):
        try:
            found = os.lstat(path)
        except OSError:
            continue
        if (
            found.st_mode & stat.S_IWOTH
            and not found.st_mode & stat.S_ISVTX
            and not stat.S_ISLNK(found.st_mode)
        ):
            text = f"everybody on this machine may change {path}"
            yield Finding(WARN, "permissions", text, f"chmod o-w {path}")
        if found.st_uid != os.geteuid() and os.geteuid() != 0:
            text = f"{path} belongs to another user (uid {found.st_uid})"
            yield Finding(WARN, "permissions", text, "was acode run with sudo? give it back with chown")


def check_disk(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether there is room, for bytes and for files."""
    place = workspace.artifacts if os.path.isdir(workspace.artifacts) else workspace.root  # noqa: PTH112
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    text = f"{output.format_size(free)} free"
    if free < _TOO_FEW_BYTES:
        yield Finding(FAIL, "disk", text, "free some space: output is being cut")
    else:
        level = WARN if free < _FEW_BYTES else OK
        yield Finding(level, "disk", text, "free some space" if level == WARN else "")
    if found.f_files and found.f_favail < _FEW_FILES:
        level = FAIL if not found.f_favail else WARN
        text = f"room for {found.f_favail} more files only (inodes)"
        yield Finding(level, "inodes", text, "remove what has many small files; each run needs about ten")


def check_filesystem(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether locks and shared memory can be relied on where the database lies."""
    folder = workspace.folder if os.path.isdir(workspace.folder) else workspace.root  # noqa: PTH112
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace")
    except OSError:
        return
    kind = filesystem_of(os.path.realpath(folder), mounts)
    if kind in _UNSAFE or kind.startswith("fuse"):
        text = f"{FOLDER} is on {kind}: a database in WAL mode can break there when two machines use it"
        advice = "keep the workspace on a local disk, or let one machine alone use it"
        yield Finding(WARN, "filesystem", text, advice)
    elif kind:
        yield Finding(OK, "filesystem", kind)


def filesystem_of(path: str, mountinfo: str) -> str:
    """Return the kind of file system a path is on, from the text of /proc/self/mountinfo (proc(5))."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        place = fields[4].replace("\\040", " ").rstrip("/") + "/"
        if (path + "/").startswith(place) and len(place) >= len(best):
            best, kind = place, right.split()[0]
    return kind


def check_git(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether what is recorded has got into version control."""
    import shutil
    import subprocess

    git = shutil.which("git", path=context.environ.get("PATH"))
    if git is None or not os.path.isdir(workspace.folder):  # noqa: PTH112
        return
    # A repository's own settings may name programs to run: the one that this command would call is off.
    argv = [git, "-c", "core.fsmonitor=false", "-C", workspace.root, "ls-files", "-z", "--", FOLDER]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=_GIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return
    names = done.stdout.decode("utf-8", "replace").split("\0")
    tracked = [name for name in names if name and name.removeprefix(FOLDER + "/") not in _KEPT_IN_GIT]
    if tracked:
        text = f"{len(tracked)} recorded files are in git, such as {tracked[0]}"
        yield Finding(WARN, "git", text, f"git rm -r --cached {FOLDER}/artifacts; they may hold secrets")
    elif done.returncode == 0:
        yield Finding(OK, "git", f"nothing recorded in {FOLDER} is tracked")


def check_path(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Which acode a shell starts, and whether something slow stands before it."""
    found = list(dict.fromkeys(_on_path("acode", context.environ.get("PATH", ""))))
    mine = os.path.join(os.path.dirname(sys.executable), "acode")  # noqa: PTH118, PTH120
    if not found:
        advice = "add its folder to PATH, so that hooks, agents and completion find it"
        yield Finding(WARN, "path", "no acode is on the PATH", advice)
    elif is_slow_stand_in(found[0]):
        text = f"{found[0]} is a stand-in that looks for acode each time: every recorded command waits for it"
        yield Finding(WARN, "path", text, "put the folder of the real acode before it on the PATH")
    elif os.path.exists(mine) and not os.path.samefile(found[0], mine):  # noqa: PTH110, PTH121
        yield Finding(
            WARN, "path", f"a shell starts {found[0]}, this is {mine}", "remove one, or change the PATH"
        )
    else:
        yield Finding(OK, "path", found[0])


def _on_path(name: str, path: str) -> Iterator[str]:
    for folder in path.split(os.pathsep):
        file = os.path.join(folder, name)  # noqa: PTH118
        if folder and os.access(file, os.X_OK) and os.path.isfile(file):  # noqa: PTH113
            yield file


def is_slow_stand_in(path: str) -> bool:
    """Tell whether a file is the shim of a version manager, which is a shell script that starts others."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            head = file.read(512)
    except OSError:
        return False
    return head.startswith(b"#!") and any(word in head for word in (b"pyenv", b"asdf", b"rtx ", b"mise "))


def check_terminal(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether the inspector can be shown as it is meant."""
    environ = context.environ
    encoding = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    term = environ.get("TERM", "")
    if term in ("", "dumb"):
        yield Finding(OK, "terminal", f"TERM is {term or 'not set'}: no colours, no pager, no inspector")
        return
    if "utf" not in encoding.lower():
        text = f"the locale ({encoding or 'none'}) is not UTF-8: other programs may show names wrong"
        yield Finding(WARN, "terminal", text, "export LANG=C.UTF-8")
        return
    size, narrow = _size()
    colors = "no colours" if environ.get("NO_COLOR") else environ.get("COLORTERM") or "256 colours or fewer"
    advice = "make it wider: the inspector needs 80 columns" if narrow else ""
    yield Finding(WARN if narrow else OK, "terminal", f"{term}, {encoding}, {colors}{size}", advice)


def _size() -> tuple[str, bool]:
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:
        return "", False
    return f", {columns} by {rows}", 0 < columns < _NARROW


def check_completion(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether the user's shell completes acode; a hint, never a warning."""
    shell = guess_shell(context.environ)
    path = install_path(shell, context.environ) if shell else None
    if path is not None and os.path.exists(path):  # noqa: PTH110
        yield Finding(OK, "completion", f"installed for {shell}")
    elif shell is not None:
        yield Finding(
            OK, "completion", f"'acode completion --install' lets {shell} complete runs and options"
        )


def check_inspector(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether acode-tui can start."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        yield Finding(OK, "inspector", f"Textual {version('textual')}")
    except PackageNotFoundError:
        text = "Textual is missing, acode-tui cannot start"
        yield Finding(WARN, "inspector", text, "install acode-tui again")


CHECKS: tuple[Check, ...] = (
    check_folder, check_disk, check_filesystem, check_git, check_path, check_terminal, check_completion,
    check_inspector,
)  # fmt: skip
