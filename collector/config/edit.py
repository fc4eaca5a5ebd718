"""Changing one setting in the text of a settings file; every other character stays.

The file is composed to find where a value stands, and the text between two marks is replaced. Whatever a
change would do to a file that is laid out in an unusual way, its result is read back: unless that one
setting has the new value and all others the old one, nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml  # noqa: TID253 - this module is imported only to change a file

from collector.config.files import compose, is_null, nearest_key, read_text
from collector.config.settings import MAPS, SETTINGS, Setting, Value, find_setting, normalize
from collector.errors import ConflictError, InputError

_PLAIN = re.compile(r"[A-Za-z0-9./][A-Za-z0-9._/-]*")
_NULLS = frozenset({"null", "none", ""})
_INDENT = 2


class Target:
    """What is to be changed: a setting, or one entry of a setting that holds names and values."""

    __slots__ = ("entry", "setting")

    def __init__(self, setting: Setting, entry: str | None) -> None:
        self.setting = setting
        self.entry = entry

    @property
    def words(self) -> list[str]:
        """The names of the sections around it, then its own."""
        return [*self.setting.name.split("."), *([] if self.entry is None else [self.entry])]


class _Pair:
    """A `name: value` of the file, and those around it, the outermost first."""

    __slots__ = ("around", "full", "key", "section", "value")

    def __init__(
        self,
        key: yaml.Node,
        value: yaml.Node,
        section: yaml.MappingNode,
        full: str,
        around: tuple[_Pair, ...],
    ) -> None:
        self.key = key
        self.value = value
        self.section = section
        self.full = full
        self.around = around


def find_target(name: str) -> Target:
    """Return what a key such as `runs.dirMode` or `tasks.build` means, in any spelling.

    Raises:
        InputError: there is none; the nearest is offered.
    """
    setting = find_setting(name)
    if setting is not None:
        return Target(setting, None)
    for known in SETTINGS.values():
        depth = known.name.count(".") + 1
        words = name.split(".", depth)
        is_map = known.kind in MAPS and normalize(".".join(words[:depth])) == known.key
        if is_map and len(words) > depth and words[depth]:
            return Target(known, words[depth])
    hint = nearest_key(name, [known.name for known in SETTINGS.values()])
    raise InputError("ACODE-RUN-023", f"unknown key {name!r}", hint)


def quote(text: str) -> str:
    """Return a text as one YAML scalar, plain where that can be nothing else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NULLS:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def set_value(text: str, shown: str, target: Target, scalar: str, value: Value) -> str:
    """Return the text of a settings file with one setting changed or added.

    Args:
        text: the file; empty for a new one.
        shown: what to call it in errors.
        target: the setting.
        scalar: the value as YAML, on one line.
        value: what reading it back must give.

    Raises:
        InputError: the file cannot be read as it is.
        ConflictError: it is laid out so that the change would touch something else.
    """
    found = list(_find(text, shown, target))
    changes = [_replaced(text, found[0], scalar)] if found else _inserted(text, shown, target, scalar)
    return _first_sound(text, shown, target, value, changes)


def unset_value(text: str, shown: str, target: Target) -> str | None:
    """Return the text without one setting; None where it is not set.

    Raises:
        InputError: the file cannot be read as it is.
        ConflictError: it is laid out so that the change would touch something else.
    """
    found = list(_find(text, shown, target))
    if not found:
        return None
    return _first_sound(
        text, shown, target, None, (_removed(text, pair) for pair in _emptied(text, found[0]))
    )


def find_synonym(text: str, shown: str, target: Target) -> str | None:
    """Return the name under which a file sets a setting, when it is not the setting's own."""
    for pair in _find(text, shown, target):
        if target.entry is None and normalize(pair.full) != target.setting.key:
            return pair.full
    return None


