from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from acode_tui.screens.dialogs import CollectorDialog, DeleteDialog
from acode_tui.source import runs as source_module
from acode_tui.window import PAGE
from collector import Run, RunQuery, Workspace
from collector.model.session import AgentInstance
from collector.store.runs import SqliteRunStore
from tests.tui.conftest import Recorded, home, inspecting, screen_text, until


def fill(recorded: Recorded, count: int, **values: Any) -> None:
    recorded.store.write([recorded.make(f"echo {n}", **values) for n in range(count)])


def command_at_cursor(pilot: Pilot[None]) -> str:
    run = home(pilot).table.run_at_cursor
    return run.command_line if run is not None else ""


async def type_filter(pilot: Pilot[None], text: str) -> None:
    await pilot.press("slash", *("space" if c == " " else "colon" if c == ":" else c for c in text))


async def test_the_newest_run_is_on_top_and_selected(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        assert command_at_cursor(pilot) == "echo 2"
        rows = [line for line in screen_text(pilot).splitlines() if "echo" in line]
        assert [row.split("echo ")[1][0] for row in rows[:3]] == ["2", "1", "0"]


async def test_an_empty_workspace_says_how_to_record_and_shows_the_first_run(recorded: Recorded) -> None:
    async with inspecting(recorded) as pilot:
        await until(pilot, lambda: "acode exec -- pytest" in screen_text(pilot))
        recorded.add("make all")
        await until(pilot, lambda: command_at_cursor(pilot) == "make all")


async def test_a_new_run_slides_in_on_top_and_is_followed(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        recorded.add("brand new")
        await until(pilot, lambda: command_at_cursor(pilot) == "brand new")
        assert home(pilot).table.cursor == 0


async def test_the_selection_stays_on_its_run_while_rows_arrive(recorded: Recorded) -> None:
    fill(recorded, 50)
    async with inspecting(recorded) as pilot:
        await pilot.press("j", "j", "j")
        chosen = command_at_cursor(pilot)
        line = next(n for n, row in enumerate(screen_text(pilot).splitlines()) if "▌✓ success" in row)
        for n in range(5):
            recorded.add(f"new {n}")
        await until(pilot, lambda: home(pilot).window.total == 55)
        assert command_at_cursor(pilot) == chosen
        assert home(pilot).table.cursor == 8
        assert line == 5


async def test_a_scrolled_view_does_not_move_while_rows_arrive(recorded: Recorded) -> None:
    fill(recorded, 400)
    async with inspecting(recorded) as pilot:
        await pilot.press("G")
        await until(pilot, lambda: command_at_cursor(pilot) == "echo 0")
        before = screen_text(pilot).splitlines()[2:20]
        recorded.store.write([recorded.make(f"new {n}") for n in range(30)])
        await until(pilot, lambda: home(pilot).window.total == 430)
        await until(pilot, lambda: screen_text(pilot).splitlines()[2:20] == before)
        assert command_at_cursor(pilot) == "echo 0"


async def test_follow_off_leaves_the_cursor_on_the_run_at_the_top(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        await pilot.press("F")
        recorded.add("brand new")
        await until(pilot, lambda: home(pilot).window.total == 4)
        assert command_at_cursor(pilot) == "echo 2"


async def test_a_running_row_changes_in_place_when_it_ends(recorded: Recorded) -> None:
    running = recorded.add("sleep 9", status="running")
    async with inspecting(recorded) as pilot:
        assert "● running" in screen_text(pilot)
        recorded.finish(running)
        await until(pilot, lambda: "● running" not in screen_text(pilot))
        assert home(pilot).window.total == 1


async def test_f_shows_failed_runs_only_and_again_all(recorded: Recorded) -> None:
    fill(recorded, 5)
    recorded.add("bad", status="failure")
    recorded.add("late", status="timeout", exit_code=None)
    async with inspecting(recorded) as pilot:
        await pilot.press("f")
        await until(pilot, lambda: home(pilot).window.total == 2 and home(pilot).window.is_complete)
        assert command_at_cursor(pilot) == "late"
        await pilot.press("f")
        await until(pilot, lambda: home(pilot).window.total == 7)


async def test_a_run_that_fails_while_failed_ones_are_shown_joins_them(recorded: Recorded) -> None:
    recorded.add("bad", status="failure")
    running = recorded.add("flaky", status="running")
    recorded.add("good")
    async with inspecting(recorded) as pilot:
        await pilot.press("f")
        await until(pilot, lambda: home(pilot).window.total == 1)
        recorded.finish(running, status="failure")
        await until(pilot, lambda: home(pilot).window.total == 2)


async def test_a_run_that_no_longer_fits_leaves_the_result(recorded: Recorded) -> None:
    running = recorded.add("one", status="running")
    recorded.add("two", status="running")
    async with inspecting(recorded, filter="status:running") as pilot:
        assert home(pilot).window.total == 2
        recorded.finish(running)
        await until(pilot, lambda: home(pilot).window.total == 1 and home(pilot).window.is_complete)
        assert command_at_cursor(pilot) == "two"


async def test_filtering_while_typing(recorded: Recorded) -> None:
    fill(recorded, 20)
    recorded.add("pytest -x", task="unit")
    recorded.add("pytest -k slow", task="slow", status="failure")
    async with inspecting(recorded) as pilot:
        await type_filter(pilot, "pytest")
        await until(pilot, lambda: home(pilot).window.total == 2)
        for c in " task:unit":
            await pilot.press({" ": "space", ":": "colon"}.get(c, c))
        await until(pilot, lambda: home(pilot).window.total == 1)
        await pilot.press("enter")
        assert pilot.app.focused is home(pilot).table
        await pilot.press("escape")
        await until(pilot, lambda: home(pilot).window.total == 22)


async def test_a_filter_error_is_shown_in_place_and_the_last_result_stays(recorded: Recorded) -> None:
    fill(recorded, 4)
    async with inspecting(recorded) as pilot:
        await pilot.press("slash")
        home(pilot).entry.value = "stauts:failed"
        await until(
            pilot,
            lambda: "stauts" in home(pilot).problem.spans[-1][0] if home(pilot).problem.spans else False,
        )
        assert home(pilot).window.total == 4
        assert "echo 3" in screen_text(pilot)
        assert "status" in screen_text(pilot).splitlines()[1]
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not home(pilot).problem.display)


async def test_nothing_that_matches_is_said(recorded: Recorded) -> None:
    fill(recorded, 4)
    async with inspecting(recorded, filter="nowhere") as pilot:
        assert "No run matches." in screen_text(pilot)


async def test_the_history_of_filters(recorded: Recorded) -> None:
    fill(recorded, 4)
    async with inspecting(recorded) as pilot:
        await type_filter(pilot, "one")
        await pilot.press("enter", "escape")
        await type_filter(pilot, "two")
        await pilot.press("enter", "slash", "up")
        assert home(pilot).entry.value == "two"
        await pilot.press("up")
        assert home(pilot).entry.value == "one"
        await pilot.press("down", "down")
        assert home(pilot).entry.value == "two"


async def test_keys_typed_at_once_are_all_taken_in_their_order(recorded: Recorded) -> None:
    fill(recorded, 4)
    async with inspecting(recorded) as pilot:
        for key in ("slash", "f", "q", "d", "t", "enter", "j", "j"):
            pilot.app._driver.send_message(_key(key))  # type: ignore[union-attr]
        await until(pilot, lambda: home(pilot).entry.value == "fqdt")
        assert pilot.app.focused is home(pilot).table


def _key(name: str) -> object:
    from textual.events import Key

    return Key(name, "/" if name == "slash" else "\r" if name == "enter" else name)


async def test_paging_through_many_runs_reads_only_what_is_seen(recorded: Recorded) -> None:
    fill(recorded, 2500)
    async with inspecting(recorded) as pilot:
        await pilot.press("G")
        await until(pilot, lambda: command_at_cursor(pilot) == "echo 0")
        assert "echo 0 " in screen_text(pilot)
        await pilot.press("pageup", "ctrl+u")
        await until(pilot, lambda: command_at_cursor(pilot) != "")
        await pilot.press("g")
        await until(pilot, lambda: command_at_cursor(pilot) == "echo 2499")
        assert len(home(pilot).window.pages) * PAGE < 2500


async def test_a_burst_of_runs_is_shown(recorded: Recorded) -> None:
    fill(recorded, 10)
    async with inspecting(recorded) as pilot:
        recorded.store.write([recorded.make(f"burst {n}") for n in range(3000)])
        await until(pilot, lambda: home(pilot).window.total == 3010 and home(pilot).window.is_complete)
        await pilot.press("g")
        await until(pilot, lambda: command_at_cursor(pilot) == "burst 2999")


async def test_the_preview_shows_the_end_of_the_output_and_o_changes_the_stream(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": b"out\n" * 50 + b"last line\n", "stderr.txt": b"warning!\n"})
    async with inspecting(recorded) as pilot:
        await until(pilot, lambda: "last line" in screen_text(pilot) and "warning!" in screen_text(pilot))
        await pilot.press("o")
        await until(pilot, lambda: "── stdout" in screen_text(pilot) and "last line" in screen_text(pilot))
        await pilot.press("o")
        await until(pilot, lambda: "warning!" in screen_text(pilot) and "last line" not in screen_text(pilot))


async def test_the_preview_follows_a_running_run(recorded: Recorded) -> None:
    run = recorded.add("serve", status="running")
    path = recorded.file(run, "stdout.txt")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"first\n")
    async with inspecting(recorded) as pilot:
        await until(pilot, lambda: "first" in screen_text(pilot))
        with path.open("ab") as out:
            out.write(b"second\n" * 100 + b"the end\n")
        await until(pilot, lambda: "the end" in screen_text(pilot))


@pytest.mark.parametrize(
    "size", [(200, 50), (120, 30), (100, 30), (80, 24), (79, 24), (80, 19), (40, 12), (20, 5), (10, 3)]
)
async def test_it_works_at_any_size(recorded: Recorded, size: tuple[int, int]) -> None:
    fill(recorded, 60)
    async with inspecting(recorded, size=size) as pilot:
        lines = screen_text(pilot).splitlines()
        assert len(lines) == size[1]
        expects_preview = size[0] >= 120 or (size[0] >= 80 and size[1] >= 20)
        assert home(pilot).preview.display == expects_preview
        await pilot.press("j", "G", "enter")
        await pilot.press("escape", "question_mark", "escape")


async def test_z_maximises_the_pane_and_esc_brings_the_others_back(recorded: Recorded) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        await pilot.press("tab", "z")
        assert not home(pilot).table.display
        assert home(pilot).preview.size.width == 120
        await pilot.press("escape")
        assert home(pilot).table.display
        assert pilot.app.focused is home(pilot).preview
        await pilot.press("escape")
        assert pilot.app.focused is home(pilot).table


async def test_delete_asks_first_and_does_nothing_by_default(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(source_module, "request_delete", lambda workspace, run_id: asked.append(run_id))
    run = recorded.add("rm -rf build", {"stdout.txt": b"x" * 2048, "a.log": b"y" * 1024})
    async with inspecting(recorded) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeleteDialog))
        text = screen_text(pilot)
        assert run.name in text
        assert "rm -rf build" in text
        assert "2 files, 3.0 KB" in text
        assert isinstance(pilot.app.focused, Button)
        assert pilot.app.focused.id == "keep"
        await pilot.press("enter")
        assert pilot.app.screen is home(pilot)
        assert asked == []


async def test_delete_after_confirmation_removes_the_row(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        source_module, "request_delete", lambda workspace, run_id: recorded_delete(workspace, run_id)
    )
    recorded.add("first")
    recorded.add("second")
    recorded.close()
    recorded._store = None
    async with inspecting(recorded) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeleteDialog))
        await pilot.press("right", "enter")
        await until(pilot, lambda: home(pilot).window.total == 1)
        assert command_at_cursor(pilot) == "first"


