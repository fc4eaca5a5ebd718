"""Every filter, compared with plain Python over random runs: the SQL says what the words say."""

from __future__ import annotations

import math
import operator
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.errors import InputError
from collector.model.artifact import Artifact
from collector.model.frozen import replace
from collector.model.query import FIELDS, ORDERED, SORTS, STREAMS, Operator, RunQuery, Term
from collector.model.run import Run
from collector.query.language import check_terms, format_query, parse_query
from collector.store.database import open_writer
from collector.store.runs import FACETS, SqliteRunStore

NOW = 1_768_919_535_123
EXAMPLES = 2 * settings().max_examples
"""How many random questions are asked; ACODE_EXAMPLES=5000 asks thousands."""
WORDS = ("a", "ab", "abc", "b", "A", "x_y", "x%y", "[b]", "a*", "ä", "a b", 'q"uote', "'")
SMALL = st.integers(-3, 5)
OPERATORS: dict[Operator, Callable[[int, int], bool]] = {
    ":": operator.eq, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
CHOICES = {
    "status": ("running", "success", "failure", "timeout", "cancelled"),
    "type": ("command", "build", "test", "generate"),
    "context": ("host", "docker", "remote"),
    "has": ("artifacts", "stdout", "stderr", "log", "test_result", "tags", "note"),
}
REGEXES = ("a", "^ab", "b$", "(ab|b)c", "\\[b", "x.y", "(?i)A", "abc*", 'q"uote')
IDS = ("01AAA", "01AAB", "01B", "02")


ARTIFACTS = tuple(
    Artifact(artifact_id=kind, run_id="", type=kind, path=f"{kind}-{size}", file_name=kind, size_bytes=size,
             stored_bytes=size, content_type="text/plain", source="file", created_at=NOW, modified_at=NOW)
    for kind in ("stdout", "stderr", "log", "test_result", "json") for size in (0, 3)
)  # fmt: skip


def own(artifact: Artifact, number: int) -> Artifact:
    return replace(artifact, artifact_id=f"{artifact.artifact_id}-{artifact.size_bytes}-{number}")


def make_summary(total: int, failed: int, covered: int) -> dict[str, object]:
    tests = {"total": total, "passed": 0, "failed": failed, "errors": 1}
    return {"tests": tests, "coverage": {"line_percent": covered + 0.5}}


@st.composite
def runs(draw: st.DrawFn) -> list[Run]:
    some = []
    word = st.sampled_from(WORDS)
    maybe = st.none() | word
    some_artifacts = st.lists(st.sampled_from(ARTIFACTS), max_size=3, unique_by=lambda a: a.type)
    for number in range(draw(st.integers(0, 12))):
        status = draw(st.sampled_from(CHOICES["status"]))
        run = Run(
            run_id=f"{draw(st.sampled_from(IDS))}-{number}",
            name=f"{draw(word)}-{number}",
            task=draw(word),
            command="c",
            command_line=draw(word) + draw(word) + draw(word),
            working_directory=draw(word),
            status=status,
            start_time=NOW + draw(SMALL) * 1000,
            end_time=None if status == "running" else NOW + draw(SMALL),
            exit_code=draw(st.none() | SMALL),
            duration_ms=draw(st.none() | st.integers(0, 5)),
            session_id=draw(maybe),
            task_id=draw(maybe),
            parent_run_id=draw(st.none() | st.sampled_from(IDS)),
            agent_instance_id=draw(maybe),
            agent=draw(maybe),
            model=draw(maybe),
            tool=draw(maybe),
            tool_call_id=draw(st.none() | st.just(f"call-{number}")),
            tokens=draw(st.just({}) | st.fixed_dictionaries({"input": st.integers(0, 5)})),
            host=draw(maybe),
            type=draw(st.sampled_from(CHOICES["type"])),
            context=draw(st.sampled_from(CHOICES["context"])),
            tags=draw(st.dictionaries(word, word | st.just(""), max_size=2)),
            note=draw(maybe),
            error_code=draw(maybe),
            output_bytes=draw(st.integers(0, 5)),
            max_rss_bytes=draw(st.none() | st.integers(0, 5)),
            summary=draw(st.just({}) | st.builds(make_summary, *[st.integers(0, 3)] * 3)),
            artifacts=tuple(own(a, number) for a in draw(some_artifacts)),
        )
        some.append(run)
    return some


@st.composite
def terms(draw: st.DrawFn) -> Term:
    field = draw(st.sampled_from(sorted(FIELDS)))
    values: dict[str, st.SearchStrategy[str | int]] = {
        "time": SMALL.map(lambda n: NOW + n * 1000),
        "duration": st.integers(0, 5),
        "number": SMALL,
        "prefix": st.sampled_from((*WORDS, *IDS)),
        "tag": st.sampled_from(WORDS) | st.tuples(*[st.sampled_from(WORDS)] * 2).map("=".join),
        "glob": st.sampled_from((*WORDS, "a?", "?", "*b*", "*[*", "ab*")),
        "size": st.integers(0, 5),
    }
    kind = FIELDS[field]
    strategy = values.get(kind, st.sampled_from(WORDS))
    if field in CHOICES:
        strategy = st.sampled_from(CHOICES[field])
    if field in ("run_id", "parent_run_id"):
        strategy = st.sampled_from(IDS)
    chosen = tuple(draw(st.lists(strategy, min_size=1, max_size=2)))
    compared = kind in ORDERED
    sign: Operator = draw(st.sampled_from(sorted(OPERATORS))) if compared else ":"
    if kind in ("prefix", "glob"):
        sign = draw(st.sampled_from((":", "=", "~")))
    if sign == "~":
        chosen = tuple(draw(st.lists(st.sampled_from(REGEXES), min_size=1, max_size=2)))
    return Term(field, chosen, sign, draw(st.booleans()))


def fits(run: Run, term: Term) -> bool:
    """What the documentation says, one value at a time."""
    if term.negated and term.field == "exit_code" and run.exit_code is None:
        return False
    return any(fits_value(run, term, value) for value in term.values) != term.negated


def fits_value(run: Run, term: Term, value: str | int) -> bool:
    kind = FIELDS[term.field]
    if kind == "tag":
        key, equals, wanted = str(value).partition("=")
        return key in run.tags and (not equals or run.tags[key] == wanted)
    if kind == "has":
        return has(run, str(value))
    actual = actual_value(run, term.field)
    if actual is None:
        return False
    if term.operator == "~":
        return re.search(str(value), actual) is not None
    if isinstance(value, int):
        return OPERATORS[term.operator](actual, value)
    if kind == "prefix":
        return bool(actual == value if term.operator == "=" else actual.startswith(value))
    if term.operator == "=":
        return bool(actual == value)
    if kind == "glob" and ("*" in value or "?" in value):
        return fnmatchcase(actual, value.replace("[", "[[]"))
    if kind in ("text", "note") or term.field == "command_line":
        return lower(value) in lower(actual)
    return bool(actual == value)


def actual_value(run: Run, field: str) -> Any:
    tests, coverage = run.summary.get("tests"), run.summary.get("coverage")
    if field == "tests":
        return tests and tests["total"]
    if field == "failed_tests":
        return tests and tests["failed"] + tests["errors"]
    if field == "coverage":
        return coverage and math.floor(coverage["line_percent"])
    return getattr(run, "command_line" if field == "text" else field)


def has(run: Run, what: str) -> bool:
    if what == "tags":
        return bool(run.tags)
    if what == "note":
        return run.note is not None
    if what == "artifacts":
        return any(a.type not in STREAMS for a in run.artifacts)
    return any(a.type == what and (a.size_bytes > 0 or what not in STREAMS) for a in run.artifacts)


def lower(text: str) -> str:
    """As SQLite's LIKE: the letters of ASCII only."""
    return "".join(c.lower() if c.isascii() else c for c in text)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteRunStore]:
    path: Path = tmp_path_factory.mktemp("store") / "runs.db"
    store = SqliteRunStore(open_writer(str(path)))
    yield store
    store.close()


