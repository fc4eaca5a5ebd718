"""An encrypted file, altered in every way there is: all of it must be refused, and nothing come out before.

    python -m campaigns.encryption [--bytes 200000] [--jobs 2] [--edits 100000] [--files 1000000] [--seed 1]

Flips every bit, cuts at every byte, makes random edits (spans overwritten, taken out, put in, exchanged,
mixed with another file of the same key and identity), and makes the heads of many files, of which no two may
have a salt or key in common. What a reader gave out before it noticed must be what was written.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, BinaryIO, cast

from collector.encryption.header import HEADER_BYTES, new_header
from collector.encryption.key import Key, among, key_of
from collector.encryption.stream import CHUNK_BYTES, encrypt_stream, open_decrypted

IDENTITY = b"run/stdout.txt"
STORED = CHUNK_BYTES + 16


def make(size: int, seed: bytes, key: Key) -> tuple[bytes, bytes]:
    """Return a content and its encrypted form."""
    content, target = hashlib.shake_128(seed).digest(size), io.BytesIO()
    encrypt_stream(io.BytesIO(content), target, key, IDENTITY)
    return content, target.getvalue()


class Altered:
    """A file in memory that is altered where it lies: copying it for each bit would be most of the work."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._data, self._at = data, 0

    def read(self, size: int) -> bytes:
        """Read as a file does."""
        start, self._at = self._at, min(self._at + size, len(self._data))
        return bytes(memoryview(self._data)[start : self._at])

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, or to the end."""
        self._at = len(self._data) if whence else offset
        return self._at

    def close(self) -> None:
        """Do nothing."""


def verdict(stored: bytes | bytearray, content: bytes, key: Key) -> str:
    """Return what became of an altered file: `refused`, `accepted`, `early` or `crashed`."""
    given, whole = 0, memoryview(content)
    try:
        with open_decrypted(cast(BinaryIO, Altered(stored)), among([key]), IDENTITY) as file:
            while data := file.read(CHUNK_BYTES):
                if whole[given : given + len(data)] != data:
                    return "early"
                given += len(data)
    except OSError:
        return "refused"
    except Exception:  # noqa: BLE001 - to be counted
        return "crashed"
    return "accepted"


def count(verdicts: Iterable[str]) -> dict[str, int]:
    """Count verdicts."""
    found: dict[str, int] = {}
    for item in verdicts:
        found[item] = found.get(item, 0) + 1
    return found


def flip(bits: range, stored: bytes, content: bytes, key: Key) -> dict[str, int]:
    """Flip each of some bits alone."""
    changed = bytearray(stored)

    def flipped(bit: int) -> str:
        changed[bit // 8] ^= 1 << bit % 8
        found = verdict(changed, content, key)
        changed[bit // 8] ^= 1 << bit % 8
        return found

    return count(map(flipped, bits))


def cut(lengths: range, stored: bytes, content: bytes, key: Key) -> dict[str, int]:
    """Cut a file to each of some lengths, and append as much of itself."""
    ends = [*(stored[:length] for length in lengths), *(stored + stored[-n - 1 :] for n in lengths if n < 40)]
    return count(verdict(end, content, key) for end in ends)


def edit(seeds: range, stored: bytes, content: bytes, key: Key, other: bytes = b"") -> dict[str, int]:
    """Make a random edit for each seed."""
    return count(verdict(edited(seed, stored, other), content, key) for seed in seeds)


def edited(seed: int, stored: bytes, other: bytes) -> bytes:
    """Return a file with a random edit that changes it."""
    chance = random.Random(seed)  # noqa: S311, RUF100 - repeatable, not secret
    while True:
        one, two = sorted(chance.randrange(len(stored) + 1) for _ in range(2))
        if chance.random() < 0.5:  # at chunks, as somebody would who knows the form
            one, two = (
                HEADER_BYTES + max(0, place - HEADER_BYTES) // STORED * STORED for place in (one, two)
            )
        middle = stored[one:two]
        changed = chance.choice((
            stored[:one] + stored[two:],
            stored[:one] + middle + stored[one:],
            stored[:one] + chance.randbytes(len(middle)) + stored[two:],
            stored[:one] + other[one:two] + stored[two:],
            other[:one] + stored[one:],
            stored[two:] + stored[:two],
            stored[:one] + middle[::-1] + stored[two:],
        ))  # fmt: skip
        if changed not in (stored, other):
            return changed


def heads(seeds: range, key: Key) -> list[bytes]:
    """Return what must be different in the heads of new files: both salts, hashed, and the wrapped keys'."""
    found = []
    for _ in seeds:
        data = new_header(key, IDENTITY)[0].data
        found += [data[41:57], data[75:91], data[91:107]]
    return found


def run(name: str, work: Callable[[range], dict[str, int]], total: int, pool: ProcessPoolExecutor) -> bool:
    """Do a kind of alteration in parts; say how many there were; tell whether all were refused."""
    began = time.monotonic()
    parts = [range(start, min(start + 2000, total)) for start in range(0, total, 2000)]
    found: dict[str, int] = {}
    for number, part in enumerate(pool.map(work, parts)):
        found = {key: found.get(key, 0) + part.get(key, 0) for key in found.keys() | part.keys()}
        if number % 20 == 0:
            print(f"{name}: {sum(found.values()):,} of {total:,}: {found}", file=sys.stderr, flush=True)
    shown = ", ".join(f"{number:,} {key}" for key, number in sorted(found.items()))
    print(f"{name}: {shown} ({time.monotonic() - began:.0f} s)", flush=True)
    return set(found) <= {"refused"}


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (
        ("bytes", 200_000),
        ("jobs", 2),
        ("edits", 100_000),
        ("files", 1_000_000),
        ("seed", 1),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    key = key_of(hashlib.sha256(b"%d" % options.seed).digest())
    content, stored = make(options.bytes, b"one", key)
    other = make(options.bytes, b"two", key)[1]
    facts: dict[str, Any] = {"stored": stored, "content": content, "key": key}
    with ProcessPoolExecutor(options.jobs) as pool:
        good = [
            verdict(stored, content, key) == "accepted",
            run("cuts", partial(cut, **facts), len(stored), pool),
            run("edits", partial(edit, other=other, **facts), options.edits, pool),
            run("flipped bits", partial(flip, **facts), 8 * len(stored), pool),
        ]
        parts = [range(start, start + 1000) for start in range(0, options.files, 1000)]
        made = [value for part in pool.map(partial(heads, key=key), parts) for value in part]
    print(f"heads of {options.files:,} files: {len(made):,} values, {len(set(made)):,} of them different")
    return 0 if all(good) and len(set(made)) == len(made) else 1


if __name__ == "__main__":
    sys.exit(main())
