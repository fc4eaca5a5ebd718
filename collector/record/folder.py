"""Run folders: making one under a free name."""

from __future__ import annotations

import os

from collector.ids import run_name


def make_run_folder(artifacts: str, task: str, start_ms: int, mode: int) -> str:
    """Make a new, empty run folder; return its name.

    Making a directory either succeeds or says that the name is taken, so two recorders never share one.
    Among many runs of one second the free name is found by doubling, not by counting.

    Raises:
        OSError: the folder cannot be made.
    """
    collision, step = 0, 1
    while True:
        name = run_name(task, start_ms, collision)
        try:
            os.mkdir(os.path.join(artifacts, name), mode)
        except FileExistsError:
            collision, step = (collision + 1, step) if collision < 8 else (collision + step, step * 2)
            continue
        return name


def point_latest(latest: str, name: str) -> None:
    """Let the `latest` link lead to a run folder; without links there is none."""
    temporary = f"{latest}.{os.getpid()}.tmp"
    try:
        os.symlink(name, temporary)
        os.rename(temporary, latest)
    except OSError:
        return
