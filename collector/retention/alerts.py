"""What somebody should know without asking: kept by the collector, read by whoever shows it.

An alert is said once in the log when it begins and once when it ends, and stands in `alerts.json` meanwhile.
"""

from __future__ import annotations

import json

from collector import durable
from collector.model.frozen import dataclass
from collector.record.json_file import read_object
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.store.trouble import Log

STORAGE, RETENTION, DISK, AUDIT = "storage", "retention", "disk", "audit"
"""What can be wrong: the store is over its limit, cleaning up failed, the disk is nearly full, the audit log
cannot be written."""
CODES = {
    STORAGE: "ACODE-RUN-004", RETENTION: "ACODE-RUN-010", DISK: "ACODE-ART-005", AUDIT: "ACODE-RUN-042",
}  # fmt: skip
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is wrong: its error code, a sentence, since when in milliseconds since 1970."""

    code: str
    message: str
    since_ms: int


def list_alerts(workspace: Workspace) -> tuple[Alert, ...]:
    """Return what is wrong, as the collector saw it last; nothing where the file is missing or damaged."""
    try:
        found = (read_object(workspace.alerts, _MAX_BYTES) or {})["alerts"]
        return tuple(Alert(str(a["code"]), str(a["message"]), int(a["since_ms"])) for a in found)
    except (ValueError, TypeError, LookupError):
        return ()


class Alerts:
    """The alerts of a workspace, for the one process that keeps them.

    Args:
        workspace: whose.
        log: told when one begins, and when one ends.
    """

    def __init__(self, workspace: Workspace, log: Log) -> None:
        self._workspace = workspace
        self._log = log
        self._known = {alert.code: alert for alert in list_alerts(workspace)}

    def update(self, wrong: Mapping[str, str], now_ms: int) -> None:
        """Say what is wrong now.

        Args:
            wrong: a sentence for each thing that is, by what it is.
            now_ms: since when, for what was not wrong before.
        """
        after = {}
        for kind, message in wrong.items():
            code = CODES[kind]
            known = self._known.get(code)
            after[code] = Alert(code, message, known.since_ms if known else now_ms)
        begun, ended = after.keys() - self._known.keys(), self._known.keys() - after.keys()
        if after == self._known:
            return
        self._known = after
        self._write()
        for code in sorted(begun):
            self._log("alert.begun", code=code, message=after[code].message)
        for code in sorted(ended):
            self._log("alert.ended", code=code)

    def _write(self) -> None:
        """On a full disk there is one alert that cannot be written down: the log has it, at least."""
        if not self._known:
            durable.unlink_quietly(self._workspace.alerts)
            return
        alerts = [
            {"code": a.code, "message": a.message, "since_ms": a.since_ms} for a in self._known.values()
        ]
        try:
            data = json.dumps({"alerts": alerts}).encode()
            durable.replace_file(self._workspace.alerts, data, sync=False)
        except OSError as error:
            self._log("alerts.unwritten", error=str(error))
