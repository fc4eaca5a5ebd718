"""`acode config get|set|unset`: one setting, checked before anything is written."""

from __future__ import annotations

import os
import stat

from collector import durable
from collector.cli import output
from collector.cli.config import format_value
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.config import FILES, shown_path, user_file
from collector.config.settings import (
    MAPS,
    SETTINGS,
    SYNONYMS,
    Setting,
    Value,
    normalize,
    parse_value,
    variable,
)
from collector.errors import AccessError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.config.edit import Target

_DAY_MS = 86_400_000
_KEY = "runs.dirMode, tasks.build …; 'acode config show' lists them"


def configure_get(parser: Parser) -> None:
    """Add the options of `acode config get`."""
    parser.add_argument("key", metavar="KEY", help=_KEY)
    parser.add_argument("--json", action="store_true", help="as JSON: sizes in bytes, durations in ms")
    parser.add_argument("--origin", action="store_true", help="where it was set before the value, and a tab")


def get(options: Namespace, context: Context) -> int:
    """Print the value that holds."""
    from collector.config.edit import find_target

    target = find_target(options.key)
    value, origin = next(
        (value, origin) for name, value, origin in context.config.items() if name == target.setting.name
    )
    if target.entry is not None:
        value = _entry(target, value)
    if options.json:
        output.line(output.format_json({"value": value, "origin": origin} if options.origin else value))
        return 0
    prefix = f"{output.sanitize(origin)}\t" if options.origin else ""
    for line in _lines(target.setting, value):
        output.line(prefix + _shown(line))
    return 0


def _entry(target: Target, value: Value) -> str:
    entries = value if isinstance(value, dict) else {}
    if target.entry in entries:
        return entries[target.entry or ""]
    from collector.suggest import did_you_mean

    known = f"there are {', '.join(entries)}" if entries else f"{target.setting.name} has none"
    hint = did_you_mean(target.entry or "", entries, known)
    raise InputError("ACODE-RUN-023", f"{'.'.join(target.words)} is not set", hint)


