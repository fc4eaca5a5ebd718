"""Our hooks in the text of a settings file: putting them in, taking them out, and finding them.

Pure: text in, text out. Other people's hooks are never touched; a container is removed with our last
entry only if it was not there before, which the original text says. Without the original, one that our
entry leaves empty is taken for ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from collector.agents import json_edit
from collector.agents.hooks import SHELL_PREFIX, Integration, hook_of, is_shim
from collector.agents.json_edit import BOM, JsonError, Node, Splice


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be installed: the paths of acode-hook and, where the agent has one, of acode-shim."""

    integration: Integration
    hook: str
    shim: str | None = None


@dataclass(slots=True)
class Found:
    """What of ours is in a settings file: paths of acode-hook by event, and the prefix that is set."""

    hooks: dict[str, list[str]] = field(default_factory=dict)
    prefix: str | None = None

    @property
    def paths(self) -> list[str]:
        """Every acode-hook that is called, each once."""
        return sorted({path for paths in self.hooks.values() for path in paths})

    @property
    def shim(self) -> str | None:
        """The shim of acode that is set as prefix."""
        return self.prefix if is_shim(self.prefix) else None

    def missing(self, wanted: Wanted) -> list[str]:
        """Return the events that do not call the wanted acode-hook."""
        return [event for event in wanted.integration.events if wanted.hook not in self.hooks.get(event, ())]

    def is_complete(self, wanted: Wanted) -> bool:
        """Tell whether exactly what is wanted is there; a prefix of somebody else's may be as well."""
        exact = self.hooks == {event: [wanted.hook] for event in wanted.integration.events}
        return exact and (self.shim == wanted.shim or bool(wanted.shim and self.foreign_prefix))

    @property
    def foreign_prefix(self) -> str | None:
        """The prefix of somebody else's, which is kept."""
        return self.prefix if self.prefix and not is_shim(self.prefix) else None

    def __bool__(self) -> bool:
        return bool(self.hooks) or self.shim is not None


def find(text: str) -> Found:
    """Return what of ours is in a settings file.

    Raises:
        JsonError: the text is not JSON.
    """
    found = Found()
    root = json_edit.parse(text)
    if root is None:
        return found
    for item in root.items:
        if item.key != "hooks":
            continue
        for event, array in _events(item.value):
            paths = [path for entry in array.items for path in _paths(text, entry.value)]
            if paths:
                found.hooks[event] = found.hooks.get(event, []) + paths
    env = root.member("env")
    prefix = env.member(SHELL_PREFIX) if env else None
    if prefix and prefix.kind == "string":
        found.prefix = json_edit.to_python(text, prefix)
    return found


def require_readable(text: str, integration: Integration) -> None:
    """Refuse a settings file that the agent itself would not read: hooks in it would never be called.

    Raises:
        JsonError: the text is not JSON, or has what the agent does not know.
    """
    root = json_edit.parse(text)
    extra = json_edit.find_extra(text, root, integration.refuses) if root else None
    if extra is not None:
        raise JsonError(text, extra[0], f"a {extra[1]}, for which {integration.agent} ignores the whole file")


def _events(hooks: Node) -> Iterator[tuple[str, Node]]:
    for item in hooks.items:
        if item.key is not None and item.value.kind == "array":
            yield item.key, item.value


def _paths(text: str, entry: Node) -> list[str]:
    """Return our commands in an entry of an event: a handler, or a group of handlers."""
    path = _path(text, entry)
    if path is not None:
        return [path]
    handlers = entry.member("hooks")
    found = [_path(text, item.value) for item in handlers.items] if handlers else []
    return [path for path in found if path is not None]


def _path(text: str, node: Node) -> str | None:
    """Return the acode-hook that a handler calls."""
    if node.kind != "object":
        return None
    has_arguments = node.member("args") is not None
    for key in ("command", "bash", "exec"):
        command = node.member(key)
        if command is not None and command.kind == "string":
            found = hook_of(json_edit.to_python(text, command), has_arguments or key == "exec")
            if found is not None:
                return found
    return None


