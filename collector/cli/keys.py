"""`acode keys create|rotate|rewrap|encrypt|export|import|remove`: the keys that encrypt what is recorded."""

from __future__ import annotations

import sys

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.encryption.key import Key, format_key, new_key, parse_key
from collector.encryption.library import require_cryptography
from collector.errors import AcodeError, ConflictError, InputError, NotFoundError
from collector.keys.encryption_keys import ENVIRONMENT, SOURCES, VARIABLE, KeyPlaces, key_places
from collector.keys.secret_files import MAX_BYTES

_SOURCE = "keyring, file or environment, instead of runs.encryption.keySource"
_KEEP = "keep a copy in a safe place ('acode keys export'): without it nobody can read what it encrypts"


def places_of(context: Context) -> KeyPlaces:
    """Return where the keys of the workspace are."""
    return key_places(context.config, context.root, context.environ)


def add_source(parser: Parser) -> None:
    """Add the option that says where."""
    parser.add_argument("--source", choices=SOURCES, help=_SOURCE)


def _configure_create(parser: Parser) -> None:
    add_source(parser)
    parser.add_argument("--signing", action="store_true", help="a key that signs bundles and audit logs")
    parser.add_argument("--name", help="whose signing key it is (USER@HOST)")


def _create(options: Namespace, context: Context) -> int:
    if options.signing:
        from collector.cli.keys_trust import create_signing

        return create_signing(options.name, context)
    require_cryptography("encryption")
    places = places_of(context)
    source = options.source or places.source
    key = new_key()
    if source == ENVIRONMENT:
        output.line(format_key(key))
        output.note(f"acode: set {VARIABLE} to it, in front of older ones; {_KEEP}")
        return 0

    def first(known: tuple[Key, ...]) -> list[Key]:
        if known:
            raise ConflictError(
                "ACODE-RUN-019", f"there is a key in {places.describe(source)} already: {known[0].name.text}",
                "'acode keys rotate' makes a new one, and lets it open what the old one did",
            )  # fmt: skip
        _audit(context, "key.create", key, source)
        return [key]

    places.change(source, first)
    output.line(f"created key {key.name.text} in {output.sanitize(places.describe(source))}")
    output.note(f"acode: {_KEEP}")
    if not context.config.get("runs.encryption.enabled"):
        output.note("acode: 'acode config set runs.encryption.enabled true' encrypts runs from now on")
    return 0


def _configure_rotate(parser: Parser) -> None:
    add_source(parser)


def _rotate(options: Namespace, context: Context) -> int:
    require_cryptography("encryption")
    places = places_of(context)
    source = options.source or places.source
    if source == ENVIRONMENT:
        raise InputError(
            "ACODE-RUN-019", f"acode cannot change {VARIABLE}",
            "put a new key in front of the old one ('acode keys create'), then 'acode keys rewrap'",
        )  # fmt: skip
    key = new_key()

    def in_front(known: tuple[Key, ...]) -> list[Key]:
        if not known:
            raise NotFoundError(
                "ACODE-RUN-035",
                f"there is no key in {places.describe(source)}",
                "'acode keys create' makes one",
            )
        _audit(context, "key.rotate", key, source)
        return [key, *known]

    places.change(source, in_front)
    output.line(f"created key {key.name.text} in {output.sanitize(places.describe(source))}")
    return _rewrap_all(key, places, context)


def _rewrap(options: Namespace, context: Context) -> int:
    require_cryptography("encryption")
    places = places_of(context)
    return _rewrap_all(places.current(), places, context)


def _rewrap_all(key: Key, places: KeyPlaces, context: Context) -> int:
    """Bring every file under a key; again while others, encrypted meanwhile, are found."""
    from collector.cli.keys_files import rewrap_all

    done = rewrap_all(key, places, context)
    output.line(f"{_count(done.changed)} brought under key {key.name.text}, {done.already} had it already")
    for problem in done.problems[:5]:
        output.note(f"acode: warning: {problem}")
    if done.problems:
        output.note(
            f"acode: warning: {_count(len(done.problems))} could not be; 'acode keys rewrap' tries again"
        )
        return 1
    output.note("acode: older keys stay, for copies elsewhere; 'acode keys remove KEY' forgets one")
    return 0


def _configure_nothing(parser: Parser) -> None:
    del parser


