"""The values that can be completed: runs, files, tags, sessions, settings, filters.

Read from one bounded page of the store, without bringing it up to date first.
"""

from __future__ import annotations

import os

from collector.workspace import Workspace, find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from collector.model.run import Run
    from collector.store.artifacts import SqliteArtifactStore
    from collector.store.runs import SqliteRunStore

Candidates = list[tuple[str, str]]
_RECENT = 100
_FEW = 5


class Asked:
    """What is known when a word is completed; the store is opened when a value needs it.

    Args:
        environ: the environment variables.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self.root: str | None = None
        self.name = ""
        self.positional: list[str] = []
        self._recent: tuple[Run, ...] | None = None

    @property
    def folder(self) -> str:
        """The workspace root."""
        here = os.getcwd()  # noqa: PTH109
        return os.path.abspath(os.path.expanduser(self.root or find_root(here, self.environ)))  # noqa: PTH100, PTH111

    def stores(self) -> tuple[SqliteRunStore, SqliteArtifactStore]:
        """Open the stores as they are. Raises AcodeError where there is nothing to open."""
        from collector.store import open_stores

        return open_stores(Workspace(self.folder))

    def recent(self) -> tuple[Run, ...]:
        """Return the newest runs."""
        if self._recent is None:
            from collector.model.query import RunQuery

            self._recent = tuple(self.stores()[0].list(RunQuery(limit=_RECENT)).items)
        return self._recent


def values_for(kind: str, dest: str, current: str, asked: Asked) -> Candidates:
    """Return what an option or argument could be.

    Args:
        kind: what help calls its value: `RUN`, `TAG`, `FILTER` …
        dest: its own name, for values that are called `X`.
        current: what is typed of it.
        asked: where to look, and what was typed before.
    """
    special = {
        "RUN": _runs, "SESSION": _sessions, "FILTER": _filters, "KEY": _keys, "VALUE": _setting_values,
        "FILE": _files_of_run, "ID": _artifact_ids, "A,B": _fields, "FIELD": _sorts, "AGENT": _agents,
        "TAG": _tags, "TASK": _tasks, "DELETED": _deleted,
    }  # fmt: skip
    if kind in special:
        return special[kind](current, asked)
    if kind == "NAME" and asked.name in ("query show", "query remove"):
        return _fitting(_saved(asked).items(), current)
    by_name = {"session": _sessions, "agent": _agents, "tag": _tags, "tags": _tags, "query": _filters}
    if dest in by_name and kind != "TEXT":
        return by_name[dest](current, asked)
    return _of_option(dest, current, asked)


def _of_option(dest: str, current: str, asked: Asked) -> Candidates:
    """Complete `--status X` of a listing as the value of `status:X` in its filter."""
    from collector.cli.filters import TERMS

    if dest not in TERMS:
        return []
    key = TERMS[dest][0] + ":"
    found = complete_filter(key + current, asked.recent, {})
    return [(word.removeprefix(key), text) for word, text in found]


def _fitting(values: Iterable[tuple[str, str]], current: str) -> Candidates:
    return [(value, text) for value, text in values if value.startswith(current)]


def _runs(current: str, asked: Asked) -> Candidates:
    runs = [run for run in _matching(current, asked) if run.name not in asked.positional]
    found = _fitting([(run.name, _about(run)) for run in runs], current)
    if len(current) >= 2:
        found += [(run.run_id, _about(run)) for run in runs if run.run_id.startswith(current.upper())]
    return [*_by_age(current, asked), *found]


def _deleted(current: str, asked: Asked) -> Candidates:
    from collector.store.deletions import list_trashed

    runs = list_trashed(Workspace(asked.folder), 0)[:_RECENT]
    return _fitting([(run.name, run.rule) for run in runs if run.name not in asked.positional], current)


def _matching(current: str, asked: Asked) -> Iterable[Run]:
    if not current or current.startswith("@"):
        return asked.recent() if not current else ()
    return asked.stores()[0].find_matching(current, _RECENT)


def _by_age(current: str, asked: Asked) -> Candidates:
    named = [("latest", "the newest run"), ("@last-failed", "the newest that failed")]
    if not current.startswith("@"):
        return _fitting(named, current)
    counted = [(f"@{number}", _about(run)) for number, run in enumerate(asked.recent()[:_FEW])]
    return _fitting([*named[1:], *counted[1:]], current)


def _about(run: Run) -> str:
    return f"{run.status}: {run.command_line[:80]}"


def _sessions(current: str, asked: Asked) -> Candidates:
    from collector.store.database import open_reader
    from collector.store.sessions import SessionQuery, SqliteSessionStore

    store = SqliteSessionStore(open_reader(Workspace(asked.folder).database))
    found = (
        store.find_matching(current, _RECENT) if current else store.list(SessionQuery(limit=_RECENT)).items
    )
    return _fitting([(s.session_id, s.title or s.team or s.agent or "") for s in found], current)


def _artifacts_of(reference: str, asked: Asked) -> list[tuple[str, str, str]]:
    """Return path, id and type of each file of a run."""
    from collector.query.references import resolve

    runs, artifacts = asked.stores()
    found = artifacts.by_run(resolve(runs, reference).run_id)
    return [(item.path, item.artifact_id, item.type) for item in found]


def _files_of_run(current: str, asked: Asked) -> Candidates:
    found = _artifacts_of(asked.positional[0] if asked.positional else "latest", asked)
    return _fitting([(path, kind) for path, _, kind in found], current)


def _artifact_ids(current: str, asked: Asked) -> Candidates:
    return _fitting([(name, path) for path, name, _ in _artifacts_of("latest", asked)], current.upper())


def _tags(current: str, asked: Asked) -> Candidates:
    return _fitting([(tag, "") for tag in _tags_of(asked.recent())], current)


def _tags_of(runs: Iterable[Run]) -> list[str]:
    tags = {key if not value else f"{key}={value}": None for run in runs for key, value in run.tags.items()}
    return list(tags)


def _agents(current: str, asked: Asked) -> Candidates:  # noqa: ARG001, RUF100
    from collector.agents.adapter import NAMES

    return _fitting([(name, "") for name in NAMES], current)


def _fields(current: str, asked: Asked) -> Candidates:
    """Complete the last name of a list."""
    from collector.cli.fields import fields_of

    done, comma, last = current.rpartition(",")
    names = [(name, text) for name, text in fields_of(asked.name).items() if name not in done.split(",")]
    return [(done + comma + name, text) for name, text in _fitting(names, last)]


def _sorts(current: str, asked: Asked) -> Candidates:  # noqa: ARG001, RUF100
    from collector.model.query import SORTS

    return _fitting([(name, "") for name in SORTS], current)


# Settings


def _keys(current: str, asked: Asked) -> Candidates:
    from collector.config.settings import MAPS, SETTINGS

    names = []
    for setting in SETTINGS.values():
        if setting.kind in MAPS and asked.name != "config get":
            names.append((setting.name + ".", setting.help))
        else:
            names.append((setting.name, setting.help))
    if any(name.startswith(current.rpartition(".")[0] + ".") for name in ("tasks.",)):
        names += [(f"tasks.{task}", text) for task, text in _task_lines(asked)]
    return _fitting(names, current)


def _setting_values(current: str, asked: Asked) -> Candidates:
    from collector.cli.config import format_value
    from collector.config.settings import CHOICES, find_setting

    setting = find_setting(asked.positional[0]) if asked.positional else None
    if setting is None:
        return []
    if setting.kind == "bool":
        return _fitting([("true", ""), ("false", "")], current)
    if setting.kind == "choice":
        return _fitting([(value, "") for value in CHOICES[setting.name]], current)
    return _fitting([(format_value(setting, setting.default), "the default")], current)


def _tasks(current: str, asked: Asked) -> Candidates:
    return _fitting(_task_lines(asked), current)


def _task_lines(asked: Asked) -> Candidates:
    from collector.config import load_config

    return list(load_config(asked.folder, asked.environ).tasks.items())


# Filters


def _filters(current: str, asked: Asked) -> Candidates:
    return complete_filter(current, asked.recent, _saved(asked))


def _saved(asked: Asked) -> Mapping[str, str]:
    from collector.cli.context import Context

    return Context(asked.folder, asked.environ).saved_filters


def complete_filter(word: str, recent: Recent, saved: Mapping[str, str]) -> Candidates:
    """Return what a word of a filter could become: a key, a value of its key, a saved filter.

    Args:
        word: what is typed of it, without the dash that negates it.
        recent: gives the newest runs, for the values that they have.
        saved: the saved filters.
    """
    from collector.query.completion import complete

    def counted(field: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for value in _seen(field, recent()):
            counts[value] = counts.get(value, 0) + 1
        return counts

    found = complete(word, len(word), counted, saved)
    begun = word[: found.start]
    taken = begun.rpartition(":")[2].split(",")
    return [
        (begun + one.text, one.meaning)
        for one in found.suggestions
        if (begun + one.text).startswith(word) and one.text not in taken and not set(one.text) & _QUOTED
    ]


def _seen(field: str, runs: Iterable[Run]) -> list[str]:
    if field == "tag":
        return [tag for run in runs for tag in _tags_of([run])]
    name = "command" if field == "command_line" else field
    values = [getattr(run, name, None) for run in runs]
    return [str(value) for value in values if value not in (None, "")]


_QUOTED = frozenset('",\\ \t\n')
"""What has to be quoted within a filter is left out: a shell would need quotes around these quotes."""

if TYPE_CHECKING:
    from collections.abc import Callable

    Recent = Callable[[], Iterable[Run]]
