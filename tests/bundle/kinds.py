"""What every kind of hostile bundle is made with: each is a good one but for one thing.

So nothing else can be why it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bundle.making import Contents, Zip
from tests.bundle.stores import STAMP

Make = Callable[[Contents], bytes]
BUILD, TEST = f"build-{STAMP}", f"test-{STAMP}"
IN_TEST = f"data/runs/{TEST}/"
OUT = f"{IN_TEST}stdout.txt"
KINDS: dict[str, Make] = {}


def kind(name: str, make: Make) -> None:
    """Add a kind."""
    if name in KINDS:
        raise ValueError(name)
    KINDS[name] = make


def of_zip(name: str, change: Callable[[Zip], object]) -> None:
    def make(contents: Contents) -> bytes:
        made = contents.zip()
        change(made)
        return made.build()

    kind(f"zip: {name}", make)


def put(key: str, value: Any, *way: str | int) -> Callable[[Any], object]:
    """Return what sets a key of the object that a way of keys leads to."""

    def change(value_at: Any) -> None:
        for step in way:
            value_at = value_at[step]
        value_at[key] = value

    return change


def drop(key: str) -> Callable[[Any], object]:
    """Return what takes a key away."""
    return lambda record: record.pop(key)


def in_stdout(change: Callable[[Any], object]) -> Callable[[dict[str, Any]], object]:
    """Return what changes the entry of an artifact of a record."""
    return lambda record: change(artifact_of(record, "stdout.txt"))


def artifact_of(record: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the entry of an artifact."""
    found: dict[str, Any] = next(entry for entry in record["artifacts"] if entry["path"] == path)
    return found
