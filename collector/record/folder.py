"""Run folders: making one under a free name, in one folder for all or in a folder for each day."""

from __future__ import annotations

import os

from collector import durable
from collector.clock import format_stamp
from collector.ids import run_name


def make_run_folder(artifacts: str, task: str, start_ms: int, mode: int, dated: bool = False) -> str:
    """Make a new, empty run folder; return its path relative to the store, whose last part is its name.

    Making a directory either succeeds or says that the name is taken, so two recorders never share one.
    Among many runs of one second the free name is found by doubling, not by counting.

    Raises:
        OSError: the folder cannot be made.
    """
    day = day_folder(start_ms)
    if dated:
        make_day(artifacts, day, mode)
    here, elsewhere = (f"{day}/", "") if dated else ("", f"{day}/")
    collision, step = 0, 1
    while True:
        name = run_name(task, start_ms, collision)
        try:
            if os.path.lexists(os.path.join(artifacts, elsewhere + name)):
                raise FileExistsError  # a name stands for one run, wherever it lies
            os.mkdir(os.path.join(artifacts, here + name), mode)
        except FileExistsError:
            collision, step = (collision + 1, step) if collision < 8 else (collision + step, step * 2)
            continue
        return here + name


def day_folder(start_ms: int) -> str:
    """Return the folder of a day in a dated store: `2026/01/20`, in UTC."""
    stamp = format_stamp(start_ms)
    return f"{stamp[:4]}/{stamp[4:6]}/{stamp[6:8]}"


def make_day(artifacts: str, day: str, mode: int) -> None:
    """Make the folders of a day, durably; those that are there are left alone."""
    path = artifacts
    for part in day.split("/"):
        parent, path = path, os.path.join(path, part)
        try:
            os.mkdir(path, mode)
        except FileExistsError:
            continue
        durable.sync_directory(parent)


def point_latest(latest: str, folder: str) -> None:
    """Let the `latest` link lead to a run folder; without links there is none."""
    temporary = f"{latest}.{os.getpid()}.tmp"
    try:
        os.symlink(folder, temporary)
        os.rename(temporary, latest)
    except OSError:
        return
