"""Taking in the runs of a bundle that lie ready, all of them or none, under the writer's lock.

Whoever imports puts whole run folders below `.imports` and announces that; the announcement is the one step
that decides. From then on every writer finishes it: names are chosen and written down, the folders moved, the
rows written in one transaction, and only then are the announcement and what is left taken away. Each step can
be done twice.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import Any

from collector import clock, durable
from collector.config import Config
from collector.ids import is_ulid
from collector.model.run import Run
from collector.record import spool
from collector.record.folder import day_folder, make_day
from collector.record.run_json import write_run_json
from collector.record.seal import read_record
from collector.store.artifacts import SqliteArtifactStore
from collector.store.lock import FileLock
from collector.store.run_folders import RunFolders
from collector.store.runs import SqliteRunStore
from collector.store.trouble import Log
from collector.workspace import Workspace

RUNS = "runs"
PLAN = "plan.json"
_COLLISION = re.compile(r"(?P<base>.+-\d{8}-\d{6})(-\d+)?")


def stage_path(workspace: Workspace, token: str) -> str:
    """Return where the runs of a bundle lie ready.

    Raises:
        ValueError: the token is no ULID, or a link is in the way.
    """
    if not is_ulid(token):
        raise ValueError(f"{token!r} names no import")
    path = os.path.join(workspace.imports, token)
    if os.path.islink(workspace.imports) or os.path.islink(path):
        raise ValueError(f"{path} is a symbolic link")
    return path


class Importing:
    """Takes in what lies ready in a workspace; for the process that holds the writer's lock."""

    def __init__(self, workspace: Workspace, folders: RunFolders, log: Log) -> None:
        self._workspace, self._folders, self._log = workspace, folders, log

    def take_in(self, token: str, stores: tuple[SqliteRunStore, SqliteArtifactStore], config: Config) -> None:
        """Take in one bundle's runs; nothing happens when that has been done, or the store refuses them.

        Raises:
            OSError: the disk refuses something; a second call goes on.
        """
        try:
            stage = stage_path(self._workspace, token)
            plan = _read_plan(stage)
            if plan is None:
                plan = self._plan(stage, stores, config)
            runs = self._move(stage, plan)
        except (FileNotFoundError, ValueError) as error:
            self._log("import.refused", token=token, error=str(error))
        else:
            stores[0].write(runs)
            self._log("import.done", token=token, runs=len(runs))
        remove_stage(self._workspace, token)

    def _plan(
        self, stage: str, stores: tuple[SqliteRunStore, SqliteArtifactStore], config: Config
    ) -> dict[str, str]:
        """Choose a free place for each run, and write all of them down.

        Raises:
            ValueError: a run, or something of it, is in the store already.
        """
        names = sorted(os.listdir(os.path.join(stage, RUNS)))
        records = {name: read_record(os.path.join(stage, RUNS, name)) for name in names}
        for record in records.values():
            refuse_known(record, *stores)
        plan = {}
        for name, record in records.items():
            place = claim(self._workspace.artifacts, name, clock.parse_iso(record["start_time"]), config)
            plan[name] = place
            if os.path.basename(place) != name:
                renamed = {**record, "name": os.path.basename(place)}
                write_run_json(os.path.join(stage, RUNS, name), renamed, config.file_mode, sync=True)
        durable.replace_file(os.path.join(stage, PLAN), json.dumps(plan).encode())
        return plan

    def _move(self, stage: str, plan: dict[str, str]) -> list[Run]:
        """Move what has not been moved yet; return all runs of the plan."""
        pairs = [(os.path.join(stage, RUNS, name), self._folders.path(place)) for name, place in plan.items()]
        durable.move_all([pair for pair in pairs if os.path.lexists(pair[0])])
        return [run for place in plan.values() if (run := self._read(place)) is not None]

    def _read(self, place: str) -> Run | None:
        """Return a run that was moved; None when it was deleted since, before this was done to its end."""
        try:
            return self._folders.read_run(place)
        except FileNotFoundError:
            return None


def refuse_known(record: dict[str, Any], runs: SqliteRunStore, artifacts: SqliteArtifactStore) -> None:
    """Refuse a record that claims what belongs to a run of the store.

    Raises:
        ValueError: saying what.
    """
    if runs.exists(record["run_id"]):
        raise ValueError(f"run {record['run_id']} is there already")
    for artifact in record["artifacts"]:
        if artifacts.exists(artifact["artifact_id"]):
            raise ValueError(f"artifact {artifact['artifact_id']} belongs to another run")
    call, agent = record.get("tool_call_id"), record.get("agent")
    if call is not None and (known := runs.find_call(call, str(agent))) is not None:
        raise ValueError(f"call {call} of {agent} is that of {known.name}")


def claim(artifacts: str, name: str, start_ms: int, config: Config) -> str:
    """Make an empty run folder under a name, or that with -1, -2 …; return its path relative to the store."""
    day = day_folder(start_ms)
    if config.is_dated:
        make_day(artifacts, day, config.dir_mode)
    here, elsewhere = (f"{day}/", "") if config.is_dated else ("", f"{day}/")
    match = _COLLISION.fullmatch(name)
    base, wanted, number = match["base"] if match else name, name, 0
    while True:
        try:
            if os.path.lexists(os.path.join(artifacts, elsewhere + wanted)):
                raise FileExistsError
            os.mkdir(os.path.join(artifacts, here + wanted), config.dir_mode)
        except FileExistsError:
            number += 1
            wanted = f"{base}-{number}"
            continue
        return here + wanted


def _read_plan(stage: str) -> dict[str, str] | None:
    try:
        with open(os.path.join(stage, PLAN), "rb") as file:
            plan = json.load(file)
    except FileNotFoundError:
        return None
    return {str(name): str(place) for name, place in plan.items()}


def remove_stage(workspace: Workspace, token: str) -> None:
    """Remove what is left of an import."""
    shutil.rmtree(os.path.join(workspace.imports, token), ignore_errors=True)
    try:
        os.rmdir(workspace.imports)
    except OSError:
        return


def remove_abandoned(workspace: Workspace) -> int:
    """Remove what an import that was killed had made ready and never announced; return of how many.

    While somebody imports, nothing is removed.
    """
    try:
        tokens = [token for token in os.listdir(workspace.imports) if is_ulid(token)]
    except OSError:
        return 0
    if not tokens or os.path.islink(workspace.imports):
        return 0
    lock = FileLock(workspace.import_lock, "another process imports a bundle")
    if not lock.try_acquire():
        return 0
    with lock:
        return remove_unannounced(workspace, tokens)


def remove_unannounced(workspace: Workspace, tokens: list[str]) -> int:
    """The same, for who holds the lock."""
    announced = {a[2] for a in spool.list_announcements(workspace.spool) if a[1] == spool.IMPORT}
    left = [token for token in tokens if token not in announced]
    for token in left:
        remove_stage(workspace, token)
    return len(left)
