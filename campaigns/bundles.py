"""Bundles that are changed, and imports that are killed, many more of both than the tests have time for.

    python -m campaigns.bundles flips [--seconds 600]       every bit of every byte of a bundle
    python -m campaigns.bundles bytes [--seconds 600]       random changes of a bundle's bytes
    python -m campaigns.bundles words [--seconds 600]       random changes of what it says, sealed again
    python -m campaigns.bundles kill [--every 1]            an import killed at each of its system calls

What is changed must be refused, and nothing else may happen. A bundle that was sealed again may be accepted:
then what was imported is exported as the same bytes, and nothing lies anywhere but in the runs' folders.
After a kill all runs are there or none, a second recovery changes nothing, the next import does the rest.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from campaigns.syscalls import acode, inject, points
from collector.bundle import ExportOptions, ImportOptions, export_bundle, import_bundle, verify_bundle
from collector.errors import AcodeError
from collector.record import spool
from collector.store.database import quick_check
from collector.workspace import Workspace
from tests.bundle.making import Contents
from tests.bundle.stores import record, runs_of, snapshot, two_runs, write_run

CALLS = ("mkdir", "rename", "fsync", "fdatasync", "syncfs", "flock", "write", "pwrite64", "openat", "unlink",
         "rmdir", "link", "ftruncate", "close")  # fmt: skip
AWKWARD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1 << 52, 1 << 60, 0.5, "", "x", "..", "../x", "/x", "a/b", "a\0", "\ud800",
    "\u202e", "running", "failure", "run.json", "stdout.txt", "2026-01-20T14:32:15.000Z", [], {}, [1],
    {"a": 1}, "0" * 64,
)  # fmt: skip


def good_bundle(folder: Path) -> bytes:
    """Return a bundle of two runs."""
    workspace = Workspace(str(folder / "source"))
    two_runs(workspace)
    export_bundle(workspace, runs_of(workspace), str(folder / "good.zip"), ExportOptions(redact=False))
    return (folder / "good.zip").read_bytes()


def is_valid(path: Path, data: bytes) -> bool:
    """Tell whether a file is accepted; only an error for the user may be raised."""
    path.write_bytes(data)
    return verify_bundle(str(path)).is_valid


# Bytes


def flipped(good: bytes) -> Iterator[bytes]:
    """Yield the bundle with each of its bits changed."""
    for bit in range(8 * len(good)):
        changed = bytearray(good)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def mutated(good: bytes, choose: random.Random) -> Iterator[bytes]:
    """Yield the bundle with a few random changes, for ever."""
    while True:
        data = bytearray(good)
        for _ in range(choose.randint(1, 6)):
            mutate(data, choose)
        yield bytes(data)


def mutate(data: bytearray, choose: random.Random) -> None:
    """Change bytes, a length, or the place of some."""
    at, length = choose.randrange(len(data) or 1), choose.choice((1, 2, 4, 8, 40))
    kind = choose.randrange(6)
    if kind == 0:
        data[at : at + 1] = bytes([choose.randrange(256)])
    elif kind == 1:
        data[at : at + length] = choose.randbytes(length)
    elif kind == 2:
        del data[at : at + length]
    elif kind == 3:
        data[at:at] = choose.randbytes(length)
    elif kind == 4:
        value = choose.choice((0, 1, 0xFFFF, 0xFFFFFFFF, len(data), choose.randrange(1 << 32)))
        data[at : at + 4] = value.to_bytes(4, "little")
    else:
        source = choose.randrange(len(data) or 1)
        data[at : at + length] = data[source : source + length]


def bytes_campaign(variants: Iterator[bytes], good: bytes, folder: Path, deadline: float) -> int:
    """Try variants until time is over; return how many were tried."""
    tried = 0
    for data in variants:
        if time.monotonic() > deadline:
            break
        tried += 1
        if is_valid(folder / "changed.zip", data) and data != good:
            kept = Path(f"accepted-{tried}.zip")
            kept.write_bytes(data)
            raise SystemExit(f"a changed bundle was accepted: {kept}")
    return tried


# Words


def contents_of(good: bytes) -> Contents:
    """Return what is in a bundle."""
    files, records = {}, {}
    with zipfile.ZipFile(io.BytesIO(good)) as bag:
        for name in bag.namelist():
            if name.endswith("/run.json"):
                records[name.split("/")[2]] = json.loads(bag.read(name))
            elif name.startswith("data/"):
                files[name] = bag.read(name)
    return Contents(files, records)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a JSON value: what holds it, and under which key."""
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def reworded(contents: Contents, choose: random.Random) -> Contents:
    """Return a bundle that says something else, everything in it sealed again."""
    changed = Contents(dict(contents.files), copy.deepcopy(contents.records))
    for _ in range(choose.randint(1, 3)):
        holder, key = choose.choice(list(places(changed.records)))
        kind = choose.randrange(4)
        if kind == 0:
            holder[key] = choose.choice(AWKWARD)
        elif kind == 1 and isinstance(holder, dict):
            del holder[key]
        elif kind == 2 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            other, name = choose.choice(list(places(changed.records)))
            if not isinstance(other[name], dict | list):
                holder[key] = other[name]
    return changed