def fill(store: SqliteRunStore, some: list[Run], indexed: int = 0) -> None:
    """Put runs in, so many of them before their command lines are indexed, the others after."""
    for run_id in store.run_ids():
        store.forget(run_id)
    store.write(some[:indexed])
    store.index_commands()
    store.write(some[indexed:])


@settings(max_examples=EXAMPLES)
@given(some=runs(), conditions=st.lists(terms(), max_size=3), indexed=st.integers(0, 12))
def test_a_query_finds_what_plain_python_finds(
    store: SqliteRunStore, some: list[Run], conditions: list[Term], indexed: int
) -> None:
    fill(store, some, indexed)
    query = RunQuery(tuple(conditions), limit=100)
    expected = {run.run_id for run in some if all(fits(run, term) for term in conditions)}
    assert {run.run_id for run in store.list(query).items} == expected
    assert store.count(query) == len(expected)
    assert store.matching(query, [run.seq for run in store.list(RunQuery(limit=100)).items]) == {
        run.seq for run in store.list(query).items
    }
    assert store.outline(query, 3).total == len(expected)
    try:
        check_terms(query.terms)
    except InputError:
        assert not expected
        return
    again = parse_query(format_query(query), NOW)
    assert {run.run_id for run in store.list(again).items} == expected


@given(some=runs(), sort=st.sampled_from(SORTS), descending=st.booleans(), size=st.integers(1, 5))
def test_pages_are_the_sorted_whole_in_pieces(
    store: SqliteRunStore, some: list[Run], sort: str, descending: bool, size: int
) -> None:
    fill(store, some)
    whole = store.list(RunQuery(sort=sort, descending=descending, limit=100)).items
    if sort == "revision":
        assert {run.run_id for run in whole} == {run.run_id for run in some}
        return
    values = [actual_value(run, sort) for run in whole]
    missing = "" if sort in ("session_id", "agent") else -(2**63)
    keys = [missing if value is None else value for value in values]
    assert keys == sorted(keys, reverse=descending)
    assert len(whole) == len(some)
    pieces: list[Run] = []
    after: str | None = None
    while True:
        page = store.list(RunQuery(sort=sort, descending=descending, limit=size, after=after))
        pieces += page.items
        after = page.next_cursor
        if after is None:
            break
    assert [run.run_id for run in pieces] == [run.run_id for run in whole]


