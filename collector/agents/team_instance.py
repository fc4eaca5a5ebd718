"""The folder of one agent instance in what is kept of a team: its workspace, its output, what is known of it.

    instance.json     the instance, what was copied, and what could not be
    output.log        what it said, else what its runs printed
    workspace/        its files

Files are copied as those of a run are: no link is followed, nothing outside is written, and one that cannot
be read costs only itself. A folder that others share is not copied as a whole: only what changed in it while
the instance was at work.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from collector import durable
from collector.model.run import Run
from collector.model.session import AgentInstance
from collector.record.choose import Skipped, Wanted
from collector.record.collect import Limits, RunPlace, collect, readable
from collector.record.json_file import read_object
from collector.record.output_index import iter_output
from collector.record.session_folder import folder_name
from collector.workspace import Workspace

INSTANCE_JSON = "instance.json"
OUTPUT_LOG = "output.log"
FILES = "workspace"
LIMITS = Limits(file_bytes=0, files=100_000, run_bytes=1 << 30, seconds=300.0, is_durable=False)
"""How much of one instance is kept."""
MAX_JSON_BYTES = 16 << 20
_NAMED = 100
_FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an instance: its files with sizes and SHA-256, and what is not, in words."""

    instance: AgentInstance
    files: tuple[dict[str, Any], ...] = ()
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    output: dict[str, Any] | None = None
    """`output.log`, as an entry like those of files."""

    def to_json(self) -> dict[str, Any]:
        """Return the content of `instance.json`."""
        return {
            **self.instance.to_json(), "files": list(self.files), "problems": list(self.problems),
            "left_out": list(self.left_out), "output": self.output,
        }  # fmt: skip


def instance_folder(instance_id: str) -> str:
    """Return the name of an instance's folder: its id, or a digest of one that is no good name."""
    return folder_name(instance_id)


def keep_instance(
    folder: str,
    instance: AgentInstance,
    workspace: Workspace,
    output: Iterable[bytes],
    limits: Limits = LIMITS,
) -> Kept:
    """Fill an empty folder with what there is of an instance.

    Args:
        folder: the folder.
        instance: whose.
        workspace: that of acode, whose own files are nobody's work.
        output: what goes into `output.log`, in pieces.
        limits: how much of its files is copied.

    Raises:
        OSError: the disk is full.
    """
    problems = list(_write_output(os.path.join(folder, OUTPUT_LOG), output, limits.file_mode))
    kept = Kept(instance, problems=tuple(problems), output=_entry_of(os.path.join(folder, OUTPUT_LOG)))
    if instance.workspace is not None:
        kept = _keep_files(folder, kept, instance.workspace, workspace, limits)
    write_json(os.path.join(folder, INSTANCE_JSON), kept.to_json(), limits.file_mode)
    return kept


def _keep_files(folder: str, kept: Kept, source: str, workspace: Workspace, limits: Limits) -> Kept:
    if not os.path.isdir(source):
        return replace(kept, problems=(*kept.problems, f"its workspace {source} is not there"))
    target = os.path.join(folder, FILES)
    os.mkdir(target, limits.dir_mode)
    wanted = _wanted(kept.instance, os.path.realpath(source), workspace)
    found = collect(RunPlace(target, kept.instance.instance_id, workspace.artifacts), source, wanted, limits)
    files = [
        {"path": f"{FILES}/{entry['path']}", "size_bytes": entry["size_bytes"],
         "checksum_sha256": entry["checksum_sha256"]}
        for entry in found.artifacts
    ]  # fmt: skip
    files.sort(key=lambda file: str(file["path"]))
    unread = [_says(skipped) for skipped in found.skipped if not _is_by_limit(skipped)]
    left_out = [_says(skipped) for skipped in found.skipped if _is_by_limit(skipped)]
    return replace(
        kept,
        files=tuple(files),
        problems=(*kept.problems, *unread[:_NAMED]),
        left_out=tuple(left_out[:_NAMED]),
    )


def _is_by_limit(skipped: Skipped) -> bool:
    return "limit" in skipped.reason or "larger than" in skipped.reason


def _says(skipped: Skipped) -> str:
    return f"{readable(skipped.path)}: {skipped.reason}" if skipped.path else skipped.reason


def _wanted(instance: AgentInstance, source: str, workspace: Workspace) -> Wanted:
    """Everything in a folder of its own; elsewhere, which may be anybody's home, what changed meanwhile."""
    if is_own(instance.instance_id, source, workspace.root):
        return Wanted(since_ns=0, until_ns=_FOREVER, everything=True)
    until = instance.terminated_at * 1_000_000 if instance.terminated_at else _FOREVER
    since = (instance.created_at or 0) * 1_000_000
    return Wanted(since_ns=since, until_ns=until, own=("**",), ignored="never")


def is_own(instance_id: str, source: str, root: str) -> bool:
    """Tell whether a folder can be an instance's alone: below the workspace, temporary, or named after it."""
    root, temporary = os.path.realpath(root), os.path.realpath(tempfile.gettempdir())
    if f"{root}/".startswith(source.rstrip("/") + "/"):
        return False
    is_named = len(instance_id) > 7 and instance_id in os.path.basename(source)
    return is_named or any(source.startswith(f"{above}/") for above in (root, temporary))


def _write_output(path: str, pieces: Iterable[bytes], mode: int) -> Iterator[str]:
    """Write the pieces, as far as there are any; yield what kept the rest from being written."""
    with durable.NewFile(path, mode, sync=False) as fd:
        rest = iter(pieces)
        while True:
            try:
                piece = next(rest, None)
            except (OSError, ValueError) as error:
                yield f"its output cannot be read: {error}"
                return
            if piece is None:
                return
            durable.write_all(fd, piece)


def _entry_of(path: str) -> dict[str, Any]:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"path": OUTPUT_LOG, "size_bytes": file.tell(), "checksum_sha256": digest}


def iter_runs_output(runs: Iterable[Run], workspace: Workspace) -> Iterator[bytes]:
    """Yield what an instance's runs printed, each below its command line and above how it ended."""
    for run in runs:
        yield f"$ {run.command_line}\n".encode("utf-8", "replace")
        last = b"\n"
        try:
            for _, _, data in iter_output(workspace.run_folder(run.folder)):
                yield data
                last = data
        except OSError as error:
            yield f"[its output cannot be read: {error}]".encode("utf-8", "replace")
            last = b"]"
        end = f"exit code {run.exit_code}" if run.exit_code is not None else run.status
        yield (b"" if last.endswith(b"\n") else b"\n") + f"[{end}]\n\n".encode()


def read_kept(folder: str) -> Kept | None:
    """Return what a folder that `keep_instance` filled says; None when it says nothing that can be read."""
    record = read_object(os.path.join(folder, INSTANCE_JSON), MAX_JSON_BYTES)
    if record is None:
        return None
    try:
        instance = AgentInstance.from_json(record)
        files = [file for file in record.get("files") or () if _is_file(file)]
        problems, left_out = (tuple(map(str, record.get(name) or ())) for name in ("problems", "left_out"))
    except (ValueError, TypeError, KeyError):
        return None
    output = record.get("output")
    return Kept(instance, tuple(files), problems, left_out, output if _is_file(output) else None)


def _is_file(file: object) -> bool:
    return (
        isinstance(file, dict)
        and isinstance(file.get("path"), str)
        and isinstance(file.get("size_bytes"), int)
    )


def write_json(path: str, record: dict[str, Any], mode: int = 0o644) -> None:
    """Write an object for people and programs; not yet durable. Raises OSError."""
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    durable.replace_file(path, text.encode("utf-8", "replace"), mode, sync=False)
