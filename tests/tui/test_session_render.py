"""Lines of the tree and facts of the preview, from records of any content."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acode_tui.render.rows import cells
from acode_tui.render.session_facts import instance_lines, rest_lines, session_lines
from acode_tui.render.sessions import (
    count_text,
    is_ticking,
    line_spans,
    mark_column,
    title_spans,
    tree_layout,
)
from acode_tui.render.unsafe import UNSAFE
from acode_tui.window.sessions import Key, Line
from collector import Run
from collector.model.session import AgentInstance, Session
from tests.tui.conftest import NOON

WIDTHS = (24, 40, 43, 44, 57, 58, 69, 70, 91, 95, 96, 111, 112, 160, 300)
ANYTHING: Any = st.one_of(
    st.none(), st.text(max_size=60), st.integers(-5, 10**14), st.floats(), st.lists(st.text())
)


def lines_of(session: Session, instance: AgentInstance, run: Run, depth: int) -> list[Line]:
    name = session.session_id
    return [
        Line(Key("session", name), 0, session, runs=10**6, is_open=True),
        Line(Key("instance", name, "i"), depth, session, instance, runs=3, is_open=False),
        Line(Key("instance", name), depth, session, None, runs=3, is_open=None),
        Line(Key("run", name, "i", 5, 7), depth, session, instance, run),
        Line(Key("run", name, "i", 0, 7), depth, session, instance, None),
        Line(Key("note", name, "i"), depth, session, note="reading …"),
    ]


@pytest.mark.parametrize("width", WIDTHS)
@given(title=ANYTHING, cost=ANYTHING, tokens=ANYTHING, name=ANYTHING, depth=st.integers(0, 200))
def test_every_line_is_as_wide_as_the_tree_and_harmless(
    width: int, title: Any, cost: Any, tokens: Any, name: Any, depth: int
) -> None:
    layout = tree_layout(width)
    session = Session(
        session_id="s", title=title, cost=cost, tokens={"input": tokens}, agent=name, model=name, runs=10**6,
        failed_runs=10**5, status=str(name), started_at=NOON,
    )  # fmt: skip
    instance = AgentInstance(
        instance_id="i", session_id="s", name=name, role=title, model=name, cost=cost, error=title,
        tokens={"output": tokens}, created_at=NOON,
    )  # fmt: skip
    run = Run(
        run_id="R", name="n", task="t", command="c", command_line=str(title), status="failure",
        start_time=NOON, end_time=NOON, exit_code=255, tool=str(name), tokens={"input": 10**9},
    )  # fmt: skip
    for line in lines_of(session, instance, run, depth):
        spans = line_spans(line, layout, NOON + 5)
        assert not any(UNSAFE.search(text) for text, _ink in spans)
        taken = sum(cells(text) for text, _ink in spans)
        assert taken == (width if not line.note else 1 + layout.columns[0].width)
    assert sum(cells(text) for text, _ink in title_spans(layout)) == width


@given(value=ANYTHING, number=ANYTHING, width=st.integers(1, 120))
def test_facts_are_harmless_whatever_a_record_says(value: Any, number: Any, width: int) -> None:
    session = Session(
        session_id="s", title=value, status=value, team=value, model=value, error=value, prompts=number,
        tokens={"input": number, "other": value}, cost=number, started_at=number, ended_at=number,
        transcripts=({"path": value, "size_bytes": number}, value), git_branch=value,
    )  # fmt: skip
    instance = AgentInstance(
        instance_id="i", session_id="s", name=value, role=value, prompt=value, status=value, cost=number,
        tokens={"reasoning": number}, created_at=None, parent_instance_id=value, workspace=value,
    )  # fmt: skip
    lines = [
        *session_lines(session, width, NOON), *instance_lines(instance, (instance,), None, width, NOON),
        *rest_lines(5, width),
    ]  # fmt: skip
    for line in lines:
        assert not UNSAFE.search(line.text)
        assert all(0 <= start <= end <= len(line.text) for start, end, _ink in line.spans)


def test_narrow_trees_give_the_room_of_other_columns_to_commands() -> None:
    session = Session(session_id="s", title="x" * 90)
    run = Run(
        run_id="R", name="n", task="t", command="c", command_line="y" * 90, status="success", start_time=NOON,
        end_time=NOON,
    )  # fmt: skip
    top, _, _, command, *_ = lines_of(session, AgentInstance(instance_id="i", session_id="s"), run, 2)
    layout = tree_layout(80)
    text = {
        letter: "".join(part for part, _ in line_spans(line, layout, NOON)).count(letter)
        for letter, line in (("x", top), ("y", command))
    }
    assert text["x"] >= 28
    assert text["y"] >= 40
    assert mark_column(top) == 1
    assert mark_column(command) == 5


@pytest.mark.parametrize(
    ("number", "width", "text"),
    [(0, 4, ""), (7, 4, "7"), (9999, 4, "9999"), (14_285, 4, "14k"), (100_000, 5, "100k")],
)
def test_counts(number: int, width: int, text: str) -> None:
    assert count_text(number, width) == text


def test_what_ticks() -> None:
    live = Session(session_id="s", status="running")
    ended = AgentInstance(instance_id="i", session_id="s", status="ended")
    assert is_ticking(Line(Key("session", "s"), 0, live))
    assert not is_ticking(Line(Key("instance", "s", "i"), 1, live, ended))
