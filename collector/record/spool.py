"""The spool: what waits for the collector, one immutable file for each announcement.

The name says everything and the file is empty, so one system call makes it, whole or not at all, and no
content can be torn. What an announcement means is read from the run folder, so seeing one twice, or late,
or not in order, changes nothing.
"""

from __future__ import annotations

import os
import time

from collector.ids import new_ulid

RUN = "run"
END = "end"
SEAL = "seal"
SEALING = "sealing"
DELETE = "delete"
UNDELETE = "undelete"
REINDEX = "reindex"
SESSION = "session"
LAYOUT = "layout"
OPTIMIZE = "optimize"
RECOVER = "recover"
IMPORT = "import"
EXPIRE = "expire"
SEALS = frozenset({SEAL, SEALING, EXPIRE})
"""An ended run that waits to be sealed, that was being sealed, or whose logs are to go."""
_KINDS = frozenset({
    RUN, END, *SEALS, DELETE, UNDELETE, REINDEX, SESSION, LAYOUT, OPTIMIZE, RECOVER, IMPORT,
})  # fmt: skip

_TOKEN = "@"
"""Not in the name of any run folder."""
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

Announcement = tuple[str, str, str]
"""File name, kind, and its subject: a run folder (for `delete` a request or a run, by id)."""


def announce(spool: str, kind: str, subject: str) -> None:
    """Add an announcement; one that is there already is enough.

    Args:
        spool: the spool folder.
        kind: `run` when a run folder appeared, `end` when its command has ended, `seal` when only
            its checksums are wanting, `session` when a session folder has changed, `delete`,
            `undelete`, `reindex`, `layout`, `optimize` and `recover` to ask the collector for that, `import`
            when the runs of a bundle lie ready: from then on all of them are taken in, `expire` to delete
            the logs of a run.
        subject: the run folder relative to the artifact store; for `session` a session folder, for
            `delete` the id of a request or of a run, for `undelete` of a run, for `layout` the new one,
            for `import` their folder below `.imports`, for the others any word.

    Raises:
        OSError: nothing was announced; a scan of the folders finds the run all the same.
    """
    path = os.path.join(spool, f"{subject.replace('/', '%2F')}.{kind}")
    os.close(os.open(path, _CREATE, 0o644))


def announce_change(spool: str, folder: str) -> None:
    """Announce that what lies beside a run's record has changed, each time under a name of its own.

    Two changes may come one right after the other. Were the second to find the announcement of the first,
    it would go away with that, though the folder was read before.

    Raises:
        OSError: nothing was announced; a scan of the folders finds the change all the same.
    """
    announce(spool, RUN, f"{folder}{_TOKEN}{new_ulid(time.time_ns() // 1_000_000)}")


def list_announcements(spool: str) -> list[Announcement]:
    """Return what waits; ends come last, so that a run and its end are seen together."""
    found: list[Announcement] = []
    try:
        fd = os.open(spool, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    try:
        names = os.listdir(fd)
    finally:
        os.close(fd)
    for name in names:
        subject, dot, kind = name.rpartition(".")
        if dot and kind in _KINDS and not name.startswith("."):
            if kind == RUN:
                subject = subject.partition(_TOKEN)[0]
            found.append((name, kind, subject.replace("%2F", "/")))
    return sorted(found)


def promote_to_seal(spool: str, name: str) -> None:
    """Say that a run's end is in the database and its sealing is still to do, in one step."""
    path = os.path.join(spool, name)
    try:
        os.rename(path, path.removesuffix(f".{END}") + f".{SEAL}")
    except FileNotFoundError:
        return


def take_seal(spool: str, name: str) -> str:
    """Say that a run is being sealed; return the announcement's new name.

    What is announced of the run from now on stands beside it, for another round.
    """
    taken = name.rpartition(".")[0] + f".{SEALING}"
    if taken != name:
        try:
            os.rename(os.path.join(spool, name), os.path.join(spool, taken))
        except FileNotFoundError:
            return taken
    return taken


def remove(spool: str, names: list[str]) -> None:
    """Take announcements away once what they say is in the database."""
    for name in names:
        try:
            os.unlink(os.path.join(spool, name))
        except FileNotFoundError:
            continue