def try_words(contents: Contents, folder: Path) -> str:
    """Import a bundle into a workspace of its own; return `refused`, `accepted`, or what went wrong."""
    place = folder / "place"
    shutil.rmtree(place, ignore_errors=True)
    workspace = Workspace(str(place / "workspace"))
    own = {"stdout.txt": b"mine\n"}
    write_run(workspace, record(5000, "own", own), own)
    before_runs = runs_of(workspace)
    Path(workspace.import_lock).touch()
    path = folder / "reworded.zip"
    path.write_bytes(contents.build())
    before = snapshot(place)
    try:
        import_bundle(workspace, str(path), ImportOptions())
    except AcodeError:
        return (
            "refused"
            if snapshot(place) == before and runs_of(workspace) == before_runs
            else "it left something"
        )
    runs = runs_of(workspace)
    if len(runs) != 1 + len(contents.records) or before_runs[0] not in runs:
        return f"there are {len(runs)} runs"
    imported = [run for run in runs if run.run_id != before_runs[0].run_id]
    own_files = ("workspace/.acode/audit", "workspace/.acode/writer.lock")
    allowed = tuple(f"workspace/.acode/artifacts/{run.folder}" for run in runs)
    elsewhere = [n for n in snapshot(place).keys() - before.keys() if not n.startswith(allowed + own_files)]
    if elsewhere:
        return f"it wrote {elsewhere[0]}"
    again = folder / "again.zip"
    options = ExportOptions(redact=False, replace=True, allow_incomplete=True)
    export_bundle(workspace, imported, str(again), options)
    if _payload(again) != _payload(path):
        return "exported again it is another"
    return "accepted"


def _payload(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as bag:
        return {name: bag.read(name) for name in bag.namelist() if name.startswith("data/")}


def words_campaign(good: bytes, folder: Path, choose: random.Random, deadline: float) -> dict[str, int]:
    contents, found = contents_of(good), {"accepted": 0, "refused": 0}
    while time.monotonic() < deadline:
        try:
            changed = reworded(contents, choose)
            outcome = try_words(changed, folder)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            if "making.py" in _last_file(error) or "json" in _last_file(error):
                continue  # it could not even be written
            raise
        if outcome not in found:
            shutil.copy(folder / "reworded.zip", "reworded.zip")
            raise SystemExit(f"{outcome}: reworded.zip")
        found[outcome] += 1
    return found


def _last_file(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename if trace is not None else ""


# Kill


def kill_campaign(good: bytes, folder: Path, every: int) -> tuple[int, list[str]]:
    """Kill an import at every n-th point; return how many, and what went wrong."""
    path = folder / "kill.zip"
    path.write_bytes(good)
    command = acode("runs", "import", str(path))
    tried, wrong = 0, []
    fresh = folder / "count"
    _filled(fresh)
    for position, point in enumerate(points(fresh, CALLS, command)):
        if position % every:
            continue
        root = folder / "attack"
        workspace = _filled(root)
        inject(root, point, "kill", command)
        tried += 1
        if problem := look(workspace, path):
            wrong.append(f"killed at {point[0]} number {point[1]}: {problem}")
        shutil.rmtree(root)
    return tried, wrong


def _filled(root: Path) -> Workspace:
    workspace = Workspace(str(root))
    own = {"stdout.txt": b"mine\n"}
    write_run(workspace, record(5000, "test", own), own)
    runs_of(workspace)
    return workspace


def look(workspace: Workspace, bundle: Path) -> str:
    """Recover twice, import again; return what is wrong, or nothing."""
    found = runs_of(workspace)
    if len(found) not in (1, 3):
        return f"{len(found)} runs"
    before = snapshot(Path(workspace.artifacts))
    if runs_of(workspace) != found or snapshot(Path(workspace.artifacts)) != before:
        return "a second recovery changed something"
    import_bundle(workspace, str(bundle), ImportOptions())
    runs = runs_of(workspace)
    if len(runs) != 3 or spool.list_announcements(workspace.spool) or Path(workspace.imports).exists():
        return f"a second import left {len(runs)} runs, or something in the way"
    whole = all(
        Path(workspace.artifacts, run.folder, artifact.path).stat().st_size == artifact.size_bytes
        for run in runs
        for artifact in run.artifacts
    )
    if not whole:
        return "an artifact is not whole"
    return "" if quick_check(workspace.database) == "ok" else "the database is damaged"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("flips", "bytes", "words", "kill"))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ["ACODE_COLLECTOR_AUTOSTART"] = "false"
    deadline, choose = time.monotonic() + options.seconds, random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = good_bundle(folder)
        if options.what == "kill":
            tried, wrong = kill_campaign(good, folder, options.every)
            print("\n".join([*wrong, f"{tried} points, {len(wrong)} wrong"]))
            return 1 if wrong else 0
        if options.what == "words":
            print(words_campaign(good, folder, choose, deadline))
            return 0
        make: Callable[[], Iterator[bytes]] = (
            (lambda: flipped(good)) if options.what == "flips" else (lambda: mutated(good, choose))
        )
        tried = bytes_campaign(make(), good, folder, deadline)
        print(f"{tried} changed bundles of {len(good)} bytes, all refused")
    return 0


if __name__ == "__main__":
    sys.exit(main())
