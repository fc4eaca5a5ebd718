"""Sessions on the screen: what the thread found goes into the window and the tree, and what to read next.

What changes in the store is heard from the list of runs, which follows it anyway; what that touches is
read anew, one request at a time and no more often than it is cheap to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acode_tui.keymap import SESSIONS, footer_keys
from acode_tui.messages import RunsChanged, StoreFailed
from acode_tui.messages.sessions import BranchesRead, LinesSeen, SessionsListed, Wanted, WantedRuns
from acode_tui.screens.base import PaneScreen
from acode_tui.settings import Settings
from acode_tui.source.sessions import SESSION_PAGE, SessionSource, fits
from acode_tui.widgets.session_tree import SessionTree
from acode_tui.widgets.status_line import StatusLine
from acode_tui.window.sessions import Place, RunPages, SessionWindow
from collector import Run

if TYPE_CHECKING:
    from acode_tui.screens.runs import RunsScreen

MAX_CHANGED = 200
"""When more sessions change at once, they are not read one by one."""
_GAP = 0.15
_TO_THE_END = 2000
_NO_SESSIONS = (
    "No sessions yet.",
    "",
    "Start an agent, and see here what it does:",
    "",
    "  acode session run -- claude",
    "",
    "Or read what agents have left on this machine:",
    "",
    "  acode sessions import --all",
)
_NO_MATCH = ("No session matches.", "", "esc shows all of them again")


class SessionResultScreen(PaneScreen):
    """A tree over sessions, kept up to date without moving the node under the cursor."""

    def __init__(self, settings: Settings, home: RunsScreen, window: SessionWindow) -> None:
        super().__init__(classes="-listing")
        self.settings = settings
        self.home = home
        self.window = window
        self.nodes = SessionTree(window, id="tree")
        self.status = StatusLine(footer_keys(SESSIONS), id="status")
        self.source = SessionSource(settings.workspace, self.post_message)
        self.trouble = ""
        self._to_end = False
        self._asked: set[tuple[Place, int]] = set()
        self._asked_more: str | None = None
        self._changed: set[str] = set()
        self._all_changed = False
        self._outstanding = 0
        self._gap = _GAP

    def tell(self) -> None:
        """Say what is going on."""
        raise NotImplementedError

    # Reading

    def ask(self, least: int = 0) -> None:
        """Read sessions anew, at least as many as are there, and all that is open below them."""
        self._asked.clear()
        self._asked_more, self._changed, self._all_changed = None, set(), False
        self._outstanding = 1
        self.source.ask(self.window.text, max(SESSION_PAGE, least))
        if self.window.branches:
            self._outstanding += 1
            opened = frozenset(self.window.branches)
            self.source.read(Wanted(branches=opened, runs=self._open_runs(opened)), is_refresh=True)

    def on_sessions_listed(self, message: SessionsListed) -> None:
        """Show sessions."""
        if message.token != self.source.token:
            return
        window, nodes = self.window, self.nodes
        to_end = self._to_end and nodes.cursor == nodes.total - 1
        self._asked_more, self.trouble = None, ""
        nodes.empty_text = _NO_MATCH if window.text else _NO_SESSIONS
        with nodes.changing():
            if message.is_more:
                window.add(message.sessions, message.next_cursor)
            else:
                window.replace(message.sessions, message.next_cursor, message.total)
                self._outstanding -= 1
        self._to_end = to_end and window.next_cursor is not None
        if to_end:
            nodes.go_last()
        self._refresh_soon()
        self.tell()

    def on_branches_read(self, message: BranchesRead) -> None:
        """Show what is below sessions, and newer states of them."""
        if message.token != self.source.token:
            return
        with self.nodes.changing():
            self._take_sessions(message)
            self._take_runs(message)
            for session_id in {*message.branches, *(place[0] for place in message.runs)}:
                self.window.lay_out(session_id)
        if message.is_refresh:
            self._outstanding -= 1
            self._gap = max(_GAP, 4 * message.seconds)
            self._refresh_soon()
        self.tell()

    def _take_sessions(self, message: BranchesRead) -> None:
        window = self.window
        for session_id, session in message.sessions.items():
            if session is None:
                window.forget(session_id)
            elif window.session(session_id) is not None or fits(session, self.source.query):
                window.update(session)
        for session_id, found in message.branches.items():
            branch = window.branches.get(session_id)
            if branch is not None:
                branch.learn(found.instances, found.counts)

    def _take_runs(self, message: BranchesRead) -> None:
        for place, found in message.runs.items():
            self._asked -= {(place, n) for n in (-1, *found.pages)}
            pages = self._pages(place)
            if pages is not None and message.is_refresh:
                pages.replace(found.total, found.pages)
            elif pages is not None:
                pages.total = found.total
                pages.add(found.pages)

    def _pages(self, place: Place) -> RunPages | None:
        branch = self.window.branches.get(place[0])
        return branch.runs.get(place[1]) if branch is not None else None

    def on_lines_seen(self, message: LinesSeen) -> None:
        """Read what has come into view and is not there."""
        window, nodes = self.window, self.nodes
        last = nodes.top + nodes.rows
        if window.next_cursor is not None and last > window.rows - SESSION_PAGE // 4:
            self._read_more(window.next_cursor)
        missing: dict[Place, WantedRuns] = {}
        for session_id, branch in window.branches.items():
            for instance_id, pages in branch.runs.items():
                if pages.total is None and branch.instances is not None:
                    self._miss(missing, (session_id, instance_id), (-1, 0))
        for place, numbers in window.wanted(nodes.top, last).items():
            pages_there = self._pages(place)
            held = pages_there.pages if pages_there is not None else {}
            self._miss(missing, place, tuple(n for n in numbers if n not in held))
        if missing:
            self.source.read(Wanted(runs=missing))

    def _miss(self, missing: dict[Place, WantedRuns], place: Place, numbers: tuple[int, ...]) -> None:
        """Note pages to be read, unless they are asked for already; -1 stands for how many runs there are."""
        fresh = [n for n in numbers if (place, n) not in self._asked]
        if fresh:
            self._asked |= {(place, n) for n in fresh}
            missing[place] = WantedRuns(self._ids(place[0]), tuple(n for n in fresh if n >= 0))

    def _ids(self, session_id: str) -> tuple[str, ...]:
        branch = self.window.branches.get(session_id)
        return tuple(i.instance_id for i in branch.instances or ()) if branch is not None else ()

    def _read_more(self, cursor: str) -> None:
        if cursor != self._asked_more:
            self._asked_more = cursor
            self.source.more(cursor, _TO_THE_END if self._to_end else SESSION_PAGE)

    # What changes

    def store_opened(self) -> None:
        """Read everything anew: this is another database than before."""
        self.ask(len(self.window.sessions))

    def on_store_failed(self, message: StoreFailed) -> None:
        """Say what is wrong; an empty workspace is nothing wrong."""
        self._outstanding = 0
        self._asked.clear()
        self._asked_more = None
        if message.is_missing:
            self.nodes.empty_text = _NO_SESSIONS
            with self.nodes.changing():
                self.window.replace((), None, 0)
        self.trouble = "" if message.is_missing else message.text
        self.tell()

    def store_changed(self, message: RunsChanged) -> None:
        """Hear from the list of runs what was written."""
        touched = {run.session_id for run in message.runs.values() if run.session_id} | message.sessions
        self._changed |= touched
        if message.too_many or message.deleted or len(self._changed) > MAX_CHANGED:
            self._all_changed = True
        if sum(self._update_run(run) for run in message.runs.values()):
            self.nodes.values_changed()
        if touched or self._all_changed:
            self._refresh_soon()

    def _update_run(self, run: Run) -> bool:
        """Take over a newer state of a run that is at hand; tell whether it is."""
        branch = self.window.branches.get(run.session_id or "")
        pages = branch.runs.get(branch.place_of(run)) if branch is not None else None
        return pages is not None and pages.update(run)

    def _refresh_soon(self) -> None:
        """Read what has changed, once the last request of that kind is answered."""
        if (self._changed or self._all_changed) and not self._outstanding and "refresh" not in self._delays:
            self._delays["refresh"] = self.set_timer(self._gap, self._refresh)

    def _refresh(self) -> None:
        self._delays.pop("refresh", None)
        if self._all_changed:
            self.ask(len(self.window.sessions))
            return
        changed, self._changed = frozenset(self._changed), set()
        opened = changed & self.window.branches.keys()
        self._outstanding = 1
        wanted = Wanted(sessions=changed - opened, branches=opened, runs=self._open_runs(opened))
        self.source.read(wanted, is_refresh=True)

    def _open_runs(self, session_ids: frozenset[str]) -> dict[Place, WantedRuns]:
        """Return the lists of runs that are shown of these sessions, with the pages that are seen."""
        seen = self.window.wanted(self.nodes.top, self.nodes.top + self.nodes.rows)
        return {
            (session_id, instance_id): WantedRuns(
                self._ids(session_id), seen.get((session_id, instance_id)) or (0,)
            )
            for session_id in session_ids
            for instance_id in self.window.branches[session_id].runs
        }
