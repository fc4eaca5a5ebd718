"""What every command is given: the workspace, its settings, its stores."""

from __future__ import annotations

import os

from collector.errors import AccessError, AcodeError, NotFoundError
from collector.workspace import RUN_JSON, Workspace, find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.config import Config
    from collector.model.run import Run
    from collector.query.saved import SavedFilters
    from collector.record.masking import Masking
    from collector.store.artifacts import SqliteArtifactStore
    from collector.store.runs import SqliteRunStore
    from collector.store.sessions import SqliteSessionStore

_LOOKS, _LOOK_SECONDS = 20, 0.1
_EMPTY = "record one with 'acode exec -- COMMAND'"


class Context:
    """One call of `acode`.

    Args:
        workspace: what `--workspace` said.
        environ: the environment variables.
        verbose: whether to say more.
        no_redact: whether secrets are to be shown.
    """

    def __init__(
        self,
        workspace: str | None,
        environ: Mapping[str, str],
        verbose: bool = False,
        no_redact: bool = False,
    ) -> None:
        self.environ = dict(environ)
        self.verbose = verbose
        self.no_redact = no_redact
        self.reads_recorded = False
        """Whether contents go to where they are not shown, and are read as they were recorded."""
        self._masking: tuple[Masking | None] | None = None
        self._root = workspace
        self._config: Config | None = None
        self._workspace: Workspace | None = None
        self._stores: tuple[SqliteRunStore, SqliteArtifactStore] | None = None
        self._recorded: tuple[SqliteRunStore, SqliteArtifactStore] | None = None

    @property
    def root(self) -> str:
        """The workspace root."""
        return os.path.abspath(self._root or find_root(_current_folder(), self.environ))  # noqa: PTH100

    @property
    def config(self) -> Config:
        """The settings. Raises InputError for a mistake in them."""
        if self._config is None:
            from collector.config import load_config

            self._config = load_config(self.root, self.environ)
        return self._config

    @property
    def saved_filters(self) -> SavedFilters:
        """What `@name` stands for in a filter."""
        from collector.query.saved import SavedFilters

        return SavedFilters(*self.saved_files())

    def saved_files(self) -> tuple[str, str | None]:
        """Return the file of the workspace's saved filters, and that of the user's."""
        from collector.config import user_file
        from collector.query.saved import FILE

        mine = user_file(self.environ)
        return f"{self.root}/.acode/{FILE}", None if mine is None else f"{mine.rpartition('/')[0]}/{FILE}"

    @property
    def workspace(self) -> Workspace:
        """The workspace, which must exist as a folder.

        Raises:
            AccessError: the folder does not exist or cannot be read.
        """
        if self._workspace is None:
            root = self.root
            if not os.access(root, os.R_OK | os.X_OK) or not os.path.isdir(root):  # noqa: PTH112
                raise AccessError("ACODE-ART-006", f"cannot read the workspace {root}", "check --workspace")
            self._workspace = Workspace(root, self.config.artifacts_directory)
        return self._workspace

    def find_stores(self) -> tuple[SqliteRunStore, SqliteArtifactStore] | None:
        """Open the stores, after indexing what waits; None in a workspace without runs."""
        if self._stores is None:
            self._say_where()
            index_waiting(self.workspace)
            if not os.path.exists(self.workspace.database):  # noqa: PTH110
                index_waiting(self.workspace)  # it may just have been moved away to be made anew
            if not os.path.exists(self.workspace.database):  # noqa: PTH110
                return None
            from collector.store import open_stores

            self._stores = open_stores(self.workspace, self.masking)
        return self._stores

    @property
    def masking(self) -> Masking | None:
        """What masks the secrets in what is shown; None where they are to be seen, which is logged.

        Raises:
            InputError: a pattern of the configuration is none.
            UnavailableError: it cannot be logged.
        """
        if self._masking is None:
            from collector.record.masking import masking_of

            found = masking_of(self.config, self.environ)
            if found is not None and self.no_redact:
                from collector.audit import append_audit

                append_audit(self.workspace, "redaction.off")
                found = None
            self._masking = (found,)
        return self._masking[0]

    def note_access(self, subject: str, details: Mapping[str, object]) -> None:
        """Say in the audit log that somebody reads what was recorded; that never fails."""
        from collector.audit import append_audit

        append_audit(self.workspace, "access", subject, details, self.config)

    def contents(self) -> SqliteArtifactStore:
        """Return the store to read contents from: masked where they are shown, else as recorded."""
        if not self.reads_recorded:
            return self.stores()[1]
        return self.recorded_stores()[1]

    def recorded_stores(self) -> tuple[SqliteRunStore, SqliteArtifactStore]:
        """Open the stores of what was recorded, with all secrets. Raises NotFoundError as `stores` does."""
        self.stores()
        if self._recorded is None:
            from collector.store import open_stores

            self._recorded = open_stores(self.workspace)
        return self._recorded

    def _say_where(self) -> None:
        if self.verbose:
            from collector.cli.output import note

            files = ", ".join(self.config.files) or "none"
            note(f"acode: workspace {self.root}, runs in {self.workspace.artifacts}, settings: {files}")

    def stores(self) -> tuple[SqliteRunStore, SqliteArtifactStore]:
        """Open the stores. Raises NotFoundError in a workspace without runs."""
        stores = self.find_stores()
        if stores is None:
            raise NotFoundError("ACODE-RUN-001", f"no runs in {self.root} yet", _EMPTY)
        return stores

    def close(self) -> None:
        """Let go of the stores; they are opened anew when something is asked."""
        for stores in (self._stores, self._recorded):
            if stores is not None:
                stores[0].close()
        self._stores = self._recorded = None

    def find_sessions(self) -> SqliteSessionStore | None:
        """Open the store of sessions; None in a workspace without runs."""
        if self.find_stores() is None:
            return None
        from collector.store.database import open_reader
        from collector.store.sessions import SqliteSessionStore

        return SqliteSessionStore(open_reader(self.workspace.database), self.masking)

    def resolve(self, reference: str) -> Run:
        """Return the run that a text names. Raises NotFoundError, InputError."""
        from collector.query.references import resolve

        for _ in range(_LOOKS):
            try:
                return resolve(self.stores()[0], reference)
            except NotFoundError:
                if not _is_folder(self.workspace, reference):
                    raise
            self._look_again()  # the folder is the record: its row is on its way
        return resolve(self.stores()[0], reference)

    def _look_again(self) -> None:
        import time

        time.sleep(_LOOK_SECONDS)
        self.close()


def _is_folder(workspace: Workspace, reference: str) -> bool:
    """Tell whether a run's folder has this name."""
    if not reference or "/" in reference or "\0" in reference or reference.startswith("."):
        return False
    return os.path.isfile(os.path.join(workspace.run_folder(reference), RUN_JSON))  # noqa: PTH113, PTH118


def index_waiting(workspace: Workspace) -> None:
    """Index what waits; what can still be read is read when that fails, with a warning."""
    from collector.store.waiting import index_waiting as index

    try:
        index(workspace)
    except (AcodeError, OSError) as error:
        if isinstance(error, AcodeError) and error.code == "ACODE-RUN-025":
            raise
        from collector.cli.output import note

        text = str(error) if isinstance(error, AcodeError) else f"ACODE-ART-006: {error}"
        note(f"acode: warning: {text}; what is shown may be incomplete")


def _current_folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        raise AccessError(
            "ACODE-ART-006", "the current folder is gone", "change to one that exists"
        ) from None