def _encrypt(options: Namespace, context: Context) -> int:
    require_cryptography("encryption")
    if not context.config.get("runs.encryption.enabled"):
        raise ConflictError(
            "ACODE-RUN-019", "encryption is switched off", "acode config set runs.encryption.enabled true"
        )
    places_of(context).current()
    from collector.cli.keys_files import encrypt_all

    runs, left = encrypt_all(context)
    output.line(f"looked through {runs:,} run{'' if runs == 1 else 's'}: all their files are encrypted")
    if left:
        raise ConflictError(
            "ACODE-RUN-006", f"{_count(left)} could not be encrypted", "see 'acode collector logs'; try again"
        )
    return 0


def _configure_export(parser: Parser) -> None:
    parser.add_argument(
        "key", metavar="KEY", nargs="?", help="its id, or the beginning of it; the current one"
    )
    parser.add_argument("--signing", action="store_true", help="the public half of your signing key")


def _export(options: Namespace, context: Context) -> int:
    if options.signing:
        from collector.cli.keys_trust import export_public

        return export_public(context)
    places = places_of(context)
    _, key = find_key(options.key, places) if options.key else ("", places.current())
    output.line(format_key(key))
    output.note("acode: whoever has this can read what it encrypted")
    return 0


def _configure_import(parser: Parser) -> None:
    add_source(parser)


def _import(options: Namespace, context: Context) -> int:
    places = places_of(context)
    source = options.source or places.source
    key = parse_key(sys.stdin.read(MAX_BYTES))
    if key in places.read(source):
        output.line(f"key {key.name.text} is there already")
        return 0

    def behind(known: tuple[Key, ...]) -> list[Key]:
        _audit(context, "key.create", key, source)
        return [*known, key]

    places.change(source, behind)
    use = "encrypts from now on" if places.read(source)[0] == key else "opens what it encrypted"
    output.line(f"added key {key.name.text} to {output.sanitize(places.describe(source))}: it {use}")
    return 0


def _configure_remove(parser: Parser) -> None:
    parser.add_argument("key", metavar="KEY", help="its id, or the beginning of it")
    parser.add_argument(
        "--force", action="store_true", help="even if files need it: nobody can read them then"
    )


def _remove(options: Namespace, context: Context) -> int:
    places = places_of(context)
    source, key = find_key(options.key, places)
    if not options.force:
        from collector.cli.keys_files import count_under

        files = count_under(key, context)
        if files:
            raise ConflictError(
                "ACODE-RUN-035", f"{_count(files)} here can only be read with key {key.name.text}",
                "'acode keys rotate' brings them under a new one; --force removes it all the same",
            )  # fmt: skip
    _audit(context, "key.remove", key, source)
    places.change(source, lambda known: [other for other in known if other != key])
    output.line(f"removed key {key.name.text} from {output.sanitize(places.describe(source))}")
    return 0


def find_key(prefix: str, places: KeyPlaces) -> tuple[str, Key]:
    """Return the key whose id begins so, and where it is.

    Raises:
        NotFoundError: there is none.
        InputError: there are several.
    """
    found: dict[Key, str] = {}
    for source in SOURCES:
        try:
            keys = places.read(source)
        except AcodeError:
            continue
        found |= {key: source for key in keys if key.name.text.startswith(prefix.lower())}
    if len(found) > 1:
        raise InputError("ACODE-RUN-034", f"{len(found)} keys begin with {prefix!r}", "give more of its id")
    for key, source in found.items():
        return source, key
    raise NotFoundError("ACODE-RUN-035", f"no encryption key {prefix!r}", "'acode keys list' lists them")


def _audit(context: Context, action: str, key: Key, source: str) -> None:
    from collector.audit import append_audit

    context.workspace.create()
    append_audit(context.workspace, action, key.name.text, {"place": source}, context.config)


def _count(files: int) -> str:
    return f"{files:,} file" if files == 1 else f"{files:,} files"


COMMANDS = {
    "create": Command(_configure_create, _create),
    "rotate": Command(_configure_rotate, _rotate),
    "rewrap": Command(_configure_nothing, _rewrap),
    "encrypt": Command(_configure_nothing, _encrypt),
    "export": Command(_configure_export, _export),
    "import": Command(_configure_import, _import),
    "remove": Command(_configure_remove, _remove),
}