def install(text: str, wanted: Wanted) -> str:
    """Return a settings file with our entries, given one without.

    Raises:
        JsonError: the text is not JSON, or not what the agent's settings look like.
    """
    root = json_edit.parse(text)
    if root is None:
        return _new_document(text, wanted)
    _expect(text, root, "object", "the file does not hold an object")
    entries: list[tuple[str | None, Any]] = []
    splices: list[Splice] = []
    if wanted.integration.versioned and root.member("version") is None:
        entries.append(("version", 1))
    hooks = root.member("hooks")
    if hooks is None:
        entries.append(("hooks", _all_events(wanted)))
    else:
        splices += _into_hooks(text, hooks, wanted)
    if wanted.shim:
        env = root.member("env")
        if env is None:
            entries.append(("env", {SHELL_PREFIX: wanted.shim}))
        else:
            _expect(text, env, "object", "'env' is not an object")
            if env.member(SHELL_PREFIX) is None:
                splices += json_edit.append(text, env, [(SHELL_PREFIX, wanted.shim)])
    return json_edit.apply(text, splices + json_edit.append(text, root, entries))


def _expect(text: str, node: Node, kind: str, message: str) -> None:
    if node.kind != kind:
        raise JsonError(text, node.start, message)


def _entry(wanted: Wanted, event: str) -> dict[str, Any]:
    handler = wanted.integration.handler(wanted.hook, event)
    return {"hooks": [handler]} if wanted.integration.grouped else handler


def _all_events(wanted: Wanted) -> dict[str, Any]:
    return {event: [_entry(wanted, event)] for event in wanted.integration.events}


def _into_hooks(text: str, hooks: Node, wanted: Wanted) -> list[Splice]:
    _expect(text, hooks, "object", "'hooks' is not an object")
    splices: list[Splice] = []
    new: list[tuple[str | None, Any]] = []
    for event in wanted.integration.events:
        array = hooks.member(event)
        if array is None:
            new.append((event, [_entry(wanted, event)]))
        else:
            _expect(text, array, "array", f"'hooks.{event}' is not an array")
            splices += json_edit.append(text, array, [(None, _entry(wanted, event))])
    return splices + json_edit.append(text, hooks, new)


def _new_document(text: str, wanted: Wanted) -> str:
    document: dict[str, Any] = {"version": 1} if wanted.integration.versioned else {}
    document["hooks"] = _all_events(wanted)
    if wanted.shim:
        document["env"] = {SHELL_PREFIX: wanted.shim}
    end = json_edit.newline(text)
    written = json.dumps(document, ensure_ascii=False, indent=2).replace("\n", end) + end
    before = text if not text.removeprefix(BOM).strip() or text.endswith("\n") else text + end
    return before + written


def uninstall(text: str, original: str | None, integration: Integration) -> str:
    """Return a settings file without our entries.

    Args:
        text: the file.
        original: what it was before we came; None when nobody remembers.
        integration: of which agent.

    Raises:
        JsonError: the text is not JSON.
    """
    root = json_edit.parse(text)
    if root is None or not find(text):
        return text
    removal = _Removal(text, original)
    left = json_edit.apply(text, removal.root(root))
    if integration.versioned:
        left = _without_version(left, original)
    return _without_object(left, original) if original is not None else left


def _without_version(text: str, original: str | None) -> str:
    """The version goes with our hooks if it came with them, unless there are other hooks that need it."""
    root = json_edit.parse(text)
    index = root.find("version") if root else None
    if root is None or index is None:
        return text
    was = _parse_quietly(original or "")
    if original is None:
        ours = len(root.items) == 1
    else:
        ours = _member(was, "version") is None and _entries(root) <= _entries(was)
    inside = _inside(original or "", was)
    return json_edit.apply(text, json_edit.remove(text, root, [index], inside)) if ours else text


