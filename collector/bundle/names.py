"""Where things lie in a bundle, and which paths a record may speak of. Pure.

In a bundle every name can be unpacked anywhere: plain ASCII, short, told apart without regard to case, none
that Windows keeps for itself. A file whose own path is anything else lies under a name made of it; its own
path is in run.json, and whoever reads makes the name anew and compares.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from collector.workspace import (
    ANNOTATIONS_JSON,
    CALL_JSON,
    DAMAGE_JSON,
    IMPORT_JSON,
    INCOMING,
    OUTPUT_INDEX,
    RUN_JSON,
)

PAYLOAD = "data/runs/"
KEPT_BESIDE = (ANNOTATIONS_JSON, OUTPUT_INDEX)
"""What is in a bundle though it is no artifact."""
_BESIDE = (RUN_JSON, *KEPT_BESIDE)
MAX_PATH_BYTES = 1024
MAX_DEPTH = 64
_RUN_NAME = re.compile(r"(?!\.)(?=.{1,160}\Z)[a-z0-9._-]+-\d{8}-\d{6}(-\d{1,12})?")
_PLAIN = re.compile(r"[A-Za-z0-9_+@(,)~#!$&'^{}\[\]-][A-Za-z0-9._+@(,)~#!$&'^{}\[\] -]{0,99}")
_ALLOWED = re.compile(r"[A-Za-z0-9._+@(,)~#!$&'^{}\[\]= -]{1,160}")
_UNPLAIN = re.compile(r"[^A-Za-z0-9._+@-]")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_PLAIN_DEPTH = 12
_NOT_ARTIFACTS = frozenset(
    {RUN_JSON, ANNOTATIONS_JSON, CALL_JSON, IMPORT_JSON, DAMAGE_JSON, OUTPUT_INDEX, INCOMING}
)


def is_run_name(text: object) -> bool:
    """Tell whether a text is a name that acode gives to a run."""
    return isinstance(text, str) and text.isascii() and _RUN_NAME.fullmatch(text) is not None


def check_artifact_paths(paths: Iterable[str]) -> None:
    """Refuse paths that do not lie side by side in one run folder.

    Raises:
        ValueError: naming the first that does not.
    """
    seen: set[str] = set()
    for path in paths:
        check_artifact_path(path)
        if path in seen:
            raise ValueError(f"path {path!r} is there twice")
        seen.add(path)
    for path in seen:
        for parent in _parents(path):
            if parent in seen:
                raise ValueError(f"path {parent!r} is a file and a folder")


def check_artifact_path(path: str) -> None:
    """Refuse a path that leaves its run folder, or that is not an artifact's.

    Raises:
        ValueError: saying why.
    """
    parts = path.split("/")
    data = path.encode("utf-8", "surrogatepass")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"path {path!r} would leave its folder")
    if len(data) > MAX_PATH_BYTES or len(parts) > MAX_DEPTH:
        raise ValueError(f"path {path[:80]!r} is too long")
    if any(len(part.encode("utf-8", "surrogatepass")) > 255 for part in parts):
        raise ValueError(f"path {path[:80]!r} is too long")
    if parts[0] in _NOT_ARTIFACTS or parts[0].startswith((".run.json.", ".annotations.json.")):
        raise ValueError(f"path {path!r} is one of acode's own")
    if data.decode("utf-8", "replace") != path:
        raise ValueError(f"path {path!r} is no Unicode")


def bundle_names(paths: Iterable[str]) -> dict[str, str]:
    """Return where the files of a run lie in its folder of a bundle, by their own path.

    Args:
        paths: of all its files; they passed `check_artifact_paths`.
    """
    ordered = sorted(paths)
    plain = {path: path for path in ordered if _is_plain(path)}
    folders = {_folded(parent) for path in plain for parent in _parents(path)}
    names: dict[str, str] = {}
    taken = {_folded(name) for name in _BESIDE}
    for path in ordered:
        if path in KEPT_BESIDE or (path in plain and not _is_in_the_way(path, taken, folders)):
            names[path] = path
        else:
            names[path] = _made_name(path)
        taken.add(_folded(names[path]))
    return names


def _is_in_the_way(path: str, taken: set[str], folders: set[str]) -> bool:
    """Tell whether a file system without regard to case would take a path for another."""
    folded = _folded(path)
    beside = {_folded(parent) for parent in _parents(path)} & {_folded(name) for name in _BESIDE}
    return folded in taken or folded in folders or bool(beside)


def check_bundle_names(names: Iterable[str]) -> None:
    """Refuse names that could lead anywhere, or that some file system takes for one another.

    Raises:
        ValueError: naming the first.
    """
    seen: dict[str, str] = {}
    for name in names:
        parts = name.split("/")
        if (
            name.startswith("/")
            or "\\" in name
            or ":" in name
            or any(part in ("", ".", "..") for part in parts)
        ):
            raise ValueError(f"the name {name[:120]!r} leads out of the bundle")
        if not all(_ALLOWED.fullmatch(part) for part in parts) or len(parts) > _PLAIN_DEPTH + 3:
            raise ValueError(f"the name {name[:120]!r} is not one that a bundle has")
        if _folded(name) in seen:
            raise ValueError(f"the name {name[:120]!r} is there twice")
        seen[_folded(name)] = name
    for folded, name in seen.items():
        if any(parent in seen for parent in _parents(folded)):
            raise ValueError(f"the name {name[:120]!r} lies in a file")


def _is_plain(path: str) -> bool:
    parts = path.split("/")
    return len(parts) <= _PLAIN_DEPTH and all(_is_plain_part(part) for part in parts)


def _is_plain_part(part: str) -> bool:
    return (
        _PLAIN.fullmatch(part) is not None
        and not part.endswith((".", " "))
        and _DEVICES.fullmatch(part) is None
    )


def _made_name(path: str) -> str:
    """Return a plain name that no other path has: `=`, which is in no plain name, and a hash."""
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    stem = _UNPLAIN.sub("_", stem)[:40]
    return f"{stem}={digest}{dot if stem else ''}{_UNPLAIN.sub('_', suffix)[:10]}".rstrip(". ")


def _parents(path: str) -> Iterable[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
