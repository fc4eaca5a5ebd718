"""Errors as HTTP has them: a status, and a body that says what every error of acode says."""

from __future__ import annotations

from collections.abc import Mapping

from collector.errors import (
    AccessError,
    AcodeError,
    BusyError,
    ConflictError,
    InputError,
    LimitError,
    NotFoundError,
    UnavailableError,
)

CODE = "ACODE-RUN-041"
_STATUS = {
    "ACODE-ART-011": 410, "ACODE-ART-009": 409, "ACODE-ART-005": 507, "ACODE-RUN-003": 504,
    "ACODE-RUN-023": 500, "ACODE-RUN-039": 501,
}  # fmt: skip
_KINDS: tuple[tuple[type[AcodeError], int], ...] = (
    (NotFoundError, 404), (InputError, 400), (ConflictError, 409), (BusyError, 503), (LimitError, 413),
    (UnavailableError, 503), (AccessError, 500),
)  # fmt: skip


class Refusal(Exception):
    """A request that is not served: its status, what its sender is told, and headers."""

    def __init__(
        self, status: int, message: str, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = CODE
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})


def refusal_of(error: Exception) -> Refusal:
    """Return what is told of an error; of one that nobody foresaw only its kind."""
    if isinstance(error, Refusal):
        return error
    if not isinstance(error, AcodeError):
        known = AcodeError("ACODE-RUN-005", f"unexpected {type(error).__name__}", "please report it")
        return _of(known, 500)
    kinds = (status for kind, status in _KINDS if isinstance(error, kind))
    return _of(error, _STATUS.get(error.code) or next(kinds, 500))


def _of(error: AcodeError, status: int) -> Refusal:
    found = Refusal(status, error.message, error.hint, {"Retry-After": "1"} if status == 503 else None)
    found.code = error.code
    return found


def body_of(refusal: Refusal) -> dict[str, str]:
    """Return the body of a refusal."""
    return {"code": refusal.code, "message": refusal.message, "hint": refusal.hint}
