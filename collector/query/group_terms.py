"""From a group of runs back to a filter: the conditions under which exactly its runs are found. Pure."""

from __future__ import annotations

import re
from itertools import islice

from collector.model.query import FIELDS, Term
from collector.query.steps import STEPS, iter_steps

_FIELDS = {
    "command": "command_line", "task": "task", "type": "type", "status": "status", "context": "context",
    "session": "session_id", "agent": "agent", "instance": "agent_instance_id", "model": "model",
    "tool": "tool", "host": "host", "directory": "working_directory",
}  # fmt: skip
_LONGEST_STEP_MS = 400 * 86_400_000


def group_terms(by: str, name: str | None, oldest: int | None = None) -> tuple[Term, ...]:
    """Return the conditions that stand for a group.

    A program has no field of its own: its words in their order, anywhere in the command line, find its runs
    and perhaps some others.

    Args:
        by: what was grouped by, one of `GROUPINGS`.
        name: the group's name; None for runs without a value.
        oldest: when a run of it started; steps of time are found by it.
    """
    if by in STEPS:
        return _step_terms(by, oldest)
    if by == "program":
        return _program_terms(name or "")
    field = _FIELDS[by]
    kind = FIELDS[field]
    if name is None:
        return (Term(field, ("*",) if kind == "glob" else (".",), ":" if kind == "glob" else "~", True),)
    if not name:
        return (Term(field, ("^$",), "~"),)
    is_whole = field == "command_line" or kind == "prefix" or (kind == "glob" and bool(set(name) & set("*?")))
    return (Term(field, (name,), "=" if is_whole else ":"),)


def _step_terms(step: str, oldest: int | None) -> tuple[Term, ...]:
    if oldest is None:
        return ()
    begins = [begin for _, begin in islice(iter_steps(step, oldest, oldest + _LONGEST_STEP_MS), 2)]
    if len(begins) < 2:
        return ()
    return Term("start_time", (begins[0],), ">="), Term("start_time", (begins[1],), "<")


def _program_terms(name: str) -> tuple[Term, ...]:
    words = [_word(word) for word in name.split()]
    if not words:
        return (Term("command_line", ("^$",), "~"),)
    return (Term("command_line", (r".*\s".join(words),), "~"),)


def _word(word: str) -> str:
    """Return what finds a word as a whole, where it has letters at its ends."""
    begin = r"\b" if re.match(r"\w", word, re.ASCII) else ""
    end = r"\b" if re.search(r"\w\Z", word, re.ASCII) else ""
    return begin + re.escape(word) + end