def recorded_delete(workspace: Workspace, run_id: str) -> None:
    """What the collector does when it is asked to."""
    from collector.store.database import open_writer
    from collector.store.runs import SqliteRunStore

    store = SqliteRunStore(open_writer(workspace.database))
    store.delete(run_id)
    store.close()


async def test_a_running_run_is_not_deleted(recorded: Recorded) -> None:
    recorded.add("sleep 9", status="running")
    async with inspecting(recorded) as pilot:
        await pilot.press("d")
        await pilot.pause()
        assert pilot.app.screen is home(pilot)
        assert any("still running" in note.message for note in pilot.app._notifications)


async def test_the_collector_dialog(recorded: Recorded) -> None:
    fill(recorded, 1)
    async with inspecting(recorded) as pilot:
        await until(pilot, lambda: home(pilot).collector is not None)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectorDialog))
        assert "not running" in screen_text(pilot)
        await pilot.press("escape")
        assert pilot.app.screen is home(pilot)


async def test_t_changes_between_light_and_dark(recorded: Recorded) -> None:
    fill(recorded, 1)
    async with inspecting(recorded) as pilot:
        await pilot.press("t")
        assert pilot.app.theme == "acode-light"
        await pilot.press("t")
        assert pilot.app.theme == "acode-dark"


