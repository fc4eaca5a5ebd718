"""Reading one settings file: YAML as data, with the line of everything that is wrong.

The file is composed, never constructed: no tag is obeyed, no alias followed.
"""

from __future__ import annotations

import os
import stat

import yaml  # noqa: TID253 - this module is imported only where there is a file to read

from collector.config.settings import (
    MAPS,
    SETTINGS,
    SYNONYM_NAMES,
    SYNONYMS,
    Setting,
    Value,
    find_setting,
    normalize,
    parse_value,
)
from collector.errors import InputError

MAX_BYTES = 256 << 10
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

Given = dict[str, tuple[Value, str]]


class _Loader(yaml.SafeLoader):
    """Refuses aliases, with which a small file can stand for a huge one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="an alias (*name) is not followed, write the value out",
                problem_mark=self.get_mark(),
            )
        return super().compose_node(parent, index)


def read_file(path: str, shown: str) -> Given:
    """Return value and origin of each setting in a file, by normalized name.

    Args:
        path: the file.
        shown: what to call it in origins and errors.

    Raises:
        InputError: naming the file, the line and the nearest known key.
    """
    return read_text(load_text(path, shown), shown)


def read_text(text: str, shown: str) -> Given:
    """Return what `read_file` does for the text of a file."""
    root = compose(text, shown)
    given: Given = {}
    if root is not None and not is_null(root):
        _read_section(root, "", shown, given)
    return given


def load_text(path: str, shown: str) -> str:
    """Return the text of a settings file. Raises InputError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _error(shown, f"cannot be read: {error.strerror}", "check its permissions") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise _error(shown, "is not a file", "remove it")
        with os.fdopen(fd, "rb", closefd=False) as file:
            data = file.read(MAX_BYTES + 1)
    finally:
        os.close(fd)
    if len(data) > MAX_BYTES:
        raise _error(shown, f"is larger than {MAX_BYTES} bytes", "settings are a few lines")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _error(shown, "is not UTF-8", "save it as UTF-8") from None


def compose(text: str, shown: str) -> yaml.Node | None:
    """Return the nodes of a settings file; None for an empty one. Raises InputError."""
    try:
        return _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _error(f"{shown}:{line}", f"cannot be read: {error.problem}", "check that line") from None
    except yaml.YAMLError:
        raise _error(shown, "holds characters that YAML forbids", "check for control characters") from None
    except RecursionError:
        raise _error(shown, "is nested too deeply", "settings have three levels") from None


def _read_section(node: yaml.Node, prefix: str, shown: str, given: Given) -> None:
    for name, at, value in _pairs(node, prefix, shown):
        setting = find_setting(name)
        if setting is None:
            if not _is_section(name):
                raise _unknown(at, name)
            if not is_null(value):
                _read_section(value, name + ".", shown, given)
        elif not is_null(value):
            if setting.key in given:
                raise _error(at, f"{name} is set twice", f"also at {given[setting.key][1]}")
            given[setting.key] = (_read_value(setting, name, value, at), at)


def _pairs(node: yaml.Node, prefix: str, shown: str) -> list[tuple[str, str, yaml.Node]]:
    """Return full name, place and value of each line of a section."""
    if not isinstance(node, yaml.MappingNode):
        at = f"{shown}:{node.start_mark.line + 1}"
        what = f"{prefix[:-1]!r}" if prefix else "the file"
        raise _error(at, f"{what} holds no 'name: value' lines", "see 'acode config init'")
    found = []
    for key, value in node.value:
        at = f"{shown}:{key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise _error(at, "a name is not a word", "write name: value")
        found.append((prefix + str(key.value), at, value))
    return found


def _read_value(setting: Setting, name: str, node: yaml.Node, at: str) -> Value:
    try:
        if setting.kind in MAPS:
            return _read_map(node, name, at, _words if setting.kind == "word map" else _scalar)
        if isinstance(node, yaml.SequenceNode) and setting.kind == "list":
            return tuple(_scalar(item, name) for item in node.value)
        return parse_value(setting, _scalar(node, name), name)
    except InputError as error:
        raise _error(at, f"{name}: {error.message}", error.hint) from None


def _read_map(node: yaml.Node, name: str, at: str, read: Callable[[yaml.Node, str], str]) -> dict[str, str]:
    shown = at.rpartition(":")[0]
    found: dict[str, str] = {}
    for key, place, value in _pairs(node, "", shown):
        if key in found:
            raise InputError("ACODE-RUN-023", f"{key!r} is there twice", f"see {place}")
        found[key] = read(value, f"{name}.{key}")
    return found


def _words(node: yaml.Node, name: str) -> str:
    """A list of words means the same as the words with commas between them."""
    if isinstance(node, yaml.SequenceNode):
        return ", ".join([_scalar(item, name) for item in node.value])
    return _scalar(node, name)


def _scalar(node: yaml.Node, name: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise InputError("ACODE-RUN-023", f"the value of {name} is not a word", "write one value")
    return str(node.value)


def is_null(node: yaml.Node) -> bool:
    """Tell whether a value was left out."""
    return bool(node.tag == "tag:yaml.org,2002:null")


def _is_section(name: str) -> bool:
    prefix = normalize(name) + "."
    return any(known.startswith(prefix) for known in (*SETTINGS, *SYNONYMS))


def _unknown(at: str, name: str) -> InputError:
    names = [setting.name for setting in SETTINGS.values()] + list(SYNONYM_NAMES)
    sections = {full.rpartition(".")[0] for full in names} | {full.partition(".")[0] for full in names}
    return _error(at, f"unknown key {name!r}", nearest_key(name, sorted({*names, *sections} - {""})))


def nearest_key(name: str, known: list[str]) -> str:
    """Return the hint that offers the key that was probably meant."""
    from collector.suggest import did_you_mean

    return did_you_mean(name, known, "see 'acode config show' for all keys")


def _error(where: str, message: str, hint: str) -> InputError:
    joint = ":" if ":" in where.rpartition("/")[2] else ""
    return InputError("ACODE-RUN-023", f"{where}{joint} {message}", hint)