def _entries(root: Node | None) -> int:
    """Return how many entries all events have."""
    hooks = _member(root, "hooks")
    return sum(len(array.items) for _, array in _events(hooks)) if hooks else 0


def _inside(text: str, node: Node | None) -> str:
    """Return what an empty container holds: white space and comments."""
    if node is None or node.items or node.kind not in ("object", "array"):
        return ""
    return text[node.start + 1 : node.end - 1]


def _without_object(text: str, original: str) -> str:
    """Where the file held no value at all, the object we put there goes too, once it is empty."""
    if not original.strip() and is_empty(text):
        return original
    root = json_edit.parse(text)
    if root is None or root.items or _parse_quietly(original) is not None:
        return text
    if not text.startswith(original):
        return text
    added = text[len(original) : root.start] + text[root.end :]
    return text if added.strip() else original


def is_empty(text: str) -> bool:
    """Tell whether a settings file says nothing: no value, or an object without members and comments."""
    root = json_edit.parse(text)
    return root is None or text.removeprefix(BOM).split() in (["{}"], ["{", "}"])


class _Removal:
    """Takes our entries out, from the outside in: what goes as a whole is one splice."""

    def __init__(self, text: str, original: str | None) -> None:
        self._text = text
        self._before = original or ""
        self._was = _parse_quietly(self._before)

    def root(self, root: Node) -> list[Splice]:
        gone: list[int] = []
        splices: list[Splice] = []
        for index, item in enumerate(root.items):
            if item.key == "hooks":
                inner = self._hooks(item.value, _member(self._was, "hooks"))
            elif item.key == "env" and item.value.kind == "object":
                inner = self._env(item.value, _member(self._was, "env"))
            else:
                continue
            if inner is None:
                gone.append(index)
            else:
                splices += inner
        return splices + json_edit.remove(self._text, root, gone, self._inside(self._was))

    def _inside(self, was: Node | None) -> str:
        return _inside(self._before, was)

    def _hooks(self, hooks: Node, was: Node | None) -> list[Splice] | None:
        """Return what to splice within, or None when the whole member goes."""
        gone: list[int] = []
        splices: list[Splice] = []
        for index, item in enumerate(hooks.items):
            if item.value.kind != "array":
                continue
            inner = self._event(item.value, _member(was, item.key))
            if inner is None:
                gone.append(index)
            else:
                splices += inner
        if gone and len(gone) == len(hooks.items) and was is None:
            return None
        return splices + json_edit.remove(self._text, hooks, gone, self._inside(was))

    def _event(self, array: Node, was: Node | None) -> list[Splice] | None:
        gone: list[int] = []
        splices: list[Splice] = []
        for index, item in enumerate(array.items):
            if _path(self._text, item.value) is not None:
                gone.append(index)
                continue
            handlers = item.value.member("hooks")
            if handlers is None:
                continue
            ours = [i for i, h in enumerate(handlers.items) if _path(self._text, h.value) is not None]
            if ours and len(ours) == len(handlers.items):
                gone.append(index)
            else:
                splices += json_edit.remove(self._text, handlers, ours)
        if gone and len(gone) == len(array.items) and was is None:
            return None
        return splices + json_edit.remove(self._text, array, gone, self._inside(was))

    def _env(self, env: Node, was: Node | None) -> list[Splice] | None:
        gone = [
            index
            for index, item in enumerate(env.items)
            if item.key == SHELL_PREFIX
            and item.value.kind == "string"
            and is_shim(json_edit.to_python(self._text, item.value))
        ]
        if gone and len(gone) == len(env.items) and was is None:
            return None
        return json_edit.remove(self._text, env, gone, self._inside(was))


def _member(node: Node | None, key: str | None) -> Node | None:
    return node.member(key) if node is not None and key is not None else None


def _parse_quietly(text: str) -> Node | None:
    try:
        return json_edit.parse(text)
    except JsonError:
        return None
