"""The folders of what is kept of teams: made aside, and visible once they are whole."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from typing import Any

from collector import clock, durable
from collector.agents.team_instance import LIMITS, MAX_JSON_BYTES, Kept, instance_folder, read_kept
from collector.config import Config, load_config
from collector.errors import InputError
from collector.ids import new_ulid, slug
from collector.record.collect import Limits
from collector.record.json_file import read_object
from collector.record.redacting import store_rules
from collector.record.session_folder import folder_name
from collector.workspace import Workspace, find_root

METADATA = "metadata.json"
_PRESERVED = "preserved"
_STAGING = ".collecting-"
_ABANDONED_SECONDS = 24 * 3600


class TeamPlace:
    """Where things go in a workspace, and how; None stands for the workspace of the current folder."""

    def __init__(self, workspace: Workspace | None) -> None:
        environ = dict(os.environ)
        root = workspace.root if workspace is not None else find_root(os.getcwd(), environ)
        try:
            self.config = load_config(root, environ)
        except InputError:
            self.config = Config({})  # a mistake in the settings must not lose anybody's work
        self.workspace = workspace or Workspace(root, self.config.artifacts_directory)
        self.workspace.create()
        self.limits = _limits(self.config, environ)

    def preserved(self, session_id: str) -> str:
        """Return where the instances of a session are kept."""
        return os.path.join(self.workspace.sessions, folder_name(session_id), _PRESERVED)

    def new_staging(self) -> str:
        """Return where a collection can be made, a name that no other has."""
        return os.path.join(self.workspace.artifacts, f"{_STAGING}{new_ulid(clock.now_ms())}")

    def remove_abandoned(self) -> None:
        """Remove what a collection that was killed long ago has left."""
        with os.scandir(self.workspace.artifacts) as entries:
            for entry in entries:
                is_ours = entry.name.startswith(_STAGING) and entry.is_dir(follow_symlinks=False)
                if is_ours and entry.stat(follow_symlinks=False).st_mtime < time.time() - _ABANDONED_SECONDS:
                    shutil.rmtree(entry.path, ignore_errors=True)


def _limits(config: Config, environ: dict[str, str]) -> Limits:
    return Limits(
        file_bytes=LIMITS.file_bytes, files=LIMITS.files, run_bytes=LIMITS.run_bytes, seconds=LIMITS.seconds,
        is_durable=False, file_mode=config.file_mode, dir_mode=config.dir_mode,
        redacted=store_rules(config, environ),
    )  # fmt: skip


def publish(staging: str, team: str, workspace: Workspace) -> str:
    """Let a collection appear, whole and durable, under a name that is free."""
    durable.sync_tree(staging)
    now = clock.now_ms() // 1000
    while True:
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.gmtime(now))
        path = os.path.join(workspace.artifacts, f"{stamp}-{slug(team) or 'team'}")
        if not os.path.lexists(path):
            try:
                durable.move(staging, path)
            except OSError:
                if not os.path.lexists(path):
                    raise
            else:
                return path
        now += 1


def link_tree(source: str, target: str, mode: int) -> None:
    """Give every file below a folder a second name below another, which is made."""
    os.mkdir(target, mode)
    with os.scandir(source) as entries:
        for entry in entries:
            below = os.path.join(target, entry.name)
            if entry.is_dir(follow_symlinks=False):
                link_tree(entry.path, below, mode)
            elif entry.is_file(follow_symlinks=False):
                try:
                    os.link(entry.path, below, follow_symlinks=False)
                except OSError:
                    shutil.copyfile(entry.path, below, follow_symlinks=False)


def iter_kept(above: str) -> Iterator[Kept]:
    """Yield the instances that are kept below a folder."""
    try:
        names = sorted(os.listdir(above))
    except OSError:
        return
    for name in names:
        kept = None if name.startswith(".") else read_kept(os.path.join(above, name))
        if kept is not None and instance_folder(kept.instance.instance_id) == name:
            yield kept


def iter_collections(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """Yield the metadata of each collection, with its folder as `artifacts_path`."""
    try:
        names = os.listdir(workspace.artifacts)
    except OSError:
        return
    for name in names:
        path = os.path.join(workspace.artifacts, name)
        found = (
            None
            if name.startswith(".") or os.path.islink(path)
            else read_object(os.path.join(path, METADATA), MAX_JSON_BYTES)
        )
        if found is not None and isinstance(found.get("team_session_id"), str):
            yield {"created_at": None, **found, "artifacts_path": path}
