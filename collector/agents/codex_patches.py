"""Unified diffs of what Codex changed: from the changes that it tells of, or from the patch it was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from collector.agents.values import mapping, text

_NOWHERE = "/dev/null"


def diff_of_changes(changes: object, directory: str | None) -> str | None:
    """Return a diff of changes, each under its file's path; None when there are none.

    Args:
        changes: `{PATH: {"type": "add"|"delete"|"update", …}}`, or of old versions `{PATH: {"add": {…}}}`.
        directory: paths below it are shown relative to it.
    """
    parts = [
        part
        for path, change in mapping(changes).items()
        if (part := _diff_of_change(_shown(path, directory), mapping(change), directory))
    ]
    return "".join(parts) or None


def _diff_of_change(path: str, change: Mapping[str, Any], directory: str | None) -> str:
    kind = text(change.get("type")) or next(iter(change), "")
    change = change if "type" in change else mapping(change.get(kind))
    if kind == "update":
        target = text(change.get("move_path"))
        hunks = text(change.get("unified_diff")) or ""
        body = hunks if hunks.startswith("@@") or not hunks else hunks[max(0, hunks.find("\n@@") + 1) :]
        return _head(f"a/{path}", f"b/{_shown(target, directory) if target else path}") + _ended(body)
    content = text(change.get("content")) or ""
    if kind == "add":
        return _head(_NOWHERE, f"b/{path}") + _hunk("+", content)
    if kind == "delete":
        return _head(f"a/{path}", _NOWHERE) + _hunk("-", content)
    return ""


def _shown(path: str, directory: str | None) -> str:
    prefix = f"{directory.rstrip('/')}/" if directory else ""
    return path[len(prefix) :] if prefix and path.startswith(prefix) else path.lstrip("/")


def _head(old: str, new: str) -> str:
    return f"--- {old}\n+++ {new}\n"


def _hunk(sign: str, content: str) -> str:
    lines = content.splitlines()
    if not lines:
        return ""
    here = f"{sign}1,{len(lines)}"
    other = "-0,0" if sign == "+" else "+0,0"
    ranges = f"{other} {here}" if sign == "+" else f"{here} {other}"
    return f"@@ {ranges} @@\n" + "".join(f"{sign}{line}\n" for line in lines)


def _ended(body: str) -> str:
    return body if not body or body.endswith("\n") else f"{body}\n"


def diff_of_patch(patch: str) -> str | None:
    """Return a diff of a patch in the format of `apply_patch`; None when it names no file.

    Such a patch knows no line numbers and nothing of what a deleted file held: each hunk says that it
    begins at line 1.
    """
    parts: list[str] = []
    for heading, name, lines in _sections(patch.splitlines()):
        if heading == "Add":
            body = _hunk("+", "\n".join(line[1:] for line in lines if line.startswith("+")))
            parts.append(_head(_NOWHERE, f"b/{name}") + body)
        elif heading == "Delete":
            parts.append(_head(f"a/{name}", _NOWHERE))
        else:
            moved = (
                lines[0].removeprefix("*** Move to: ") if lines and lines[0].startswith("*** Mo") else name
            )
            parts.append(_head(f"a/{name}", f"b/{moved.strip()}") + "".join(_hunks(lines)))
    return "".join(parts) or None


def _sections(lines: Iterable[str]) -> Iterator[tuple[str, str, list[str]]]:
    heading, name, body = "", "", list[str]()
    for line in lines:
        for start in ("Add", "Update", "Delete"):
            if line.startswith(f"*** {start} File: "):
                if heading:
                    yield heading, name, body
                heading, name, body = start, line.partition(": ")[2].strip(), []
                break
        else:
            if line.startswith(("*** End Patch", "*** Begin Patch", "*** End of File")):
                continue
            body.append(line)
    if heading:
        yield heading, name, body


def _hunks(lines: Iterable[str]) -> Iterator[str]:
    context, hunk = "", list[str]()
    for line in lines:
        if line.startswith("@@"):
            yield _counted(context, hunk)
            context, hunk = line[2:].strip().strip("@").strip(), []
        elif line[:1] in ("+", "-", " "):
            hunk.append(line)
        elif not line:
            hunk.append(" ")
    yield _counted(context, hunk)


def _counted(context: str, hunk: list[str]) -> str:
    if not hunk:
        return ""
    old = sum(1 for line in hunk if line[0] != "+")
    new = sum(1 for line in hunk if line[0] != "-")
    heading = f"@@ -{min(1, old)},{old} +{min(1, new)},{new} @@" + (f" {context}" if context else "")
    return "\n".join([heading, *hunk, ""])