async def test_the_mouse_selects_opens_and_scrolls(recorded: Recorded) -> None:
    fill(recorded, 100)
    async with inspecting(recorded) as pilot:
        await pilot.click("#table", offset=(10, 4))
        assert command_at_cursor(pilot) == "echo 96"
        home(pilot).table._on_mouse_scroll_down(_wheel(home(pilot).table))
        await until(pilot, lambda: home(pilot).table.top > 0)
        await pilot.click("#table", offset=(10, 4), times=2)
        await until(pilot, lambda: pilot.app.screen is not home(pilot))


def _wheel(widget: object) -> object:
    from textual.events import MouseScrollDown

    return MouseScrollDown(widget, 5, 5, 0, 1, 0, False, False, False)  # type: ignore[arg-type]


async def test_y_copies_the_command(recorded: Recorded) -> None:
    recorded.add("make -j4")
    async with inspecting(recorded) as pilot:
        await pilot.press("y")
        assert pilot.app.clipboard == "make -j4"


async def test_a_database_that_is_replaced_is_opened_again(recorded: Recorded, tmp_path: Path) -> None:
    fill(recorded, 3)
    async with inspecting(recorded) as pilot:
        other = Recorded(tmp_path / "other")
        other.add("from the rebuilt index")
        other.close()
        recorded.close()
        replace_database(recorded, Path(other.workspace.database).read_bytes)
        await until(pilot, lambda: command_at_cursor(pilot) == "from the rebuilt index")


