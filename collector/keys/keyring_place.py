"""The system keyring (Secret Service, KWallet, macOS, Windows), if it keeps secrets at all.

`keyring` falls back to what it finds: a back-end that forgets (null), one that only fails, or, with
`keyrings.alt`, a file that anybody can read. None of these is a place for a key.
"""

from __future__ import annotations

from collector.encryption.library import load_keyring
from collector.errors import UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

SERVICE = "acode"
ENTRY = "encryption keys"
_HINT = "use a key file: acode config set runs.encryption.keySource file"
_USELESS = ("keyring.backends.null", "keyring.backends.fail", "keyrings.alt.")
_KEEPS_SECRETS = ("keyrings.alt.file.EncryptedKeyring",)


def read_keyring() -> str:
    """Return what the keyring holds for acode; empty where it holds nothing.

    Raises:
        UnavailableError: there is no keyring that keeps secrets, or it is locked.
    """
    backend = _backend()
    try:
        return str(backend.get_password(SERVICE, ENTRY) or "")
    except Exception as error:
        raise _refused(error) from error


def write_keyring(text: str) -> None:
    """Let the keyring hold something for acode, and make sure that it does.

    Raises:
        UnavailableError: there is no keyring that keeps secrets, or it refused.
    """
    backend = _backend()
    try:
        backend.set_password(SERVICE, ENTRY, text)
        kept = backend.get_password(SERVICE, ENTRY)
    except Exception as error:
        raise _refused(error) from error
    if kept != text:
        raise UnavailableError("ACODE-RUN-035", "the system keyring did not keep the key", _HINT)


def _backend() -> Any:
    keyring = load_keyring()
    try:
        backend = keyring.get_keyring()
        useless = next((name for name in _names(backend) if _is_useless(name)), None)
    except Exception as error:
        raise _refused(error) from error
    if useless is not None:
        raise UnavailableError(
            "ACODE-RUN-035", f"there is no system keyring that keeps secrets (only {useless})", _HINT
        )
    return backend


def _names(backend: Any) -> Iterator[str]:
    """Yield the full names of a back-end's class, and of those that it chains."""
    inner = list(getattr(backend, "backends", ()))
    kind = type(backend)
    if not inner:
        yield f"{kind.__module__}.{kind.__qualname__}"
    for other in inner:
        yield from _names(other)


def _is_useless(name: str) -> bool:
    return name not in _KEEPS_SECRETS and (name.startswith(_USELESS) or "plaintext" in name.lower())


def _refused(error: Exception) -> UnavailableError:
    return UnavailableError(
        "ACODE-RUN-035", f"the system keyring cannot be used: {type(error).__name__}: {error}", _HINT
    )
