"""Options of bundles: whose are believed, and how they are kept from others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from collector.cli.context import Context
from collector.cli.parsing import Namespace, Parser
from collector.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.bundle.verify import Asking
    from collector.encryption.key import Key, KeyName

PASSPHRASE = "ACODE_BUNDLE_PASSPHRASE"


def signing(options: Namespace, context: Context) -> Callable[[bytes], bytes] | None:
    """Return what signs a bundle, where that is wanted."""
    if not options.sign and not options.signing_key:
        return None
    from collector.bundle.protecting import signing_with
    from collector.keys.signing_keys import get_signing_key

    return signing_with(get_signing_key(context.environ, options.signing_key or ""))


def encrypting(options: Namespace, context: Context) -> Callable[[str, str], None]:
    """Return what encrypts a bundle with a passphrase."""
    from collector.bundle.protecting import encrypting_with
    from collector.encryption.key import passphrase_key

    return encrypting_with(passphrase_key(passphrase(options, context, twice=True)))


def add_passphrase_file(parser: Parser) -> None:
    """Add the option that says where a passphrase is."""
    text = f"where the passphrase is, on its first line (else {PASSPHRASE}, else it is asked for)"
    parser.add_argument("--passphrase-file", metavar="FILE", help=text)


def passphrase(options: Namespace, context: Context, twice: bool) -> str:
    """Return a passphrase from a file, the environment, or the terminal.

    Raises:
        InputError: there is none.
    """
    if options.passphrase_file:
        try:
            found = Path(options.passphrase_file).read_text("utf-8", "surrogateescape").partition("\n")[0]
        except OSError as error:
            raise InputError("ACODE-RUN-034", f"cannot read the passphrase: {error.strerror}") from error
    else:
        found = context.environ.get(PASSPHRASE) or _asked(twice)
    if not found:
        raise InputError("ACODE-RUN-034", "there is no passphrase", f"set {PASSPHRASE}, or --passphrase-file")
    return found


def _asked(twice: bool) -> str:
    """Ask for a passphrase; a new one twice."""
    if not (os.isatty(0) and os.isatty(2)):
        return ""
    from getpass import getpass

    found = getpass("Passphrase: ")
    if twice and found != getpass("The same again: "):
        raise InputError("ACODE-RUN-034", "the passphrases differ", "nothing was written")
    return found


def add_asking(parser: Parser) -> None:
    """Add what a bundle must fulfil to be taken."""
    text = "refuse what nobody signed whose key you trust (acode keys trust)"
    parser.add_argument("--require-signature", action="store_true", help=text)
    text = "trust this public key, too: a file as OpenSSH writes it"
    parser.add_argument("--trust", metavar="FILE", action="append", default=[], help=text)
    add_passphrase_file(parser)


def asking_of(options: Namespace, context: Context) -> Asking:
    """Return what a bundle must fulfil; a passphrase is asked for when it turns out to need one."""
    from collector.bundle.protecting import Trust
    from collector.bundle.verify import Asking
    from collector.encryption.key import by_passphrase
    from collector.encryption.signing import parse_public_key
    from collector.keys.signing_keys import list_trusted

    keys = list(list_trusted(context.environ)) if context.environ.get("HOME") else []
    for path in options.trust:
        try:
            keys.append(parse_public_key(Path(path).read_text("utf-8", "replace").strip()))
        except OSError as error:
            raise InputError("ACODE-RUN-033", f"cannot read the key {path}: {error.strerror}") from error

    def find_key(name: KeyName) -> Key:
        return by_passphrase(passphrase(options, context, twice=False))(name)

    return Asking(Trust(tuple(keys), options.require_signature), find_key)
