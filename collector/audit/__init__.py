"""The audit log: who read, exported, imported or deleted what, and when; chained, so that a change shows."""

from __future__ import annotations

from collector.audit.log import append_audit

__all__ = ["append_audit"]
