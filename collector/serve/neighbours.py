"""What somebody should look at, as the collector has noted it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from collector.workspace import Workspace


def alerts(workspace: Workspace) -> list[dict[str, Any]]:
    """Return what somebody should look at."""
    try:
        found = import_module("collector.retention").list_alerts(workspace)
    except (ImportError, AttributeError):
        return []
    return [{"code": item.code, "message": item.message, "since": item.since_ms} for item in found]
