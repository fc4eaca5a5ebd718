"""Unified diffs of what Claude Code's editing tools changed, as far as their results tell."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from collector.agents.claude_code_calls import Call, shown_path
from collector.agents.values import items, mapping, text, whole

_MAX_COMPARISONS = 25_000_000
_NO_NEWLINE = "\\ No newline at end of file"
_PLACE_UNKNOWN = " where in the file is not known"


def diff_of(call: Call, details: object, answer: str) -> str | None:
    """Return a diff of what a call changed, or None when that is not known (or nothing changed).

    Args:
        call: an edit or a write that ended well.
        details: the tool's own account of it, if the channel has one.
        answer: what the model was told.
    """
    said = mapping(details)
    path = (
        text(said.get("filePath"))
        or text(said.get("notebook_path"))
        or text(call.input.get("file_path"))
        or text(call.input.get("notebook_path"))
    )
    if path is None:
        return None
    hunks, is_new = _hunks(call, said, answer)
    if not hunks:
        return None
    name = _file_name(shown_path(path, call.directory))
    prefix = "" if name.startswith(("/", '"')) else "a/"
    old = "/dev/null" if is_new else f"{prefix}{name}"
    new = f"b/{name}" if prefix else name
    return "\n".join([f"--- {old}", f"+++ {new}", *hunks]) + "\n"


def _hunks(call: Call, said: Mapping[str, Any], answer: str) -> tuple[list[str], bool]:
    if call.tool == "NotebookEdit":
        old, new = said.get("original_file"), said.get("updated_file")
        return (_compare(old, new) if isinstance(old, str) and isinstance(new, str) else []), False
    patch = [line for hunk in items(said.get("structuredPatch")) for line in _hunk(mapping(hunk))]
    if patch:
        return patch, False
    if call.tool == "Write":
        return _of_write(call, said, answer)
    return _of_edit(call, said)


def _hunk(hunk: Mapping[str, Any]) -> list[str]:
    """Lines of a hunk, counted anew: what is not understood is left out."""
    lines = [line.rstrip("\n") for line in items(hunk.get("lines")) if isinstance(line, str)]
    lines = [line for line in lines if line[:1] in (" ", "+", "-", "\\") and "\n" not in line]
    if not any(line[:1] in ("+", "-") for line in lines):
        return []
    return [_header(lines, whole(hunk.get("oldStart")), whole(hunk.get("newStart"))), *lines]


def _header(lines: Iterable[str], old_start: int | None, new_start: int | None, section: str = "") -> str:
    kinds = [line[:1] for line in lines]
    old = kinds.count(" ") + kinds.count("-")
    new = kinds.count(" ") + kinds.count("+")
    old_start = old_start if old_start is not None and old_start >= 0 else 1
    new_start = new_start if new_start is not None and new_start >= 0 else 1
    return f"@@ -{old_start},{old} +{new_start},{new} @@{section}"


def _of_write(call: Call, said: Mapping[str, Any], answer: str) -> tuple[list[str], bool]:
    content = said.get("content", call.input.get("content"))
    if not isinstance(content, str):
        return [], False
    old = said.get("originalFile")
    if isinstance(old, str):
        return _compare(old, content), False
    if said.get("type") == "create" or (not said and answer.startswith("File created")):
        return _replaced("", content, 0), True
    return [], False


def _of_edit(call: Call, said: Mapping[str, Any]) -> tuple[list[str], bool]:
    """What was replaced by what; an edit of nothing makes a file."""
    edits = [mapping(edit) for edit in items(call.input.get("edits"))] or [call.input]
    hunks: list[str] = []
    for edit in edits:
        old, new = edit.get("old_string"), edit.get("new_string")
        if not isinstance(old, str) or not isinstance(new, str) or old == new:
            continue
        if not old and not said.get("originalFile") and len(edits) == 1:
            return _replaced("", new, 0), True
        hunks += _replaced(old, new, 1, _PLACE_UNKNOWN)
    return hunks, False


def _replaced(old: str, new: str, start: int, section: str = "") -> list[str]:
    """One hunk in which every line is replaced."""
    lines = _marked("-", old) + _marked("+", new)
    if not old:
        return [_header(lines, 0, 1, section), *lines] if lines else []
    if section:
        lines = [line for line in lines if line != _NO_NEWLINE]
    return [_header(lines, start, start if new else 0, section), *lines]


def _marked(mark: str, content: str) -> list[str]:
    if not content:
        return []
    lines = [mark + line for line in content.split("\n")]
    if content.endswith("\n"):
        return lines[:-1]
    return [*lines, _NO_NEWLINE]


def _compare(old: str, new: str) -> list[str]:
    if old == new:
        return []
    before, after = _marked(" ", old), _marked(" ", new)
    if len(before) * len(after) > _MAX_COMPARISONS:
        return _replaced(old, new, 1)
    # A missing newline is a line of its own here; it belongs to the line before it.
    found = list(difflib.unified_diff(_join_newline(before), _join_newline(after), lineterm=""))[2:]
    return [line for hunk_line in found for line in hunk_line.split("\n")]


def _join_newline(lines: list[str]) -> list[str]:
    bare = [line[1:] for line in lines if line != _NO_NEWLINE]
    if bare and len(bare) < len(lines):
        bare[-1] += "\n" + _NO_NEWLINE
    return bare


def _file_name(path: str) -> str:
    return json.dumps(path) if any(c < " " or c in '"\\' for c in path) else path
