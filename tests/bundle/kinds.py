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


def artifact_of(record: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the entry of an artifact."""
    found: dict[str, Any] = next(entry for entry in record["artifacts"] if entry["path"] == path)
    return found