def replace_database(recorded: Recorded, content: Callable[[], bytes]) -> None:
    """Put another file in its place; the log beside the old one must not be read into the new one."""
    path = Path(recorded.workspace.database)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content())
    fresh.replace(path)


async def test_a_damaged_database_is_one_line_and_no_crash(recorded: Recorded) -> None:
    fill(recorded, 3)
    recorded.close()
    recorded._store = None
    replace_database(recorded, lambda: b"this is no database" * 1000)
    from acode_tui.app import InspectorApp
    from acode_tui.settings import Settings

    app = InspectorApp(Settings(recorded.workspace, start_collector=False))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "ACODE-RUN-005" in screen_text(pilot))


async def test_the_preview_of_a_running_run_has_both_streams_as_they_came(recorded: Recorded) -> None:
    from collector.record.output_index import HEADER, encode

    run = recorded.add("serve", status="running")
    folder = recorded.file(run, "stdout.txt").parent
    folder.mkdir(parents=True)
    recorded.file(run, "stdout.txt").write_bytes(b"one\nthree\n")
    recorded.file(run, "stderr.txt").write_bytes(b"two\n")
    index = HEADER + encode(5, 1, 4) + encode(5, 2, 4) + encode(5, 1, 6)
    recorded.file(run, "output.idx").write_bytes(index)
    async with inspecting(recorded) as pilot:
        await until(pilot, lambda: "three" in screen_text(pilot))
        text = screen_text(pilot)
        assert text.index("one") < text.index("two") < text.index("three")


