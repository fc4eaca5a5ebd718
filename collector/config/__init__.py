"""The settings of a workspace, each with where it came from.

From weak to strong: defaults, the user's file, the workspace's file, environment variables. Without a
file nothing but a few path look-ups is done, because the recorder reads the settings of every run.
"""

from __future__ import annotations

import os

from collector.config.settings import MAPS, SETTINGS, Setting, Value, find_setting, parse_value
from collector.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FILES", "Config", "find_files", "load_config", "shown_path", "user_file"]

FILES = (".acode/config.yml", "agent-config.yml", ".agent/config.yml")
"""Where a workspace keeps its settings; the first that exists is read, alone."""

DEFAULT = "default"
_PREFIX = "ACODE_"
_ARTIFACTS_DIR = "ARTIFACTS_DIR"


class Config:
    """All settings of one workspace; never changed once made.

    Args:
        given: value and origin of each setting that is not at its default, by normalized name.
        files: the files that were read, weakest first.
    """

    __slots__ = ("_given", "files")

    def __init__(self, given: dict[str, tuple[Value, str]], files: tuple[str, ...] = ()) -> None:
        self._given = given
        self.files = files

    def get(self, name: str) -> Value:
        """Return the value of a setting, whatever the spelling of its name.

        Raises:
            KeyError: there is no such setting.
        """
        setting = find_setting(name)
        if setting is None:
            raise KeyError(name)
        return self._entry(setting)[0]

    def items(self) -> list[tuple[str, Value, str]]:
        """Return name, value and origin of every setting, in the order of the documentation."""
        return [(setting.name, *self._entry(setting)) for setting in SETTINGS.values()]

    def _entry(self, setting: Setting) -> tuple[Value, str]:
        return self._given.get(setting.key, (setting.default, DEFAULT))

    @property
    def enabled(self) -> bool:
        """Whether commands are recorded."""
        return bool(self.get("runs.enabled"))

    @property
    def artifacts_directory(self) -> str | None:
        """Where run folders go, absolute or below the workspace root; None for the usual place."""
        value = self.get("runs.artifacts.directory")
        return os.path.expanduser(value) if isinstance(value, str) else None  # noqa: PTH111

    @property
    def max_artifact_bytes(self) -> int:
        """How much of a stream is kept; 0 for all of it."""
        return self._number("runs.artifacts.maxSizePerArtifact")

    @property
    def truncate(self) -> str:
        """Which part of a stream that is too long is kept: `head` or `head_tail`."""
        return str(self.get("runs.artifacts.truncate"))

    @property
    def is_dated(self) -> bool:
        """Whether new run folders go into a folder for each day."""
        return self.get("runs.artifacts.layout") == "dated"

    @property
    def environment(self) -> tuple[str, ...]:
        """Names of variables that are recorded besides the usual ones."""
        value = self.get("runs.environment")
        return value if isinstance(value, tuple) else ()

    @property
    def dir_mode(self) -> int:
        """Permissions of run folders."""
        return self._number("runs.dirMode")

    @property
    def file_mode(self) -> int:
        """Permissions of the files in run folders."""
        return self._number("runs.fileMode")

    @property
    def autostart(self) -> bool:
        """Whether the collector is started where it is useful."""
        return bool(self.get("collector.autostart"))

    @property
    def query_timeout_ms(self) -> int | None:
        """How long a question may take before what was found until then is shown; None for ever."""
        return self._number("runs.queryTimeout") or None

    @property
    def tasks(self) -> dict[str, str]:
        """The commands of `acode task run`, by name."""
        value = self.get("tasks")
        return dict(value) if isinstance(value, dict) else {}

    def _number(self, name: str) -> int:
        value = self.get(name)
        return value if isinstance(value, int) else 0


def load_config(workspace_root: str, environ: Mapping[str, str]) -> Config:
    """Read the settings that hold in a workspace.

    Raises:
        InputError: a file or variable has an unknown key or a bad value; it names file and line.
    """
    files = find_files(workspace_root, environ)
    given: dict[str, tuple[Value, str]] = {}
    if files:
        from collector.config.files import read_file

        for path in files:
            given |= read_file(path, shown_path(path, workspace_root))
    given |= _from_environment(environ)
    return Config(given, files)


def find_files(workspace_root: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the settings files that exist, weakest first: the user's, then the workspace's."""
    found = []
    mine = user_file(environ)
    if mine is not None and os.path.lexists(mine):
        found.append(mine)
    for name in FILES:
        path = f"{workspace_root}/{name}"
        if os.path.lexists(path):
            found.append(path)
            break
    return tuple(found)


def user_file(environ: Mapping[str, str]) -> str | None:
    """Return where the user's own settings are, or would be; None without a home."""
    home = environ.get("XDG_CONFIG_HOME") or ""
    if not home.startswith("/") and environ.get("HOME"):
        home = environ["HOME"] + "/.config"
    return f"{home}/acode/config.yml" if home.startswith("/") else None


def shown_path(path: str, workspace_root: str) -> str:
    """Return what origins and errors call a settings file."""
    return path.removeprefix(workspace_root.rstrip("/") + "/")


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[Value, str]]:
    """Variables that are no settings are left alone: some of acode's own carry a run's identity."""
    given: dict[str, tuple[Value, str]] = {}
    if environ.get(_ARTIFACTS_DIR):
        given["runs.artifacts.directory"] = (environ[_ARTIFACTS_DIR], _ARTIFACTS_DIR)
    names = [name for name in environ if name.startswith(_PREFIX) and environ[name]]
    if not names:
        return given
    known = {key.replace(".", ""): key for key in SETTINGS}
    for name in names:
        key = known.get(name.removeprefix(_PREFIX).replace("_", "").lower())
        if key is None or SETTINGS[key].kind in MAPS:
            continue
        try:
            given[key] = (parse_value(SETTINGS[key], environ[name]), name)
        except InputError as error:
            raise InputError("ACODE-RUN-023", f"{name}: {error.message}", error.hint) from None
    return given
