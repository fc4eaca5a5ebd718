"""Saved filters: names for filters, in a file of the workspace and in one of the user.

`.acode/queries.json` and `queries.json` beside the user's settings hold one object, name to filter. The
workspace's come first. A file that cannot be read counts as empty to whoever asks something, and is
refused by whoever would change it.
"""

from __future__ import annotations

import os

from collector import durable
from collector.errors import AccessError, InputError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, KeysView, Mapping

    Base = Mapping[str, str]
else:
    Base = object  # what a filter needs of a mapping is below; `collections.abc` costs every listing

FILE = "queries.json"
_MAX_BYTES = 1 << 20
_MAX_NAME = 40
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
RESERVED = frozenset({"latest", "last", "failed", "last-failed"})
"""What `@…` means already where a run is named."""


class SavedFilters(Base):
    """The filters that `@name` stands for: read when the first is asked for.

    Args:
        workspace_file: the workspace's.
        user_file: the user's; None where there is no home.
    """

    def __init__(self, workspace_file: str, user_file: str | None = None) -> None:
        self._files = tuple(path for path in (workspace_file, user_file) if path is not None)
        self._found: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._found is None:
            self._found = {}
            for path in reversed(self._files):
                try:
                    self._found |= read_saved(path)
                except (InputError, AccessError):
                    continue
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._all().keys()


def saved_files(root: str, environ: Mapping[str, str]) -> tuple[str, str | None]:
    """Return the file of a workspace's saved filters, and that of the user's; None without a home."""
    from collector.config import user_file

    mine = user_file(environ)
    return f"{root}/.acode/{FILE}", None if mine is None else f"{mine.rpartition('/')[0]}/{FILE}"


def read_saved(path: str) -> dict[str, str]:
    """Return the filters in a file, none when there is no file.

    Raises:
        InputError: it does not hold what it should.
        AccessError: it cannot be read.
    """
    import json

    try:
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read(_MAX_BYTES + 1)
        found = json.loads(data) if len(data) <= _MAX_BYTES else None
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AccessError("ACODE-ART-006", f"cannot read {path}: {error.strerror}", "check it") from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise InputError("ACODE-RUN-023", f"{path} does not hold saved filters", "mend or remove it")
    return found


def save_filter(path: str, name: str, text: str) -> bool:
    """Put a filter into a file, over one of the same name; tell whether there was one.

    Raises:
        InputError: the name is none, or the file does not hold saved filters.
        AccessError: it cannot be written.
    """
    check_name(name)
    found = read_saved(path)
    known = name in found
    _write(path, found | {name: text})
    return known


def remove_filter(path: str, name: str) -> None:
    """Take a filter out of a file. Raises NotFoundError, InputError, AccessError."""
    found = read_saved(path)
    if name not in found:
        from collector.suggest import did_you_mean

        hint = did_you_mean(name, found, "'acode query list' shows what there is")
        raise NotFoundError("ACODE-RUN-001", f"no saved filter {name!r}", hint)
    del found[name]
    _write(path, found)


def check_name(name: str) -> None:
    """Make sure that a name can be typed as `@name`. Raises InputError."""
    if name in RESERVED or name.isdigit():
        raise InputError("ACODE-RUN-018", f"'@{name}' names a run already", "choose another name")
    if not name or len(name) > _MAX_NAME or not set(name) <= _NAME:
        raise InputError(
            "ACODE-RUN-018", f"{name[:60]!r} cannot be a filter's name",
            f"use a to z, digits, '-', '_' and '.', at most {_MAX_NAME}",
        )  # fmt: skip


def _write(path: str, found: Mapping[str, str]) -> None:
    import json

    data = json.dumps(dict(sorted(found.items())), indent=2, ensure_ascii=False) + "\n"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        durable.replace_file(path, data.encode("utf-8", "replace"))
    except OSError as error:
        raise AccessError("ACODE-ART-006", f"cannot write {path}: {error.strerror}", "check it") from None
