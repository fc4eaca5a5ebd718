"""What is kept of a team of agents: each instance when it ends, and all of them together when asked for.

    <artifacts>/<timestamp>-<team>/
        metadata.json  summary.md  index.json
        instances/<id>/{instance.json, output.log, workspace/}

`preserve_artifacts` keeps one instance in the folder of its session, because its own workspace may be gone
soon; `collect_team_artifacts` puts together what was kept and what is still there. A collection is made in a
hidden folder and appears whole, by one rename; each call makes a new one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from collector import clock, durable
from collector.agents.team_instance import (
    INSTANCE_JSON,
    Kept,
    instance_folder,
    iter_runs_output,
    keep_instance,
    read_kept,
    write_json,
)
from collector.agents.team_place import METADATA, TeamPlace, iter_collections, iter_kept, link_tree, publish
from collector.agents.team_report import index_of, metadata_of, summary_of
from collector.agents.team_store import TeamStore
from collector.audit import append_audit
from collector.errors import AccessError, AcodeError, InputError, NotFoundError
from collector.ids import new_ulid
from collector.model.session import AgentInstance, Session
from collector.workspace import Workspace

_SUMMARY, _INDEX, _INSTANCES = "summary.md", "index.json", "instances"
_NO_INSTANCES = "No instances found for team session"
_MAX_TEAM = 10_000


def preserve_artifacts(
    instance_id: str, output_text: str, team_session_id: str | None = None, workspace: Workspace | None = None
) -> None:
    """Keep what there is of an agent instance, so that its workspace may go.

    Doing it again replaces what was kept.

    Args:
        instance_id: the instance.
        output_text: what it said, whole; what its runs printed where that is empty.
        team_session_id: the session it belongs to; None where acode knows that.
        workspace: that of acode; None for the one of the current folder.

    Raises:
        InputError: it has no id.
        NotFoundError: no session of it is known, and none was given.
        AccessError: it cannot be written.
    """
    if not instance_id or "\0" in instance_id:
        raise InputError("ACODE-AGT-016", "an instance needs an id", "pass ACODE_INSTANCE_ID")
    with TeamStore(TeamPlace(workspace).workspace) as known:
        instance = known.instance(instance_id, team_session_id)
    preserve_instance(instance, output_text, workspace)


def preserve_instance(
    instance: AgentInstance, output_text: str = "", workspace: Workspace | None = None
) -> None:
    """Keep what there is of an agent instance that may not be in the database yet. Raises AccessError."""
    place = TeamPlace(workspace)
    with TeamStore(place.workspace) as known:
        runs = known.iter_runs(instance.session_id, instance.instance_id)
        output = _encoded(output_text) if output_text else iter_runs_output(runs, place.workspace)
        try:
            _replace_kept(place, place.preserved(instance.session_id), instance, output)
        except OSError as error:
            raise _cannot_write(error) from error


def collect_team_artifacts(team_session_id: str, workspace: Workspace | None = None) -> dict[str, Any]:
    """Put together everything there is of a team, in a folder of its own.

    Args:
        team_session_id: the session of a team, or the name that several sessions have as their team.
        workspace: that of acode; None for the one of the current folder.

    Returns:
        `status` (`success`, `partial` where something could not be read, or `error`), `team_session_id`,
        `artifacts_path`, `instances_count`, `metadata`, and `error` in words where there is one.
    """
    try:
        return _collect(team_session_id, TeamPlace(workspace))
    except AcodeError as error:
        return _failed(team_session_id, str(error))
    except OSError as error:
        return _failed(team_session_id, str(_cannot_write(error)))


def is_team_at_work(team_session_id: str, besides: str, workspace: Workspace) -> bool:
    """Tell whether an agent of a team is still running, besides one that has just ended."""
    with TeamStore(workspace) as known:
        sessions = known.sessions(team_session_id)
        instances = [one for session in sessions for one in session.instances]
        return any(one.status == "running" and one.instance_id != besides for one in instances)


def list_collections(workspace: Workspace) -> list[dict[str, Any]]:
    """Return what was collected, newest first: the metadata of each, with its folder as `artifacts_path`."""
    return sorted(iter_collections(workspace), key=lambda found: str(found["created_at"]), reverse=True)


def collection_metadata(workspace: Workspace, session_id: str) -> dict[str, Any]:
    """Return the metadata of the newest collection of a team, named by it or by the collection's folder.

    Raises:
        NotFoundError: there is none.
    """
    for found in list_collections(workspace):
        if session_id in (found["team_session_id"], os.path.basename(found["artifacts_path"])):
            return found
    raise NotFoundError(
        "ACODE-AGT-016", f"nothing was collected of {session_id!r}", "'acode sessions collect TEAM' does it"
    )


def _collect(team: str, place: TeamPlace) -> dict[str, Any]:
    with TeamStore(place.workspace) as known:
        sessions = known.sessions(team)
        instances = _instances(place, team, sessions)
        if not instances:
            return _failed(team, _NO_INSTANCES)
        place.remove_abandoned()
        staging = place.new_staging()
        os.makedirs(os.path.join(staging, _INSTANCES), place.limits.dir_mode)
        try:
            metadata = _fill(staging, team, sessions, instances, place, known)
            details = {"instances": len(instances), "status": metadata["status"]}
            append_audit(place.workspace, "collect", team, details, place.config)
            path = publish(staging, team, place.workspace)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    return {
        "status": metadata["status"], "team_session_id": team, "artifacts_path": path,
        "instances_count": len(instances), "metadata": metadata,
    }  # fmt: skip


def _fill(
    staging: str, team: str, sessions: Sequence[Session], instances: Mapping[str, AgentInstance],
    place: TeamPlace, known: TeamStore,
) -> dict[str, Any]:  # fmt: skip
    members, runs = [], {}
    for instance in instances.values():
        folder = os.path.join(staging, _INSTANCES, instance_folder(instance.instance_id))
        members.append(_member(folder, instance, place, known))
        runs[instance.instance_id] = known.count_runs(instance)
    metadata = metadata_of(team, sessions, members, runs, clock.now_ms())
    mode = place.limits.file_mode
    write_json(os.path.join(staging, METADATA), metadata, mode)
    write_json(os.path.join(staging, _INDEX), index_of(members), mode)
    summary = summary_of(metadata, members).encode("utf-8", "replace")
    durable.replace_file(os.path.join(staging, _SUMMARY), summary, mode, sync=False)
    return metadata


def _member(folder: str, instance: AgentInstance, place: TeamPlace, known: TeamStore) -> Kept:
    """Put an instance into the collection: as it was kept when it ended, else as it is now."""
    preserved = os.path.join(place.preserved(instance.session_id), instance_folder(instance.instance_id))
    kept = read_kept(preserved)
    if kept is not None:
        link_tree(preserved, folder, place.limits.dir_mode)
        kept = replace(kept, instance=instance)
        write_json(os.path.join(folder, INSTANCE_JSON), kept.to_json(), place.limits.file_mode)
        return kept
    os.mkdir(folder, place.limits.dir_mode)
    output = iter_runs_output(known.iter_runs(instance.session_id, instance.instance_id), place.workspace)
    return keep_instance(folder, instance, place.workspace, output, place.limits)


def _instances(place: TeamPlace, team: str, sessions: Sequence[Session]) -> dict[str, AgentInstance]:
    """Return a team's instances, those that only `preserve_artifacts` knows at the end."""
    found = {instance.instance_id: instance for session in sessions for instance in session.instances}
    for session_id in dict.fromkeys([*(session.session_id for session in sessions), team]):
        for kept in iter_kept(place.preserved(session_id)):
            found.setdefault(kept.instance.instance_id, kept.instance)
    return dict(list(found.items())[:_MAX_TEAM])


def _failed(team: str, error: str) -> dict[str, Any]:
    return {
        "status": "error", "team_session_id": team, "artifacts_path": "", "instances_count": 0,
        "metadata": {}, "error": error,
    }  # fmt: skip


def _encoded(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8", "replace")


def _replace_kept(place: TeamPlace, above: str, instance: AgentInstance, output: Iterator[bytes]) -> None:
    os.makedirs(above, mode=place.limits.dir_mode, exist_ok=True)
    name = instance_folder(instance.instance_id)
    staging = os.path.join(above, f".{new_ulid(clock.now_ms())}")
    os.mkdir(staging, place.limits.dir_mode)
    try:
        keep_instance(staging, instance, place.workspace, output, place.limits)
        durable.sync_tree(staging)
        path, old = os.path.join(above, name), f"{staging}-old"
        if os.path.lexists(path):
            durable.move(path, old)
        durable.move(staging, path)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _cannot_write(error: OSError) -> AccessError:
    where = f" {error.filename}" if error.filename else ""
    return AccessError(
        "ACODE-AGT-017", f"what the team did cannot be kept:{where} {error.strerror or error}", "try again"
    )
