"""The workspace: its root, and every path under `.acode`.

The only file that knows where things lie. Finding the root touches the file system; the paths do not.
"""

from __future__ import annotations

import errno
import os

FOLDER = ".acode"
RUN_JSON = "run.json"
STDOUT = "stdout.txt"
STDERR = "stderr.txt"
OUTPUT = "output.txt"
OUTPUT_INDEX = "output.idx"
CALL_JSON = "call.json"
ANNOTATIONS_JSON = "annotations.json"
IMPORT_JSON = "import.json"
DAMAGE_JSON = "damage.json"
ERROR_JSON = "error.json"
LOGS = "logs.jsonl"
JSON_ARTIFACT = "artifact.json"
TEST_RESULTS = "test-results.json"
TEST_RESULTS_TRX = "test-results.trx"
COVERAGE = "coverage.json"
BUILD_LOG = "build.log"
RESTORE_LOG = "restore.log"
INCOMING = ".incoming"
RESERVED_NAMES = frozenset({
    RUN_JSON, STDOUT, STDERR, OUTPUT, OUTPUT_INDEX, CALL_JSON, ERROR_JSON, LOGS, JSON_ARTIFACT, TEST_RESULTS,
    TEST_RESULTS_TRX, COVERAGE, BUILD_LOG, RESTORE_LOG, INCOMING, ANNOTATIONS_JSON, IMPORT_JSON,
    DAMAGE_JSON,
})  # fmt: skip
"""Names in a run folder that acode uses itself."""
SHELL_LINKS = "/shell"

_GITIGNORE = b"# written by acode: nothing it records belongs into version control\nartifacts/\n*\n"


class Workspace:
    """A workspace root and the paths below it; all absolute, all `str`."""

    __slots__ = ("artifacts", "folder", "root")

    def __init__(self, root: str, artifacts: str | None = None) -> None:
        self.root = os.path.abspath(root)
        self.folder = os.path.join(self.root, FOLDER)
        self.artifacts = os.path.join(self.root, artifacts or os.path.join(FOLDER, "artifacts"))

    def __repr__(self) -> str:
        return f"Workspace({self.root!r})"

    @property
    def database(self) -> str:
        """The index of all runs."""
        return os.path.join(self.folder, "runs.db")

    @property
    def search_database(self) -> str:
        """The index of all text."""
        return os.path.join(self.folder, "search.db")

    @property
    def search_damaged(self) -> str:
        """There when somebody who searched found that index damaged."""
        return os.path.join(self.folder, "search.damaged")

    @property
    def spool(self) -> str:
        """Announcements that wait for the collector, one immutable file each."""
        return os.path.join(self.folder, "spool")

    @property
    def inbox(self) -> str:
        """What agents' hooks and telemetry left, one file each, until it is taken in."""
        return os.path.join(self.folder, "inbox")

    @property
    def sessions(self) -> str:
        """One folder for each agent session: its record, its archived transcripts."""
        return os.path.join(self.folder, "sessions")

    @property
    def shells(self) -> str:
        """Links that stand in for shells while an agent runs that was started through acode."""
        return self.folder + SHELL_LINKS

    @property
    def trash(self) -> str:
        """Folders of deleted runs until they are removed."""
        return os.path.join(self.folder, "trash")

    @property
    def ballast(self) -> str:
        """A file that is let go of when the disk is full, so that runs can be deleted."""
        return os.path.join(self.folder, "ballast")

    @property
    def alerts(self) -> str:
        """What is wrong at the moment, as the collector sees it."""
        return os.path.join(self.folder, "alerts.json")

    @property
    def cleanup_lock(self) -> str:
        """Whoever holds a lock on this file decides which runs go."""
        return os.path.join(self.folder, "cleanup.lock")

    @property
    def cleanup_state(self) -> str:
        """When runs were cleaned up last, and which came back from the trash."""
        return os.path.join(self.folder, "cleanup.json")

    @property
    def imports(self) -> str:
        """Runs of bundles on their way in, a folder for each bundle, on the file system they will stay on."""
        return os.path.join(self.artifacts, ".imports")

    @property
    def import_lock(self) -> str:
        """Whoever holds a lock on this file imports a bundle."""
        return os.path.join(self.folder, "import.lock")

    @property
    def writer_lock(self) -> str:
        """Whoever holds a lock on this file is the one writer of the database."""
        return os.path.join(self.folder, "writer.lock")

    @property
    def ingest_lock(self) -> str:
        """Whoever holds a lock on this file takes in what agents say; its content counts the takers."""
        return os.path.join(self.folder, "ingest.lock")

    @property
    def annotations_lock(self) -> str:
        """Whoever holds a lock on this file changes the annotations of a run."""
        return os.path.join(self.folder, "annotations.lock")

    @property
    def collector_pid(self) -> str:
        """Which process is the collector."""
        return os.path.join(self.folder, "collector.pid")

    @property
    def collector_starting(self) -> str:
        """There while a collector is coming up."""
        return os.path.join(self.folder, "collector.starting")

    @property
    def collector_log(self) -> str:
        """What the collector did, one JSON object a line."""
        return os.path.join(self.folder, "collector.log")

    @property
    def latest(self) -> str:
        """Link to the folder of the newest run."""
        return os.path.join(self.artifacts, "latest")

    def run_folder(self, relative: str) -> str:
        """Return the absolute folder of a run, given its folder relative to the artifact store."""
        return os.path.join(self.artifacts, relative)

    def create(self) -> None:
        """Make the folders acode needs; what exists is left alone.

        Raises:
            OSError: when one cannot be made.
        """
        for path in (self.artifacts, self.spool, self.inbox):
            _make_folders(path)
        for path in (self.spool, self.inbox):
            if os.path.islink(path):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        ignore = os.path.join(self.folder, ".gitignore")
        if not os.path.exists(ignore):
            fd = os.open(ignore, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            try:
                os.write(fd, _GITIGNORE)
            finally:
                os.close(fd)


def _make_folders(path: str) -> None:
    """Like os.makedirs, which leaves the permissions of those on the way to the umask alone."""
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        _make_folders(parent)
    try:
        os.mkdir(path, 0o755)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def find_root(start: str, environ: dict[str, str] | os._Environ[str]) -> str:
    """Return the workspace root for a folder.

    `ACODE_WORKSPACE` wins; then the nearest ancestor holding `.acode/`, else the nearest holding
    `.git`, else the folder itself. The home folder's `.acode` is the user's configuration, not a
    workspace, unless the search starts there.
    """
    given = environ.get("ACODE_WORKSPACE")
    if given:
        return os.path.abspath(os.path.join(start, given))
    start = os.path.abspath(start)
    home = environ.get("HOME", "")
    fallback = start
    found_git = False
    current = start
    while True:
        if os.path.isdir(os.path.join(current, FOLDER)) and (current == start or current != home):
            return current
        if not found_git and os.path.exists(os.path.join(current, ".git")):
            fallback, found_git = current, True
        parent = os.path.dirname(current)
        if parent == current:
            return fallback
        current = parent
