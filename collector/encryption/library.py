"""The package `cryptography`, which need not be there."""

from __future__ import annotations

import importlib

from collector.errors import UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import NoReturn


def require_cryptography(purpose: str) -> None:
    """Make sure that `cryptography` can be imported.

    Raises:
        UnavailableError: it is not installed, or does not work; says what to type.
    """
    try:
        importlib.import_module("cryptography.hazmat.primitives.ciphers.aead")
    except Exception as error:  # noqa: BLE001 - a broken build of it raises what it likes
        _not_installed(purpose, error)


def load_keyring() -> ModuleType:
    """Return the package `keyring`.

    Raises:
        UnavailableError: it is not installed, or does not work.
    """
    try:
        return importlib.import_module("keyring")
    except Exception as error:  # noqa: BLE001 - as above
        _not_installed("the system keyring", error)


def _not_installed(purpose: str, error: Exception) -> NoReturn:
    why = "" if isinstance(error, ImportError) else f" ({type(error).__name__}: {error})"
    raise UnavailableError(
        "ACODE-RUN-039",
        f"{purpose} needs a part that is not installed{why}",
        "pip install 'acode-tui[crypto]'",
    ) from error