@given(some=runs(), conditions=st.lists(terms(), max_size=2), indexed=st.integers(0, 12))
def test_counts_by_value_are_those_of_plain_python(
    store: SqliteRunStore, some: list[Run], conditions: list[Term], indexed: int
) -> None:
    fill(store, some, indexed)
    fitting = [run for run in some if all(fits(run, term) for term in conditions)]
    for field in FACETS:
        values = [value for run in fitting for value in facet_values(run, field)]
        assert store.facets(field, RunQuery(tuple(conditions))) == dict(Counter(values)), field


def facet_values(run: Run, field: str) -> list[str]:
    if field == "tag":
        return [f"{key}={value}" if value else key for key, value in run.tags.items()]
    value = getattr(run, field)
    return [] if value is None else [value]


@given(some=runs())
def test_what_is_counted_and_indexed_goes_away_with_the_runs(store: SqliteRunStore, some: list[Run]) -> None:
    fill(store, some, len(some))
    assert store.count(RunQuery()) == len(some)
    fill(store, [])
    assert store.count(RunQuery()) == 0
    assert not any(store.facets(field) for field in FACETS)
    assert not list(store.iter_tallies(RunQuery(), "command"))


# Every filter alone, and each with each other


def some_runs(dice: random.Random, count: int) -> list[Run]:
    made = []
    for number in range(count):
        status = dice.choice(CHOICES["status"])
        kept = dice.sample(ARTIFACTS, 2)
        made.append(
            Run(
                run_id=f"{dice.choice(IDS)}-{number}", name=f"{dice.choice(WORDS)}-{number}", command="c",
                task=dice.choice(WORDS), working_directory=dice.choice(WORDS), status=status,
                command_line=dice.choice(WORDS) + dice.choice(WORDS) + dice.choice(WORDS),
                start_time=NOW + dice.randint(-3, 3) * 1000, duration_ms=dice.choice((None, 0, 1, 5)),
                end_time=None if status == "running" else NOW + dice.randint(-3, 3),
                exit_code=dice.choice((None, 0, 1, 2)), session_id=dice.choice((None, "a", "ab", "b")),
                task_id=dice.choice((None, *WORDS)), parent_run_id=dice.choice((None, *IDS)),
                agent_instance_id=dice.choice((None, "a", "ab")), agent=dice.choice((None, *WORDS)),
                model=dice.choice((None, "a", "abc")), tool=dice.choice((None, "a", "x_y")),
                tool_call_id=dice.choice((None, f"call-{number}")), host=dice.choice((None, "a", "b")),
                tokens=dice.choice(({}, {"input": dice.randint(0, 5)})), type=dice.choice(CHOICES["type"]),
                context=dice.choice(CHOICES["context"]), error_code=dice.choice((None, "a", "b")),
                tags=dice.choice(({}, {"a": ""}, {"a": "b"}, {"ab": "", "b": "a"})),
                note=dice.choice((None, "a", "abc")), output_bytes=dice.randint(0, 5),
                max_rss_bytes=dice.choice((None, 1, 5)), artifacts=tuple(own(a, number) for a in kept[:1]),
                summary=dice.choice(({}, make_summary(dice.randint(0, 3), dice.randint(0, 2), 2))),
            )
        )  # fmt: skip
    return made


def every_filter() -> Iterator[Term]:
    values: dict[str, tuple[str | int, ...]] = {
        "time": (NOW,), "duration": (1,), "number": (1,), "size": (3,), "prefix": ("a", "call-1", "01A"),
        "tag": ("a", "a=b"), "glob": ("a", "a*", "*b?"), "text": ("ab",), "note": ("b",),
    }  # fmt: skip
    for field, kind in FIELDS.items():
        for value in CHOICES.get(field, values.get(kind, ())):
            for sign in (">=", "<", ":") if kind in ORDERED else (":",):
                for negated in (False, True):
                    yield Term(field, (value,), sign, negated)
        if kind in ("glob", "prefix"):
            yield Term(field, ("^a.*b$|c",), "~")
            yield Term(field, ("ab", "a"), "=")


def test_every_filter_alone_and_with_each_other_finds_what_plain_python_finds(
    store: SqliteRunStore,
) -> None:
    dice = random.Random(5)
    fill(store, some_runs(dice, 60), 40)
    everything = {run.seq: run for run in store.list(RunQuery(limit=100)).items}
    assert len(everything) == 60
    filters = list(every_filter())
    fitting = [{seq for seq, run in everything.items() if fits(run, term)} for term in filters]
    pairs = [(a, b) for a in range(len(filters)) for b in range(a, len(filters))]
    for a, b in dice.sample(pairs, min(len(pairs), EXAMPLES * 10)) + [(n, n) for n in range(len(filters))]:
        query = RunQuery((filters[a],) if a == b else (filters[a], filters[b]), limit=100)
        expected = fitting[a] & fitting[b]
        assert {run.seq for run in store.list(query).items} == expected, query.terms
        assert store.count(query) == len(expected), query.terms
