"""Every error a user can meet: one code, what happened, what to do.

Kinds say what the caller can do about an error; codes say which error it is. `ACODE-RUN-001` to `010`
and `ACODE-ART-001` to `010` keep the meaning that the source documents gave them.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "ACODE-RUN-001": "run not found",
    "ACODE-RUN-002": "artifact not found",
    "ACODE-RUN-003": "query timed out",
    "ACODE-RUN-004": "storage limit exceeded",
    "ACODE-RUN-005": "database error",
    "ACODE-RUN-006": "artifact write failed",
    "ACODE-RUN-007": "artifact corrupted: hash mismatch",
    "ACODE-RUN-008": "export failed",
    "ACODE-RUN-009": "import failed",
    "ACODE-RUN-010": "retention failed",
    "ACODE-RUN-011": "recording was cut short",
    "ACODE-RUN-012": "command not found",
    "ACODE-RUN-013": "command cannot be executed",
    "ACODE-RUN-014": "command could not be started",
    "ACODE-RUN-015": "command timed out",
    "ACODE-RUN-016": "reference matches several runs",
    "ACODE-RUN-017": "run is still running",
    "ACODE-RUN-018": "filter not understood",
    "ACODE-RUN-019": "wrong usage",
    "ACODE-RUN-020": "collector already running",
    "ACODE-RUN-021": "collector not running",
    "ACODE-RUN-022": "database is being written by another process",
    "ACODE-RUN-023": "configuration error",
    "ACODE-RUN-024": "recording is incomplete",
    "ACODE-RUN-025": "database was written by a newer acode",
    "ACODE-RUN-026": "task not defined",
    "ACODE-RUN-027": "run refused",
    "ACODE-RUN-028": "output could not be passed on",
    "ACODE-RUN-029": "tag not found",
    "ACODE-RUN-030": "run cannot be repeated",
    "ACODE-RUN-031": "editor or pager failed",
    "ACODE-RUN-032": "bundle refused",
    "ACODE-RUN-033": "signature not valid",
    "ACODE-RUN-034": "wrong key or passphrase",
    "ACODE-RUN-035": "encryption key not found",
    "ACODE-RUN-036": "audit log was altered",
    "ACODE-RUN-037": "redaction rule not understood",
    "ACODE-RUN-038": "run is not in the trash",
    "ACODE-RUN-039": "optional part not installed",
    "ACODE-RUN-040": "server cannot start",
    "ACODE-RUN-041": "request refused",
    "ACODE-RUN-042": "audit log cannot be written",
    "ACODE-AGT-001": "unknown agent",
    "ACODE-AGT-002": "settings file of an agent not understood",
    "ACODE-AGT-003": "settings file of an agent cannot be changed",
    "ACODE-AGT-004": "transcript not understood",
    "ACODE-AGT-005": "transcript cannot be read",
    "ACODE-AGT-006": "no transcript found",
    "ACODE-AGT-007": "session not found",
    "ACODE-AGT-008": "reference matches several sessions",
    "ACODE-AGT-009": "call was denied",
    "ACODE-AGT-010": "call was rejected",
    "ACODE-AGT-011": "call was interrupted",
    "ACODE-AGT-012": "call was given up by the agent",
    "ACODE-AGT-013": "call has no known end",
    "ACODE-AGT-014": "agent cannot be prepared",
    "ACODE-AGT-015": "export format unknown",
    "ACODE-AGT-016": "team not found",
    "ACODE-AGT-017": "team collected in part",
    "ACODE-ART-001": "base directory creation failed",
    "ACODE-ART-002": "run directory creation failed",
    "ACODE-ART-003": "artifact write failed",
    "ACODE-ART-004": "run name collision",
    "ACODE-ART-005": "disk space exhausted",
    "ACODE-ART-006": "permission denied",
    "ACODE-ART-007": "corrupted metadata",
    "ACODE-ART-008": "path too long",
    "ACODE-ART-009": "invalid artifact path",
    "ACODE-ART-010": "prune failed",
    "ACODE-ART-011": "artifact file missing",
    "ACODE-ART-012": "artifact content damaged",
}


class AcodeError(Exception):
    """An error for the user: `code: message; hint`, always one line."""

    exit_status = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        if code not in CODES:
            raise ValueError(f"unknown error code {code}")
        self.code = code
        self.message = message
        self.hint = hint
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        if self.hint:
            text += f"; {self.hint}"
        return " ".join(text.split())


class NotFoundError(AcodeError):
    """What was named does not exist."""


class InputError(AcodeError):
    """What was typed cannot be understood; the exit status is 2."""

    exit_status = 2


class ConflictError(AcodeError):
    """The state of things forbids it now."""


class BusyError(AcodeError):
    """Another process is at it; try again."""


class LimitError(AcodeError):
    """A limit of size, number or time was reached."""


class AccessError(AcodeError):
    """The operating system refused."""


class CorruptError(AcodeError):
    """What was stored is not what was written."""


class UnavailableError(AcodeError):
    """Something that is needed is not there."""
