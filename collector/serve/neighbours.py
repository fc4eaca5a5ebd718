"""What other parts of acode do for a server: alerts, teams."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from collector.errors import UnavailableError
from collector.workspace import Workspace


def alerts(workspace: Workspace) -> list[dict[str, Any]]:
    """Return what somebody should look at."""
    try:
        found = import_module("collector.retention").list_alerts(workspace)
    except (ImportError, AttributeError):
        return []
    return [{"code": item.code, "message": item.message, "since": item.since_ms} for item in found]


def teams() -> Any:
    """Return what collects teams. Raises UnavailableError."""
    try:
        return import_module("collector.agents.teams")
    except ImportError:
        raise UnavailableError("ACODE-RUN-039", "teams cannot be collected by this version") from None
