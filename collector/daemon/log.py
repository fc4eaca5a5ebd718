"""The collector's log: one JSON object a line, kept within bounds."""

from __future__ import annotations

import json
import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

from collector.clock import format_iso, now_ms
from collector.workspace import Workspace

if TYPE_CHECKING:
    from collector.redaction import Rules

_MAX_BYTES = 2 << 20


class _OwnFile(RotatingFileHandler):
    """Follows no link and waits for no pipe: what lies in a workspace may come from anywhere."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        return open(os.open(self.baseFilename, flags, 0o644), "a", encoding=self.encoding)


class EventLog:
    """Writes events with their fields; a full disk silences it, and nothing else.

    Args:
        workspace: whose.
        secrets: what must not be in it; None for anything.
    """

    def __init__(self, workspace: Workspace, secrets: Rules | None = None) -> None:
        self._secrets = secrets
        self._logger = logging.getLogger("acode.collector")
        handler = _OwnFile(
            workspace.collector_log,
            maxBytes=_MAX_BYTES,
            backupCount=1,
            encoding="utf-8",
            delay=True,
        )
        handler.setFormatter(logging.Formatter("%(message)s"))
        handler.handleError = lambda record: None  # type: ignore[method-assign]
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(handler)

    def __call__(self, event: str, **fields: Any) -> None:
        """Write one event; `run_id` is the field that correlates."""
        line = {"time": format_iso(now_ms()), "event": event, **self._told(fields)}
        self._logger.info("%s", json.dumps(line, ensure_ascii=True, default=str))

    def _told(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self._secrets is None:
            return fields
        from collector.record.redacting import mask_value

        masked: dict[str, Any] = mask_value(
            {name: value if isinstance(value, int | None) else str(value) for name, value in fields.items()},
            self._secrets,
        )
        return masked