def _first_sound(
    text: str, shown: str, target: Target, value: Value, changes: Iterator[str] | list[str]
) -> str:
    expected = _values(text, shown, target, value)
    for changed in changes:
        try:
            if _values(changed, shown) == expected:
                return changed
        except InputError:
            continue
    raise ConflictError(
        "ACODE-RUN-023", f"{shown}: cannot change {'.'.join(target.words)} there without touching the rest",
        "edit the file",
    )  # fmt: skip


def _values(text: str, shown: str, target: Target | None = None, value: Value = None) -> dict[str, Value]:
    """Return what a file sets, with one setting as it ought to be."""
    values = {key: found for key, (found, _) in read_text(text, shown).items()}
    if target is None:
        return {key: found for key, found in values.items() if found != {}}
    key = target.setting.key
    if target.entry is not None:
        entries = dict(values.get(key) or {})  # type: ignore[arg-type]
        entries.pop(target.entry, None)
        values[key] = entries | ({target.entry: str(value)} if value is not None else {})
    elif value is None:
        values.pop(key, None)
    else:
        values[key] = value
    return {key: found for key, found in values.items() if found != {}}


# Where things are


def _find(text: str, shown: str, target: Target) -> Iterator[_Pair]:
    for pair in _pairs(compose(text, shown)):
        if target.entry is not None:
            parent = find_setting(pair.around[-1].full) if pair.around else None
            if parent is target.setting and pair.key.value == target.entry:
                yield pair
        elif find_setting(pair.full) is target.setting:
            yield pair


def _pairs(node: yaml.Node | None, prefix: str = "", around: tuple[_Pair, ...] = ()) -> Iterator[_Pair]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        pair = _Pair(key, value, node, prefix + str(key.value), around)
        yield pair
        yield from _pairs(value, pair.full + ".", (*around, pair))


def _end(node: yaml.Node) -> int:
    """Return where the last thing in a node ends: a block itself ends where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
    return int(node.end_mark.index)


def _line_end(text: str, position: int) -> int:
    """Return where the line after a position begins."""
    if text[max(position - 1, 0) : position] == "\n":
        return position
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def _line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1


# Changing a value


def _replaced(text: str, pair: _Pair, scalar: str) -> str:
    colon = text.index(":", pair.key.end_mark.index)
    start, end = pair.value.start_mark.index, _end(pair.value)
    between = text[colon + 1 : start].rstrip()  # a comment, where the value is on lines of its own
    ending = "\n" if text[end - 1 : end] == "\n" else ""
    return f"{text[: colon + 1]} {scalar}{between}{ending}{text[end:]}"


# Adding one


def _inserted(text: str, shown: str, target: Target, scalar: str) -> Iterator[str]:
    """Yield what the text could be with a new setting in it, the best first."""
    root = compose(text, shown)
    words = target.words
    section, depth = _deepest_section(root, words)
    node = section.value if section else root
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        yield _into_flow(text, node, words[depth:], scalar)
        return
    indent = _indent_in(section, node)
    lines = _as_lines(text, words[depth:], scalar, indent)
    for position in _places(text, section, node, words[depth], indent):
        yield _put(_without_null(text, section), position, lines)


def _deepest_section(root: yaml.Node | None, words: list[str]) -> tuple[_Pair | None, int]:
    """Return the innermost section of the file of a setting, and how many of its words it has."""
    best: tuple[_Pair | None, int] = (None, 0)
    for pair in _pairs(root):
        depth = pair.full.count(".") + 1
        fits = normalize(pair.full) == normalize(".".join(words[:depth])) and depth < len(words)
        if fits and depth > best[1] and (isinstance(pair.value, yaml.MappingNode) or is_null(pair.value)):
            best = (pair, depth)
    return best


def _indent_in(section: _Pair | None, node: yaml.Node | None) -> int:
    if isinstance(node, yaml.MappingNode) and node.value:
        return int(node.value[0][0].start_mark.column)
    return section.key.start_mark.column + _INDENT if section else 0


def _places(
    text: str, section: _Pair | None, node: yaml.Node | None, name: str, indent: int
) -> Iterator[int]:
    """Yield where a line could go: after a comment that shows this setting, after the section's last."""
    begin = _line_end(text, section.key.end_mark.index) if section else 0
    yield from _after_comment(text, begin, name, indent)
    if isinstance(node, yaml.MappingNode) and node.value:
        yield _line_end(text, _end(node))
    elif section is not None:
        yield begin
    else:
        yield len(text)