async def test_no_character_of_a_fact_is_behind_the_scroll_bar(recorded: Recorded) -> None:
    folder = "/srv/" + "-".join(f"{n:02}" for n in range(60))
    recorded.add("ls", {"stdout.txt": b"x\n" * 500}, working_directory=folder[:90], task="")
    async with inspecting(recorded) as pilot:
        await until(pilot, lambda: home(pilot).preview.show_vertical_scrollbar)
        await pilot.resize_terminal(121, 30)
        await until(pilot, lambda: "│ in /srv" in screen_text(pilot))
        lines = [line.partition("│")[2] for line in screen_text(pilot).splitlines()]
        first = next(n for n, line in enumerate(lines) if line.startswith(" in /srv"))
        shown = "".join(line[:-1].strip() for line in lines[first : first + 3]).removeprefix("in ")
        assert shown.startswith(folder[:90])


# Agents


def annotate(recorded: Recorded, run: Run, **values: Any) -> None:
    """Tell what an agent says of a run that has ended, as the collector does."""
    known = {name: getattr(run, name) for name in run.__dataclass_fields__}
    recorded.store.write([Run(**(known | values))])


async def test_agents_have_no_columns_until_a_run_has_an_agent_and_then_its_row_is_new(
    recorded: Recorded,
) -> None:
    run = recorded.add("make all", session_id="s1")
    async with inspecting(recorded, (160, 40)) as pilot:
        assert " agent " not in screen_text(pilot).splitlines()[1]
        annotate(
            recorded, run, agent="claude-code", model="claude-opus-4-5",
            tokens={"input": 5, "output": 12_340}, agent_instance_id="s1", tool="Bash", tool_call_id="t1",
        )  # fmt: skip
        await until(pilot, lambda: "claude-code" in screen_text(pilot).splitlines()[2])
        titles, row = screen_text(pilot).splitlines()[1:3]
        assert titles.split()[:4] == ["status", "started", "took", "agent"]
        assert "12.3k" in row
        await until(pilot, lambda: "tool Bash" in screen_text(pilot))


async def test_a_subagent_is_called_by_its_name_also_when_it_gets_another(recorded: Recorded) -> None:
    def name(text: str) -> None:
        agent = AgentInstance(instance_id="i1", session_id="s1", parent_instance_id="s1", name=text)
        recorded.add_session("s1", "Title", (agent,))

    recorded.add("make all", session_id="s1", agent_instance_id="i1", agent="claude-code")
    name("Explore")
    async with inspecting(recorded, (160, 40)) as pilot:
        await until(pilot, lambda: "↳Explore" in screen_text(pilot))
        name("Plan")
        await until(pilot, lambda: "↳Plan" in screen_text(pilot))


async def test_at_eighty_columns_a_row_keeps_all_it_had(recorded: Recorded) -> None:
    recorded.add("make all", session_id="s1")
    async with inspecting(recorded, (80, 24)) as pilot:
        before = screen_text(pilot).splitlines()[1:3]
        annotate(recorded, recorded.store.list(RunQuery()).items[0], agent="claude-code")
        await until(pilot, lambda: home(pilot).table.has_agents)
        assert screen_text(pilot).splitlines()[1:3] == before


async def test_changes_of_sessions_are_never_looked_up_as_runs(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = SqliteRunStore.by_seq

    def by_seq(store: SqliteRunStore, seqs: Any) -> Any:
        asked.extend(seqs)
        return real(store, seqs)

    fill(recorded, 1)
    async with inspecting(recorded) as pilot:
        monkeypatch.setattr(SqliteRunStore, "by_seq", by_seq)
        recorded.add_session("s1", "Title")
        recorded.add("after it")
        await until(pilot, lambda: command_at_cursor(pilot) == "after it")
        assert 0 not in asked
        assert asked


async def test_a_denied_call_is_said_to_be_one(recorded: Recorded) -> None:
    recorded.add(
        "rm -rf /", status="cancelled", exit_code=None, error_code="ACODE-AGT-009", agent="claude-code",
        error_message="denied; it never ran: Permission to use Bash was denied.", tool="Bash",
        provenance={"exit_code": "none", "timing": "hook: upper bound", "output": "none"},
    )  # fmt: skip
    async with inspecting(recorded) as pilot:
        await until(pilot, lambda: "⊘ cancelled · denied" in screen_text(pilot))
        text = screen_text(pilot)
        assert "denied; it never ran: Permission" in text
        assert "timing at most (hook)" in text
        await until(pilot, lambda: "it never ran  " in screen_text(pilot))
