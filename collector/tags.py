"""A tag as it is typed: NAME or NAME=VALUE; the same wherever runs are tagged."""

from __future__ import annotations

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
