"""The token of a workspace's server: 256 random bits in a file for nobody else's eyes."""

from __future__ import annotations

import os
import secrets
import stat

from collector.durable import replace_file
from collector.errors import AccessError
from collector.workspace import Workspace

_BYTES = 32
_LEAST = 32
_MOST = 4096


def token_file(workspace: Workspace) -> str:
    """Return where the token of a workspace is kept."""
    return os.path.join(workspace.folder, "serve.token")  # noqa: PTH118


def ensure_token(path: str) -> str:
    """Return the token in a file; one that is not there is made.

    Raises:
        AccessError: others may read the file, it is not this user's, it holds no token, or cannot be made.
    """
    try:
        return read_token(path)
    except FileNotFoundError:
        pass
    token = secrets.token_urlsafe(_BYTES)
    try:
        replace_file(path, f"{token}\n".encode(), mode=0o600)
    except OSError as error:
        raise AccessError("ACODE-RUN-040", f"cannot write {path}: {error.strerror}") from None
    return token


def read_token(path: str) -> str:
    """Return the token in a file.

    Raises:
        FileNotFoundError: there is none.
        AccessError: it cannot be used.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise AccessError("ACODE-RUN-040", f"cannot read {path}: {error.strerror}") from None
    try:
        status = os.fstat(fd)
        is_file = stat.S_ISREG(status.st_mode)
        text = os.read(fd, _MOST).decode("ascii", "replace").strip() if is_file else ""
    finally:
        os.close(fd)
    if not is_file or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise AccessError("ACODE-RUN-040", f"{path} is not for you alone", f"chmod 600 {path}, or remove it")
    if len(text) < _LEAST or not text.isascii() or not text.isprintable() or " " in text:
        hint = "remove it: another is made"
        raise AccessError("ACODE-RUN-040", f"{path} holds no token of at least {_LEAST} characters", hint)
    return text