def _lines(setting: Setting, value: Value) -> list[str]:
    """A list is one line each, so that a script can read it; a value that is not set is an empty line."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, dict):
        return [f"{name}: {text}" for name, text in value.items()]
    if value is None and setting.key != "runs.artifacts.directory":
        return [""]
    return [format_value(setting, value)]


def _shown(text: str) -> str:
    return output.sanitize(text) if output.is_terminal() else text


def configure_set(parser: Parser) -> None:
    """Add the options of `acode config set`."""
    parser.add_argument("key", metavar="KEY", help=_KEY)
    parser.add_argument("value", metavar="VALUE", help="as in the file; a list with commas between")
    parser.add_argument("--global", dest="everywhere", action="store_true", help="in the user's own file")


def set_(options: Namespace, context: Context) -> int:
    """Change a setting in its file, which is made where there is none."""
    from collector.config.edit import find_synonym, find_target, set_value

    target = find_target(options.key)
    value = _parsed(target, options.key, options.value)
    path = _path(context, options.everywhere)
    shown, text = shown_path(path, context.root), _read(path, context)
    scalar = _scalar(target, value, options.value, find_synonym(text, shown, target))
    changed = set_value(text, shown, target, scalar, value)
    _write(path, changed)
    output.line(f"{'.'.join(target.words)}: {output.sanitize(scalar)}  ({output.sanitize(shown)})")
    _warn_of_stronger(target, path, context)
    return 0


def _parsed(target: Target, key: str, text: str) -> Value:
    """Return the value that a text means. Raises InputError, naming the key."""
    if target.entry is not None:
        if not text or "\0" in text:
            raise InputError("ACODE-RUN-023", f"{key}: the value is empty", f"'acode config unset {key}'")
        return text
    if target.setting.kind in MAPS:
        raise InputError(
            "ACODE-RUN-023", f"{key} holds names and values", f"write 'acode config set {key}.NAME VALUE'"
        )
    try:
        return parse_value(target.setting, text, key)
    except InputError as error:
        raise InputError("ACODE-RUN-023", f"{key}: {error.message}", error.hint) from None


def _scalar(target: Target, value: Value, text: str, synonym: str | None) -> str:
    """Return the value as it is written, in the unit of the name under which the file has it."""
    from collector.config.edit import quote

    if synonym is not None and _counts_days(synonym):
        if not isinstance(value, int) or value % _DAY_MS:
            hint = f"the file calls it {synonym}; write it as 30d"
            raise InputError("ACODE-RUN-023", f"{text!r} is not a number of days", hint)
        return str(value // _DAY_MS)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, tuple):
        return f"[{', '.join(quote(item) for item in value)}]"
    return format_value(target.setting, value) if isinstance(value, bool) else quote(text.strip())


def _counts_days(synonym: str) -> bool:
    """Tell whether a name of `.agent/config.yml` counts days without saying so."""
    setting = SETTINGS[SYNONYMS[normalize(synonym)]] if normalize(synonym) in SYNONYMS else None
    return (
        setting is not None and setting.kind == "duration" and parse_value(setting, "1", synonym) == _DAY_MS
    )


def configure_unset(parser: Parser) -> None:
    """Add the options of `acode config unset`."""
    parser.add_argument("key", metavar="KEY", help=_KEY)
    parser.add_argument("--global", dest="everywhere", action="store_true", help="in the user's own file")


def unset(options: Namespace, context: Context) -> int:
    """Take a setting out of its file; what is not set there is no error."""
    from collector.config.edit import find_target, unset_value

    target = find_target(options.key)
    path = _path(context, options.everywhere)
    shown = shown_path(path, context.root)
    changed = unset_value(_read(path, context), shown, target)
    if changed is None:
        output.note(f"acode: {'.'.join(target.words)} is not set in {shown}")
        return 0
    _write(path, changed)
    output.line(f"{'.'.join(target.words)}: taken out of {output.sanitize(shown)}")
    _warn_of_stronger(target, path, context)
    return 0


def _path(context: Context, everywhere: bool) -> str:
    """Return the file to change; a link stays one, and what it leads to is changed."""
    if everywhere:
        mine = user_file(context.environ)
        if mine is None:
            raise InputError("ACODE-RUN-023", "there is no home folder", "set HOME or XDG_CONFIG_HOME")
        return mine
    paths = [os.path.join(context.root, name) for name in FILES]  # noqa: PTH118
    return next((path for path in paths if os.path.lexists(path)), paths[0])


def _read(path: str, context: Context) -> str:
    """Return the text of a settings file; empty where there is none. Raises InputError."""
    from collector.config.files import load_text, read_text

    if not os.path.lexists(path):
        return ""
    shown = shown_path(path, context.root)
    text = load_text(path, shown)
    read_text(text, shown)
    return text


def _write(path: str, text: str) -> None:
    real = os.path.realpath(path)
    try:
        os.makedirs(os.path.dirname(real), exist_ok=True)  # noqa: PTH103, PTH120
        mode = stat.S_IMODE(os.stat(real).st_mode) if os.path.exists(real) else None  # noqa: PTH110, PTH116
        with durable.NewFile(real) as fd:
            if mode is not None:
                os.fchmod(fd, mode)
            durable.write_all(fd, text.encode())
    except OSError as error:
        raise AccessError(
            "ACODE-ART-006", f"cannot write {path}: {error.strerror}", "check its permissions"
        ) from None


def _warn_of_stronger(target: Target, path: str, context: Context) -> None:
    """Say what else decides: a variable, a stronger file, a collector that has read its settings."""
    from collector.config import load_config
    from collector.daemon.launch import read_pid_file
    from collector.workspace import Workspace

    config = load_config(context.root, context.environ)
    origin = next(origin for name, _, origin in config.items() if name == target.setting.name)
    mine = shown_path(path, context.root)
    if origin == variable(target.setting) or (origin != "default" and not origin.startswith(mine + ":")):
        output.note(f"acode: {origin} has the last word on {target.setting.name}")
    if read_pid_file(Workspace(context.root)).running:
        output.note("acode: the collector that runs keeps its settings until 'acode collector stop'")


COMMANDS = {
    "get": Command(configure_get, get),
    "set": Command(configure_set, set_),
    "unset": Command(configure_unset, unset),
}
