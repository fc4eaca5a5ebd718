"""Reading a file that should hold one JSON object, wherever it comes from."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read_object(path: str, max_bytes: int) -> dict[str, Any] | None:
    """Return the object in a file; None when there is none, or more bytes than that.

    No link is followed and no pipe waited for.
    """
    import json

    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            data = file.read(max_bytes + 1)
        value = json.loads(data) if len(data) <= max_bytes else None
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
