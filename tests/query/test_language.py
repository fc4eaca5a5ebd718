"""The filter language: what it reads, what it says about what it cannot read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import InputError
from collector.model.query import FIELDS, HAS, ORDERED, Operator, RunQuery, Term
from collector.model.run import CONTEXTS, STATUSES, TYPES
from collector.query.language import (
    MEANINGS,
    check_terms,
    field_key,
    format_query,
    parse_query,
    parse_term,
)
from collector.query.words import FilterError

NOW = 1_768_919_535_123
TRICKY = ("-x", "-", '"', '\\"', "\\", "a:b", "a,b", ">1", " ", "\n", "re:x", "a*", "é", "'")
WORDS = st.sampled_from(TRICKY) | st.text(min_size=1, max_size=12)
VALUES: dict[str, st.SearchStrategy[str | int]] = {
    "word": WORDS,
    "glob": WORDS,
    "text": WORDS,
    "tag": WORDS,
    "prefix": st.from_regex(r"[0-9A-Z_-]{1,12}", fullmatch=True),
    "number": st.integers(-(2**63) + 1, 2**63 - 1),
    "duration": st.integers(0, 10**12),
    "size": st.integers(0, 10**12),
    "time": st.integers(-30_000_000_000_000, 250_000_000_000_000),
}
CHOICES = {"status": STATUSES, "type": TYPES, "context": CONTEXTS, "has": HAS}
REGEXES = ("a/b", "/", "a, b", '"x"', "(?i)a|b", "\\.", "\\\\", "[/]", "a b ", ":", "é+$")
OPERATORS: tuple[Operator, ...] = (":", ">", ">=", "<", "<=")


def attempt(text: str) -> RunQuery | FilterError:
    try:
        return parse_query(text, NOW, {"slow": "duration:>60s"})
    except FilterError as error:
        return error


@st.composite
def terms(draw: st.DrawFn) -> Term:
    field = draw(st.sampled_from(sorted(FIELDS)))
    kind = FIELDS[field]
    strategy: st.SearchStrategy[str | int] = VALUES.get(kind, WORDS)
    if field in CHOICES:
        strategy = st.sampled_from(CHOICES[field])
    values = tuple(draw(st.lists(strategy, min_size=1, max_size=3)))
    compared = kind in ORDERED
    operator: Operator = draw(st.sampled_from(OPERATORS)) if compared else ":"
    if kind in ("prefix", "glob"):
        operator = draw(st.sampled_from((":", "=", "~")))
    if operator == "~":
        values = tuple(draw(st.lists(st.sampled_from(REGEXES), min_size=1, max_size=2)))
    return Term(field, values, operator, draw(st.booleans()))


@given(st.lists(terms(), max_size=4))
def test_what_is_formatted_is_read_back_as_it_was(some: list[Term]) -> None:
    query = RunQuery(tuple(some))
    try:
        check_terms(query.terms)
    except InputError:
        assert isinstance(attempt(format_query(query)), FilterError)
    else:
        assert parse_query(format_query(query), NOW) == query


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_the_place(text: str) -> None:
    outcome = attempt(text)
    if isinstance(outcome, FilterError):
        assert 0 <= outcome.start < outcome.end <= len(text)
        assert "\n" not in str(outcome)
    else:
        assert parse_query(format_query(outcome), 0) == outcome


def test_the_example_of_the_contract_is_read() -> None:
    query = parse_query(
        "status:failed type:test since:1h cmd:dotnet* duration:>60s tag:important "
        '-session:abc123 exit:137 "connection refused"',
        NOW,
    )
    assert query.terms == (
        Term("status", ("failure",)),
        Term("type", ("test",)),
        Term("start_time", (NOW - 3_600_000,), ">="),
        Term("command_line", ("dotnet*",)),
        Term("duration_ms", (60_000,), ">"),
        Term("tag", ("important",)),
        Term("session_id", ("abc123",), ":", True),
        Term("exit_code", (137,)),
        Term("text", ("connection refused",)),
    )


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("status:FAILED,timeout", Term("status", ("failure", "timeout"))),
        ("Exit:>=2", Term("exit_code", (2,), ">=")),
        ("exit:-1", Term("exit_code", (-1,))),
        ("-word", Term("text", ("word",), ":", True)),
        ("a,b", Term("text", ("a,b",))),
        ('cmd:"npm run build",make', Term("command_line", ("npm run build", "make"))),
        ('-"two words"', Term("text", ("two words",), ":", True)),
        ('"say \\"hi\\""', Term("text", ('say "hi"',))),
        ("until:now", Term("start_time", (NOW,), "<=")),
        ("id:01kabc", Term("run_id", ("01KABC",))),
        ("duration:<1.5m", Term("duration_ms", (90_000,), "<")),
        ("command_line:x*", Term("command_line", ("x*",))),
        ("tag:env=prod", Term("tag", ("env=prod",))),
        ("size:>1MB", Term("output_bytes", (1 << 20,), ">")),
        ("has:tests", Term("has", ("test_result",))),
        ("ended:>@1000", Term("end_time", (1_000_000,), ">")),
        ("dir:/srv/*", Term("working_directory", ("/srv/*",))),
        ("failed_tests:>0", Term("failed_tests", (0,), ">")),
        ("re:/a b/", Term("command_line", ("a b",), "~")),
        ("-re:^git", Term("command_line", ("^git",), "~", True)),
        ('re:/src/api, "x"/i', Term("command_line", ('(?i)src/api, "x"',), "~")),
        ("task:re:/^t/", Term("task", ("^t",), "~")),
        ('cmd:"re:/x/"', Term("command_line", ("re:/x/",))),
        ('"@slow"', Term("text", ("@slow",))),
    ],
)
def test_a_word_means(text: str, term: Term) -> None:
    assert parse_query(text, NOW).terms == (term,)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ok stauts:failed", ("'stauts'", "column 4", "'status'")),
        ("status:fialed", ("'fialed'", "column 1", "'failed'")),
        ("type:tst", ("'tst'", "'test'")),
        ("exit:one", ("'one'", "whole number")),
        ("exit:99999999999999999999", ("whole number",)),
        ("duration:>soon", ("'soon'", "duration")),
        ("since:notadate", ("'notadate'", "yesterday")),
        ("re:/(/", ("'('", "regular expression", "column 1")),
        ("x re:/abc", ("no closing slash", "column 3")),
        ("status:re:/x/", ("'status'", "no regular expression")),
        ("cmd:re:/x/,y", ("beside a text",)),
        ("exit:5..1", ("'exit'", "from 5 to 1", "wrong way round")),
        ("ok since:1h until:2h", ("wrong way round", "column 13")),
        ("size:10MB..1KB", ("from 10MB to 1KB",)),
        ("duration:90m..1500ms", ("from 90m to 1500ms",)),
        ("coverage:50%", ("'50%'", "write coverage:1")),
        ("x @", ("'@' needs the name", "column 3")),
        ("duration:..", ("needs a limit",)),
        ("-exit:1..2", ("cannot be negated",)),
        ("has:nothing", ("'nothing'", "use one of")),
        ("size:big", ("'big'", "not a size")),
        ("@slwo", ("no saved filter 'slwo'", "'slow'")),
        ("since:2026-13-45", ("'2026-13-45'",)),
        ("status:", ("'status:'", "needs a value")),
        ("status:failed,", ("needs a value",)),
        ('"half a phr', ("closing quote",)),
        ("-", ("missing",)),
        ("http://localhost", ("'http'", "quote it")),
        ("cargo OR npm", ("OR joins nothing", "column 7", "key:a,b")),
        ("a && b", ("&& joins nothing", 'or "&&"')),
    ],
)
def test_what_is_not_understood_is_named(text: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(FilterError) as caught:
        parse_query(text, NOW, {"slow": "exit:1"})
    assert caught.value.exit_status == 2
    for part in parts:
        assert part in str(caught.value)


def test_a_word_that_joins_nothing_can_be_looked_for_in_quotes() -> None:
    query = parse_query('"OR"', NOW)
    assert (query.terms[0].values, format_query(query)) == (("OR",), '"OR"')


def test_every_half_typed_filter_is_read_or_refused() -> None:
    text = 'status:failed since:"1 hour ago" -tag:a=b duration:>=60s "a b" exit:1,2'
    for end in range(len(text) + 1):
        assert isinstance(attempt(text[:end]), RunQuery | FilterError)


def test_an_option_takes_its_text_as_it_is() -> None:
    assert parse_term("cmd", 'say "hi": there', NOW).values == ('say "hi": there',)
    assert parse_term("status", "failed, timeout", NOW).values == ("failure", "timeout")
    with pytest.raises(InputError):
        parse_term("status", "", NOW)


def test_a_range_is_both_of_its_limits() -> None:
    assert parse_query("duration:1s..1m exit:..3 started:2026-01-01T00:00Z..", NOW).terms == (
        Term("duration_ms", (1000,), ">="), Term("duration_ms", (60_000,), "<="),
        Term("exit_code", (3,), "<="), Term("start_time", (1_767_225_600_000,), ">="),
    )  # fmt: skip


def test_a_saved_filter_stands_for_its_words() -> None:
    saved = {"slow": "duration:>60s", "bad": "@slow status:failed", "loop": "@loop"}
    assert parse_query("@bad cargo", NOW, saved).terms == (
        Term("duration_ms", (60_000,), ">"), Term("status", ("failure",)), Term("text", ("cargo",)),
    )  # fmt: skip
    assert parse_query("-@slow", NOW, saved).terms == (Term("duration_ms", (60_000,), ">", True),)
    for text, words in {"@loop": "leads to itself", "-@bad": "several conditions"}.items():
        with pytest.raises(FilterError, match=words):
            parse_query(text, NOW, saved)


@pytest.mark.parametrize(
    "text", ["x " * 5000, "status:failed " * 501, f"task:{','.join('a' * 501)}", "@wide"]
)
def test_a_filter_with_more_values_than_can_be_asked_for_is_refused(text: str) -> None:
    saved = {"wide": "@b " * 200, "b": "@c " * 200, "c": "@d " * 200, "d": "x"}
    with pytest.raises(FilterError, match="at most 500 values"):
        parse_query(text, NOW, saved)


def test_a_mistake_in_a_filter_within_a_saved_one_is_pointed_at_once() -> None:
    with pytest.raises(FilterError) as caught:
        parse_query("x @outer", NOW, {"outer": "ok @odd", "odd": "type:test stauts:failed"})
    assert caught.value.message == "in the saved filter 'odd': unknown key 'stauts' at column 11"
    assert (caught.value.start, caught.value.end) == (2, 8)


def test_a_mistake_in_a_saved_filter_is_said_with_its_name() -> None:
    with pytest.raises(FilterError, match=r"in the saved filter 'odd'.*unknown key 'stauts'"):
        parse_query("x @odd", NOW, {"odd": "stauts:failed"})


def test_every_field_has_a_key_that_says_what_it_asks() -> None:
    assert all(MEANINGS.get(field_key(field)) for field in FIELDS)


def test_a_value_that_no_engine_would_take_is_refused() -> None:
    for text in ("y" * 20_000, f"cmd:{'y' * 20_000}*", f"task:{'*' * 20_000}"):
        with pytest.raises(FilterError, match="too long"):
            parse_query(text, NOW)