def _after_comment(text: str, begin: int, name: str, indent: int) -> Iterator[int]:
    shown = re.compile(rf"{' ' * indent}# ?{re.escape(name)}:")
    position = begin
    while position < len(text):
        end = _line_end(text, position + 1)
        line = text[position:end]
        if shown.match(line):
            yield end
            return
        bare = line.strip()
        if bare and not bare.startswith("#") and len(line) - len(line.lstrip()) < indent:
            return
        position = end


def _as_lines(text: str, words: list[str], scalar: str, indent: int) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = [f"{' ' * (indent + _INDENT * i)}{quote(word)}:" for i, word in enumerate(words)]
    lines[-1] += f" {scalar}"
    return "".join(line + newline for line in lines)


def _without_null(text: str, section: _Pair | None) -> str:
    """Blank a written-out null (`runs: ~`), keeping every position."""
    if section is None or not is_null(section.value):
        return text
    start, end = section.value.start_mark.index, section.value.end_mark.index
    return text[:start] + " " * (end - start) + text[end:]


def _put(text: str, position: int, lines: str) -> str:
    before = text[:position]
    joint = "\n" if before and not before.endswith("\n") else ""
    return before + joint + lines + text[position:]


def _into_flow(text: str, node: yaml.MappingNode, words: list[str], scalar: str) -> str:
    added = f"{quote(words[0])}: " + "".join(f"{{{quote(word)}: " for word in words[1:])
    added += scalar + "}" * (len(words) - 1)
    if node.value:
        end = _end(node.value[-1][1])
        return f"{text[:end]}, {added}{text[end:]}"
    start = node.start_mark.index + 1
    return text[:start] + added + text[start:]


# Taking one out


def _emptied(text: str, pair: _Pair) -> Iterator[_Pair]:
    """Yield the outermost section that would have nothing else in it, and then what is within."""
    chain = [pair]
    for outer in reversed(pair.around):
        if len(chain[-1].section.value) > 1 or _has_comments(text, outer, pair):
            break
        chain.append(outer)
    yield from reversed(chain)


def _has_comments(text: str, section: _Pair, pair: _Pair) -> bool:
    """Tell whether there are comments around a setting, within a section that has nothing else."""
    above = text[_line_end(text, section.key.end_mark.index) : pair.key.start_mark.index]
    end = _line_end(text, _end(pair.value))
    below = text[end : _line_end(text, end + 1)]
    is_within = len(below) - len(below.lstrip()) > section.key.start_mark.column
    return above.lstrip().startswith("#") or (is_within and below.lstrip().startswith("#"))


def _removed(text: str, pair: _Pair) -> str:
    if pair.section.flow_style:
        return _out_of_flow(text, pair)
    start, end = _line_start(text, pair.key.start_mark.index), _line_end(text, _end(pair.value))
    lines = [] if isinstance(pair.value, yaml.ScalarNode) else text[start:end].splitlines(keepends=True)
    comments = [line for line in lines if line.lstrip().startswith("#")]
    return text[:start] + "".join(comments) + text[end:]


def _out_of_flow(text: str, pair: _Pair) -> str:
    pairs = pair.section.value
    number = next(i for i, (key, _) in enumerate(pairs) if key is pair.key)
    start, end = pair.key.start_mark.index, _end(pair.value)
    if number + 1 < len(pairs):
        end = pairs[number + 1][0].start_mark.index
    elif number:
        start = _end(pairs[number - 1][1])
    return text[:start] + text[end:]
