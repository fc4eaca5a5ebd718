"""What other parts of acode do for a server: the audit log, alerts, teams."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from collector.errors import UnavailableError
from collector.workspace import Workspace


def note_access(workspace: Workspace, action: str, subject: str, details: Mapping[str, object]) -> None:
    """Say in the audit log what was done. Raises UnavailableError."""
    try:
        module = import_module("collector.audit")
    except ImportError:
        return
    module.append_audit(workspace, action, subject, details)


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
