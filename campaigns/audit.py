"""Thousands of edits of an audit log: each must be found by verifying, cut tails against a checkpoint.

python -m campaigns.audit --edits 10000
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

from collector.audit import append_audit
from collector.audit.checkpoint import Checkpoint, verify_audit
from collector.audit.log import path_of
from collector.workspace import Workspace

_ENTRIES = 40


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as root:
        workspace = Workspace(root)
        workspace.create()
        for n in range(_ENTRIES):
            append_audit(workspace, "export", f"run-{n}", {"bytes": n})
        path = Path(path_of(workspace))
        lines = path.read_bytes().splitlines(keepends=True)
        checkpoint = Checkpoint(verify_audit(workspace).last, "")
        missed = 0
        for _ in range(options.edits):
            edited = _edit(list(lines), chance)
            if edited == lines:
                continue
            path.write_bytes(b"".join(edited))
            if not verify_audit(workspace, [checkpoint]).problems:
                missed += 1
                print("missed:", b"".join(edited)[:200])
    print(f"{options.edits} edits, {missed} missed")
    return int(missed > 0)


def _edit(lines: list[bytes], chance: random.Random) -> list[bytes]:
    kind, at = chance.randrange(6), chance.randrange(len(lines))
    other = chance.randrange(len(lines))
    if kind == 0:
        del lines[at : at + chance.randint(1, 3)]
    elif kind == 1:
        lines.insert(other, lines[at])
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3:
        del lines[at:]
    elif kind == 4:
        line = bytearray(lines[at])
        line[chance.randrange(len(line) - 1)] ^= chance.randint(1, 255)
        lines[at] = bytes(line)
    else:
        cut = chance.randrange(len(lines[at]))
        lines[at] = lines[at][:cut] + lines[at][cut + chance.randint(1, 20) :]
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
