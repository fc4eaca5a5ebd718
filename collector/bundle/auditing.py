"""Until audit lands."""

from __future__ import annotations

from collections.abc import Mapping

from collector.workspace import Workspace


def append_audit(
    workspace: Workspace, action: str, subject: str = "", details: Mapping[str, object] | None = None
) -> None:
    """Nothing yet."""
