"""What `acode doctor` looks at of keys: whether runs can be encrypted, and who can read key files."""

from __future__ import annotations

from collections.abc import Iterator

from collector.cli.context import Context
from collector.cli.diagnosis import FAIL, OK, Check, Finding
from collector.cli.keys import places_of
from collector.encryption.library import require_cryptography
from collector.errors import AcodeError
from collector.keys import signing_keys
from collector.keys.encryption_keys import FILE
from collector.workspace import Workspace


def check_encryption(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether there is a key, where runs are to be encrypted."""
    if not context.config.get("runs.encryption.enabled"):
        yield Finding(OK, "encryption", "switched off (runs.encryption.enabled)")
        return
    places = places_of(context)
    try:
        require_cryptography("encryption")
        key = places.current()
    except AcodeError as error:
        text = f"{error.message}; runs that end wait for it, in the open and without checksums"
        yield Finding(FAIL, "encryption", text, error.hint)
        return
    yield Finding(OK, "encryption", f"key {key.name.text} in {places.describe(places.source)}")


def check_keys(workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Whether key files can be read by their owner alone."""
    places = places_of(context)
    if places.source != FILE or not context.config.get("runs.encryption.enabled"):
        places.read(FILE)
    own = signing_keys.find_signing_key(context.environ)
    trusted = len(signing_keys.trusted_by_file(context.environ))
    mine = "no signing key" if own is None else f"a signing key ({own.public.key_id[:16]})"
    yield Finding(OK, "signatures", f"{mine}, {trusted} trusted")


CHECKS: tuple[Check, ...] = (check_encryption, check_keys)
