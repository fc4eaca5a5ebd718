"""A tag as it is typed: NAME or NAME=VALUE; the same wherever runs are tagged."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_NAME = 200
MAX_VALUE = 4096


def parse_tag(text: str) -> tuple[str, str]:
    """Return the name and the value, which is empty where none was given.

    Raises:
        ValueError: saying what is wrong with it.
    """
    name, _, value = text.partition("=")
    if not name.strip():
        raise ValueError("a tag is NAME or NAME=VALUE")
    if len(name) > MAX_NAME or len(value) > MAX_VALUE:
        raise ValueError(
            f"tag {name[:40]!r} is too long: at most {MAX_NAME} characters, its value {MAX_VALUE}"
        )
    if not name.isprintable():
        raise ValueError(f"the name of tag {name!r} has control characters in it")
    return name, value


def find_tag(tags: Mapping[str, str], patterns: Sequence[str]) -> str:
    """Return the first tag that fits a pattern, as it is typed; empty when none does.

    Args:
        tags: of a run.
        patterns: `NAME` or `NAME=VALUE`, with `*` and `?`; a name alone fits whatever the value.
    """
    if not patterns or not tags:
        return ""
    from fnmatch import fnmatchcase

    for key, value in tags.items():
        whole = f"{key}={value}" if value else key
        if any(fnmatchcase(key, pattern) or fnmatchcase(whole, pattern) for pattern in patterns):
            return whole
    return ""
