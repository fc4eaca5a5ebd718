"""The user's own signing key, and the public keys of those whom the user trusts.

Both are in the folder of the user's settings: `signing_key` and `signing_key.pub` as OpenSSH writes them, and
`trusted_keys`, one public key a line. What one's own key signed, one trusts.
"""

from __future__ import annotations

import os

from collector.config import user_file
from collector.encryption.library import require_cryptography
from collector.encryption.signing import (
    PrivateKey,
    PublicKey,
    format_public_key,
    new_private_key,
    parse_public_key,
)
from collector.errors import AccessError, ConflictError, InputError, NotFoundError
from collector.keys.secret_files import read_own_file, read_secret_file, write_own_file, write_secret_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNING_KEY = "signing_key"
PUBLIC_KEY = "signing_key.pub"
TRUSTED_KEYS = "trusted_keys"
_HEADER = "# Public keys that acode trusts: bundles and audit logs signed with one of them are believed.\n"


def key_folder(environ: Mapping[str, str]) -> str:
    """Return the folder of the user's settings, where keys are, too.

    Raises:
        AccessError: the user has no home.
    """
    mine = user_file(environ)
    if mine is None:
        raise AccessError("ACODE-ART-006", "there is no place for keys", "set HOME or XDG_CONFIG_HOME")
    return os.path.dirname(mine)


def find_signing_key(environ: Mapping[str, str], path: str = "") -> PrivateKey | None:
    """Return the user's signing key, or that of a file; None if there is none.

    Raises:
        AccessError: others could read it.
        InputError: it is no Ed25519 key as OpenSSH or PEM write them, or has a passphrase.
        UnavailableError: `cryptography` is not installed.
    """
    path = path or os.path.join(key_folder(environ), SIGNING_KEY)
    try:
        text = read_secret_file(path)
    except FileNotFoundError:
        return None
    return _parse(text, path)


def get_signing_key(environ: Mapping[str, str], path: str = "") -> PrivateKey:
    """As `find_signing_key`.

    Raises:
        NotFoundError: there is none.
        AccessError, InputError, UnavailableError: it cannot be used.
    """
    key = find_signing_key(environ, path)
    if key is None:
        raise NotFoundError(
            "ACODE-RUN-035", f"there is no signing key{f' {path}' if path else ''}",
            "'acode keys create --signing' makes one",
        )  # fmt: skip
    return key


def create_signing_key(environ: Mapping[str, str], name: str) -> PublicKey:
    """Make the user's signing key; return what others verify with.

    Raises:
        ConflictError: there is one already.
        AccessError, UnavailableError: it cannot be made.
    """
    folder = key_folder(environ)
    path = os.path.join(folder, SIGNING_KEY)
    if os.path.lexists(path):
        raise ConflictError("ACODE-RUN-019", f"there is a signing key already: {path}", "move it away first")
    key = new_private_key(name)
    write_own_file(os.path.join(folder, PUBLIC_KEY), format_public_key(key.public) + "\n")
    write_secret_file(path, _format(key))
    return key.public


def list_trusted(environ: Mapping[str, str]) -> tuple[PublicKey, ...]:
    """Return the public keys that are trusted, one's own last. A line that is no key is passed over.

    Raises:
        AccessError: others could have put keys there.
    """
    keys = [*trusted_by_file(environ), *own_public_key(environ)]
    return tuple({key.raw: key for key in reversed(keys)}.values())[::-1]


def trusted_by_file(environ: Mapping[str, str]) -> list[PublicKey]:
    """Return the keys of `trusted_keys`."""
    return _read_keys(os.path.join(key_folder(environ), TRUSTED_KEYS))


def own_public_key(environ: Mapping[str, str]) -> list[PublicKey]:
    """Return the public half of the user's own key, if there is one."""
    folder = key_folder(environ)
    if not os.path.lexists(os.path.join(folder, SIGNING_KEY)):
        return []
    return _read_keys(os.path.join(folder, PUBLIC_KEY))


def trust(environ: Mapping[str, str], key: PublicKey) -> bool:
    """Trust a public key from now on; False if it was trusted already."""
    known = trusted_by_file(environ)
    if any(other.raw == key.raw for other in known):
        return False
    _write_trusted(environ, [*known, key])
    return True


def distrust(environ: Mapping[str, str], key: PublicKey) -> None:
    """Trust a public key no longer."""
    _write_trusted(environ, [other for other in trusted_by_file(environ) if other.raw != key.raw])


def _write_trusted(environ: Mapping[str, str], keys: list[PublicKey]) -> None:
    lines = "".join(f"{format_public_key(key)}\n" for key in keys)
    write_own_file(os.path.join(key_folder(environ), TRUSTED_KEYS), _HEADER + lines)


def _read_keys(path: str) -> list[PublicKey]:
    try:
        text = read_own_file(path)
    except FileNotFoundError:
        return []
    found = []
    for line in text.splitlines():
        try:
            found.append(parse_public_key(line))
        except InputError:
            continue
    return found


def _format(key: PrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    return Ed25519PrivateKey.from_private_bytes(key.seed).private_bytes(*form).decode("ascii")


def _parse(text: str, path: str) -> PrivateKey:
    require_cryptography("signing")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    data = text.encode()
    load = load_ssh_private_key if "OPENSSH" in text else load_pem_private_key
    try:
        key = load(data, None)
    except Exception as error:
        why = "has a passphrase" if "ncrypted" in str(error) else "is no private key"
        raise InputError(
            "ACODE-RUN-019",
            f"{path} {why}",
            "an Ed25519 key without one is needed, as ssh-keygen -t ed25519 makes",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("ACODE-RUN-019", f"{path} is no Ed25519 key", "ssh-keygen -t ed25519 makes one")
    return PrivateKey(key.private_bytes_raw(), os.path.basename(path))
