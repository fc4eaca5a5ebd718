"""Where to say what goes wrong, and which of it passes."""

from __future__ import annotations

import errno
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Log = Callable[..., None]
"""Told of everything worth knowing, as `log(event, key=value…)`."""
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def ignore(event: str, **fields: Any) -> None:  # noqa: ARG001, RUF100
    """A log that nobody reads."""


def raise_if_passing(error: Exception) -> None:
    """Trouble of the machine, not of a run: what was to be done stays, to be tried again."""
    if isinstance(error, OSError) and error.errno in _PASSING:
        raise error
