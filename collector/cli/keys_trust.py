"""`acode keys list|trust|untrust`: all keys there are, and whose signatures are believed."""

from __future__ import annotations

import getpass
import os
import socket

from collector.cli import output
from collector.cli.context import Context
from collector.cli.keys import places_of
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format
from collector.encryption.signing import PublicKey, format_public_key, parse_public_key
from collector.errors import AcodeError, InputError, NotFoundError
from collector.keys import signing_keys
from collector.keys.encryption_keys import SOURCES
from collector.keys.secret_files import read_own_file

_FIELDS = ("kind", "key_id", "use", "place", "name", "public_key")


def _configure_list(parser: Parser) -> None:
    add_format(parser)


def _list(options: Namespace, context: Context) -> int:
    from collector.cli.records import choose_fields, write_fields, write_records

    records = [*_encryption_records(context), *_signing_records(context)]
    form = chosen_format(options)
    fields = choose_fields(options.fields, _FIELDS)
    if form != "table":
        write_records(records, form, fields, _FIELDS)
    elif not records:
        output.note("no keys; 'acode keys create' makes one that encrypts, --signing one that signs")
    elif fields is not None:
        write_fields(records, fields, context.environ)
    else:
        _write_table(records, context)
    return 0


def _write_table(records: list[dict[str, str | None]], context: Context) -> None:
    from collector.cli.table import Column, render

    columns = [
        Column("KIND", 10),
        Column("KEY", 8, 1),
        Column("USE", 8),
        Column("PLACE", 8, 2),
        Column("NAME", 6, 3),
    ]
    rows = [[str(record[key] or "") for key in _FIELDS[:5]] for record in records]
    width = output.terminal_width(context.environ)
    output.write("".join(line + "\n" for line in render(columns, rows, width)))


def _encryption_records(context: Context) -> list[dict[str, str | None]]:
    """Return the keys of every place; one that cannot be read is a note, if it is the one in use."""
    places, found = places_of(context), []
    for source in SOURCES:
        try:
            keys = places.read(source)
        except AcodeError as error:
            if source == places.source and context.config.get("runs.encryption.enabled"):
                output.note(f"acode: warning: {error}")
            continue
        for number, key in enumerate(keys):
            use = "encrypts" if source == places.source and number == 0 else "opens"
            found.append(_record("encryption", key.name.text, use, places.describe(source)))
    return found


def _signing_records(context: Context) -> list[dict[str, str | None]]:
    environ = context.environ
    folder = signing_keys.key_folder(environ)
    mine = [
        _record("signing", key.key_id, "signs", f"{folder}/{signing_keys.SIGNING_KEY}", key)
        for key in signing_keys.own_public_key(environ)
    ]
    trusted = [
        _record("public", key.key_id, "trusted", f"{folder}/{signing_keys.TRUSTED_KEYS}", key)
        for key in signing_keys.trusted_by_file(environ)
    ]
    return mine + trusted


def _record(
    kind: str, key_id: str, use: str, place: str, public: PublicKey | None = None
) -> dict[str, str | None]:
    return {
        "kind": kind, "key_id": key_id, "use": use, "place": place,
        "name": public.name if public else None,
        "public_key": format_public_key(public) if public else None,
    }  # fmt: skip


def create_signing(name: str | None, context: Context) -> int:
    """Make the user's signing key, and print what others need to trust it."""
    from collector.audit import append_audit

    public = signing_keys.create_signing_key(context.environ, name or f"{_user()}@{socket.gethostname()}")
    context.workspace.create()
    append_audit(context.workspace, "key.create", public.key_id, {"place": "signing"}, context.config)
    output.line(format_public_key(public))
    output.note("acode: others trust it with: acode keys trust 'THE LINE ABOVE'")
    return 0


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def export_public(context: Context) -> int:
    """Print the public half of the user's signing key."""
    output.line(format_public_key(signing_keys.get_signing_key(context.environ).public))
    return 0


def _configure_trust(parser: Parser) -> None:
    parser.add_argument(
        "key", metavar="KEY", nargs="+", help="a line 'ssh-ed25519 AAAA… NAME', or a file with it"
    )


def _trust(options: Namespace, context: Context) -> int:
    key = _public_key(" ".join(options.key))
    added = signing_keys.trust(context.environ, key)
    shown = output.sanitize(f"{key.name or 'a key'} ({key.key_id[:16]})")
    output.line(f"trusted from now on: {shown}" if added else f"trusted already: {shown}")
    return 0


def _public_key(text: str) -> PublicKey:
    if text.startswith("ssh-"):
        return parse_public_key(text)
    try:
        content = read_own_file(os.path.abspath(text))  # noqa: PTH100 - as the shell has it
    except FileNotFoundError:
        raise InputError(
            "ACODE-RUN-019", f"no file {text}", "or a line that begins with ssh-ed25519"
        ) from None
    return parse_public_key(content.strip().partition("\n")[0])


def _configure_untrust(parser: Parser) -> None:
    parser.add_argument("key", metavar="KEY", help="its name, its id or the beginning of that")


def _untrust(options: Namespace, context: Context) -> int:
    known = signing_keys.trusted_by_file(context.environ)
    found = [key for key in known if key.name == options.key or key.key_id.startswith(options.key.lower())]
    if not found:
        raise NotFoundError(
            "ACODE-RUN-035", f"no trusted key {options.key!r}", "'acode keys list' lists them"
        )
    if len(found) > 1:
        raise InputError("ACODE-RUN-019", f"{len(found)} keys fit {options.key!r}", "give more of its id")
    signing_keys.distrust(context.environ, found[0])
    output.line(f"trusted no longer: {output.sanitize(found[0].name or found[0].key_id)}")
    return 0


COMMANDS = {
    "list": Command(_configure_list, _list),
    "trust": Command(_configure_trust, _trust),
    "untrust": Command(_configure_untrust, _untrust),
}
