"""Naming a run: by id, by name, by the beginning of either, or by how recent it is."""

from __future__ import annotations

from collector import clock
from collector.errors import InputError, NotFoundError
from collector.model.frozen import replace
from collector.model.query import RunQuery, Term
from collector.query.language import parse_query
from collector.suggest import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.model.run import Run
    from collector.store.protocols import RunStore

FAILED = ("failure", "timeout", "cancelled")
_CANDIDATES = 5
_RECENT = 200
_SHOWN = 80
_HINT = "'acode runs list' shows what there is"


def resolve(store: RunStore, text: str) -> Run:
    """Return the run that a text names.

    Args:
        store: where to look.
        text: an id, a name, an unambiguous beginning of either, `latest` or `@`, `@1`, `@2` … (the
            n-th before the latest), `@last-failed`, `@FILTER`: the newest that fits, such as `@task:test`.

    Raises:
        NotFoundError: there is none; the nearest recent name is offered.
        InputError: several begin like that.
    """
    if text == "latest" or text.startswith("@"):
        return _by_age(store, text)
    if not text or not text.isascii() or not text.isprintable():
        raise NotFoundError("ACODE-RUN-001", f"no run named {_shown(text)}", _HINT)
    found = store.find_matching(text, _CANDIDATES + 1)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError("ACODE-RUN-001", f"no run named {_shown(text)}", _nearest(store, text))
    names = [run.name for run in found[:_CANDIDATES]]
    more = " …" if len(found) > _CANDIDATES else ""
    is_task = any(run.task == text for run in found)
    hint = f"type more of it, or @task:{text} for the newest" if is_task else "type more of it"
    raise InputError("ACODE-RUN-016", f"{text!r} is the beginning of {', '.join(names)}{more}", hint)


def _by_age(store: RunStore, text: str) -> Run:
    which = text.removeprefix("@")
    if which in ("last-failed", "failed"):
        page = store.list(RunQuery((Term("status", FAILED),), limit=1))
        run = page.items[0] if page.items else None
    elif which in ("", "latest", "last"):
        run = store.latest()
    elif which.isascii() and which.isdigit() and len(which) < 10:
        run = store.latest(int(which))
    elif ":" in which:
        page = store.list(replace(parse_query(which, clock.now_ms()), limit=1))
        run = page.items[0] if page.items else None
    else:
        hint = "write latest, @, @1, @last-failed or @task:NAME"
        raise InputError("ACODE-RUN-016", f"{_shown(text)} names no run", hint)
    if run is None:
        raise NotFoundError("ACODE-RUN-001", f"there is no run {_shown(text)} yet", _HINT)
    return run


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _nearest(store: RunStore, text: str) -> str:
    """Offer the newest run whose name, or task, looks like what was typed."""
    names: dict[str, str] = {}
    for run in store.list(RunQuery(limit=_RECENT)).items:
        names.setdefault(run.task, run.name)
        names.setdefault(run.name, run.name)
    found = nearest(text, names)
    return f"did you mean {names[found]!r}?" if found else _HINT
