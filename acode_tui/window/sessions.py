"""What the tree knows: sessions, the agents of those that are open, a few pages of their runs. Pure.

The lines of the tree are never made as a whole. Sessions that are closed take one line each; an open one
is a `Branch`, which knows how many lines it has and what stands on which. So a session of a hundred
thousand runs costs as much as one of ten, and a line is found by two binary searches.

A session keeps its place while it is looked at: it moves up only past sessions that have been quiet for
a while, or two busy ones would change places with every command.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from collector import Run
from collector.model.session import iter_tree

if TYPE_CHECKING:
    from collector.model.session import AgentInstance, Session

RUN_PAGE = 100
MAX_RUN_PAGES = 8
QUIET_MS = 5 * 60_000
REST = ""
"""Stands for the instance of runs whose agent is not known."""

Place = tuple[str, str]
"""A session and one of its instances, or `REST`: whose runs these are."""


class Key(NamedTuple):
    """Which node a line is about, however the lines move; `seq` and `place` are a run's."""

    kind: str
    session_id: str
    instance_id: str = REST
    seq: int = 0
    place: int = 0


class Line(NamedTuple):
    """One line of the tree: a session, an instance, a run, or a note in place of them.

    `runs` is how many there are, None when that is not known; `is_open` is None for what has nothing in
    it. A run that has not been read yet is None.
    """

    key: Key
    depth: int
    session: Session
    instance: AgentInstance | None = None
    run: Run | None = None
    note: str = ""
    runs: int | None = None
    is_open: bool | None = None


class RunPages:
    """Runs of one instance, the oldest first, of which some pages are at hand."""

    def __init__(self) -> None:
        self.total: int | None = None
        self.pages: OrderedDict[int, Sequence[Run]] = OrderedDict()

    @property
    def height(self) -> int:
        """How many lines they take; one for a note when there are none, or while they are counted."""
        return self.total or 1

    def replace(self, total: int, pages: Mapping[int, Sequence[Run]]) -> None:
        """Take over how many there are and the pages around what is looked at; others may be old by now."""
        self.total = total
        self.pages.clear()
        self.pages.update(pages)

    def add(self, pages: Mapping[int, Sequence[Run]]) -> None:
        """Keep pages that were read; those that were not looked at for longest go."""
        for number, rows in pages.items():
            self.pages[number] = rows
            self.pages.move_to_end(number)
        while len(self.pages) > max(MAX_RUN_PAGES, len(pages)):
            self.pages.popitem(last=False)

    def run(self, index: int) -> Run | None:
        """Return the run at a position, or None while its page is not there."""
        number, place = divmod(index, RUN_PAGE)
        page = self.pages.get(number)
        return page[place] if page is not None and 0 <= place < len(page) else None

    def index_of(self, seq: int) -> int | None:
        """Return the position of a run among those at hand."""
        for number, page in self.pages.items():
            for place, run in enumerate(page):
                if run.seq == seq:
                    return number * RUN_PAGE + place
        return None

    def update(self, run: Run) -> bool:
        """Put a newer state of a run in its place; tell whether it is at hand."""
        index = self.index_of(run.seq)
        if index is None:
            return False
        number, place = divmod(index, RUN_PAGE)
        page = list(self.pages[number])
        page[place] = run
        self.pages[number] = page
        return True

    def numbers(self, first: int, last: int) -> list[int]:
        """Return the pages that hold the positions from `first` to `last`, as far as there are any."""
        if not self.total:
            return []
        low, high = max(0, first) // RUN_PAGE, min(last, self.total - 1) // RUN_PAGE
        return list(range(low, high + 1))


class Section(NamedTuple):
    """Lines of a branch that belong together: an instance's own line, or all its runs."""

    kind: str
    depth: int
    instance_id: str
    instance: AgentInstance | None = None
    note: str = ""


class Branch:
    """What is below an open session."""

    def __init__(self) -> None:
        self.instances: tuple[AgentInstance, ...] | None = None
        self.counts: dict[str, int] = {}
        self.runs: dict[str, RunPages] = {}
        self._sections: list[Section] = []
        self._starts: list[int] = []
        self.height = 1
        self.lay_out()

    def learn(self, instances: Sequence[AgentInstance], counts: Mapping[str, int]) -> None:
        """Take over which agents there are and how many runs each has.

        Where there is one agent only, or none, its runs are shown at once.
        """
        is_first = self.instances is None
        instances = tuple(i for i in instances if i.instance_id != REST)
        self.instances, self.counts = instances, dict(counts)
        if is_first and not self.runs:
            places = [i.instance_id for i in instances] + ([REST] if counts.get(REST) else [])
            if len(places) < 2:
                self.runs[places[0] if places else REST] = RunPages()
        known = {i.instance_id for i in instances}
        if counts.get(REST) or not known:
            known.add(REST)
        for gone in self.runs.keys() - known:
            del self.runs[gone]
        self.lay_out()

    def place_of(self, run: Run) -> str:
        """Return below which instance a run stands."""
        known = any(i.instance_id == run.agent_instance_id for i in self.instances or ())
        return run.agent_instance_id or REST if known else REST

    def lay_out(self) -> None:
        """Find out which lines there are."""
        self._sections = list(self._made())
        self._starts, at = [], 0
        for section in self._sections:
            self._starts.append(at)
            at += self.runs[section.instance_id].height if section.kind == "run" else 1
        self.height = at

    def _made(self) -> Iterator[Section]:
        if self.instances is None:
            yield Section("note", 1, REST, note="reading …")
            return
        for kind, depth, instance in iter_tree(self.instances):
            if kind == "instance":
                yield Section("instance", depth, instance.instance_id, instance)
            elif instance.instance_id in self.runs:
                yield Section("run", depth + 1, instance.instance_id, instance)
        if self.instances and (self.counts.get(REST) or REST in self.runs):
            yield Section("instance", 1, REST)
        if REST in self.runs:
            yield Section("run", 2 if self.instances else 1, REST)

    def line(self, session: Session, at: int) -> Line:
        """Return a line, counted from the session's own."""
        number = bisect_right(self._starts, at) - 1
        section = self._sections[number]
        if section.kind == "run":
            return self._run_line(session, section, at - self._starts[number])
        key = Key(section.kind, session.session_id, section.instance_id)
        if section.kind == "note":
            return Line(key, section.depth, session, note=section.note)
        count = self.counts.get(section.instance_id)
        is_open = None if count == 0 else section.instance_id in self.runs
        return Line(key, section.depth, session, section.instance, runs=count, is_open=is_open)

    def _run_line(self, session: Session, section: Section, index: int) -> Line:
        pages = self.runs[section.instance_id]
        if not pages.total:
            key = Key("note", session.session_id, section.instance_id)
            note = "reading …" if pages.total is None else "no runs"
            return Line(key, section.depth, session, section.instance, note=note)
        run = pages.run(index)
        key = Key("run", session.session_id, section.instance_id, run.seq if run else 0, index)
        return Line(key, section.depth, session, section.instance, run)

    def find(self, key: Key) -> int | None:
        """Return where a node stands, counted from the session's own line; None when it is not shown."""
        for section, start in zip(self._sections, self._starts, strict=True):
            if section.instance_id != key.instance_id:
                continue
            if key.kind == section.kind != "run":
                return start
            if section.kind == "run" and key.kind in ("run", "note"):
                pages = self.runs[section.instance_id]
                found = pages.index_of(key.seq) if key.seq else None
                return start + min(key.place if found is None else found, pages.height - 1)
        return None

    def beside(self, at: int, step: int) -> int | None:
        """Return the nearest line of an agent below or above a line."""
        sections = zip(self._sections, self._starts, strict=True)
        agents = [start for section, start in sections if section.kind == "instance"]
        if step > 0:
            return next((start for start in agents if start > at), None)
        return next((start for start in reversed(agents) if start < at), None)

    def spans(self, first: int, last: int) -> Iterator[tuple[str, int, int]]:
        """Yield which runs of which instance stand on these lines, as `(instance, first, last)`."""
        for section, start in zip(self._sections, self._starts, strict=True):
            if section.kind != "run":
                continue
            low = max(first, start) - start
            high = min(last, start + self.runs[section.instance_id].height - 1) - start
            if low <= high:
                yield section.instance_id, low, high


class SessionWindow:
    """Sessions, newest activity first, as far as they were read, and what is open below them."""

    def __init__(self) -> None:
        self.text = ""
        self.sessions: list[Session] = []
        self.next_cursor: str | None = None
        self.is_read = False
        self.total: int | None = None
        self.branches: dict[str, Branch] = {}
        self.cursor: Key | None = None
        self._places: dict[str, int] = {}
        self._open: list[tuple[int, int]] = []
        self._rows = 0

    @property
    def rows(self) -> int:
        """How many lines there are."""
        return self._rows

    # Sessions

    def replace(self, sessions: Sequence[Session], next_cursor: str | None, total: int | None) -> None:
        """Take over the beginning of a result."""
        self.sessions, self.next_cursor, self.total, self.is_read = [], next_cursor, total, True
        self._extend(sessions)

    def add(self, sessions: Sequence[Session], next_cursor: str | None) -> None:
        """Take over the page after those that were read."""
        self.next_cursor = next_cursor
        self._extend(sessions)

    def _extend(self, sessions: Sequence[Session]) -> None:
        known = {session.session_id for session in self.sessions}
        self.sessions += [session for session in sessions if session.session_id not in known]
        self.lay_out()

    def session(self, session_id: str) -> Session | None:
        """Return a session that was read."""
        place = self._places.get(session_id)
        return self.sessions[place] if place is not None else None

    def update(self, session: Session) -> None:
        """Take over a newer state of a session, or a session that is new."""
        place = self._places.get(session.session_id)
        if place is None:
            self._insert(session)
            return
        before, self.sessions[place] = self.sessions[place], session
        if last_activity(session) > last_activity(before):
            self._move_up(place, session)

    def _insert(self, session: Session) -> None:
        at = last_activity(session)
        place = next((n for n, other in enumerate(self.sessions) if last_activity(other) <= at), None)
        if place is None and self.next_cursor is not None:
            return  # it comes with a later page
        self.sessions.insert(len(self.sessions) if place is None else place, session)
        if self.total is not None:
            self.total += 1
        self.lay_out()

    def _move_up(self, place: int, session: Session) -> None:
        quiet = last_activity(session) - QUIET_MS
        target = place
        while target and last_activity(self.sessions[target - 1]) < quiet:
            target -= 1
        if target != place:
            self.sessions.insert(target, self.sessions.pop(place))
            self.lay_out()

    def forget(self, session_id: str) -> None:
        """Drop a session that is gone."""
        place = self._places.get(session_id)
        if place is not None:
            del self.sessions[place]
            self.branches.pop(session_id, None)
            if self.total is not None:
                self.total -= 1
            self.lay_out()

    # Opening and closing

    def open(self, key: Key) -> bool:
        """Open a session or an instance; tell whether there is something to read now."""
        branch = self.branches.get(key.session_id)
        if key.kind == "session":
            if branch is not None:
                return False
            self.branches[key.session_id] = Branch()
        elif branch is not None and key.instance_id not in branch.runs:
            branch.runs[key.instance_id] = RunPages()
        else:
            return False
        self.lay_out(key.session_id)
        return True

    def close(self, key: Key) -> None:
        """Close a session or an instance."""
        branch = self.branches.get(key.session_id)
        if key.kind == "session":
            self.branches.pop(key.session_id, None)
        elif branch is not None:
            branch.runs.pop(key.instance_id, None)
        self.lay_out(key.session_id)

    # Lines

    def lay_out(self, session_id: str = "") -> None:
        """Find out where everything stands; in a branch only when it is named."""
        branch = self.branches.get(session_id)
        if branch is not None:
            branch.lay_out()
        self._places = {session.session_id: n for n, session in enumerate(self.sessions)}
        self._open, extra = [], 0
        for place, open_id in sorted((self._places[i], i) for i in self.branches if i in self._places):
            self._open.append((place + extra, place))
            extra += self.branches[open_id].height
        self._rows = len(self.sessions) + extra

    def line(self, row: int) -> Line | None:
        """Return a line, or None where there is none."""
        if not 0 <= row < self._rows:
            return None
        number = bisect_right(self._open, (row, len(self.sessions))) - 1
        if number < 0:
            return self._session_line(row)
        start, place = self._open[number]
        session = self.sessions[place]
        height = self.branches[session.session_id].height
        if start < row <= start + height:
            return self.branches[session.session_id].line(session, row - start - 1)
        return self._session_line(place if row == start else place + row - start - height)

    def _session_line(self, place: int) -> Line:
        session = self.sessions[place]
        key = Key("session", session.session_id)
        return Line(key, 0, session, runs=session.runs, is_open=session.session_id in self.branches)

    def row_of(self, key: Key) -> int | None:
        """Return where a node stands, or else what it was in; None when its session is not there."""
        place = self._places.get(key.session_id)
        if place is None:
            return None
        row = self._row_of_session(place)
        branch = self.branches.get(key.session_id)
        if key.kind == "session" or branch is None:
            return row
        found = branch.find(key)
        if found is None:
            found = branch.find(Key("instance", key.session_id, key.instance_id))
        return row if found is None else row + 1 + found

    def _row_of_session(self, place: int) -> int:
        number = bisect_right(self._open, place, key=lambda entry: entry[1]) - 1
        if number < 0:
            return place
        start, before = self._open[number]
        if before == place:
            return start
        return start + self.branches[self.sessions[before].session_id].height + place - before

    def parent_of(self, key: Key) -> int | None:
        """Return the line of what a node is in; None for a session."""
        if key.kind == "session":
            return None
        instance_id = key.instance_id
        if key.kind == "instance":
            branch = self.branches.get(key.session_id)
            known = {i.instance_id: i for i in branch.instances or ()} if branch is not None else {}
            this = known.get(instance_id)
            if this is None or this.parent_instance_id not in known:
                return self.row_of(Key("session", key.session_id))
            instance_id = this.parent_instance_id
        return self.row_of(Key("instance", key.session_id, instance_id))

    def sibling_of(self, row: int, step: int) -> int | None:
        """Return the next or the previous line of a session or an agent; of a session, only of sessions."""
        line = self.line(row)
        place = self._places.get(line.key.session_id) if line is not None else None
        if line is None or place is None:
            return None
        own = self._row_of_session(place)
        if line.key.kind != "session":
            found = self.branches[line.key.session_id].beside(row - own - 1, step)
            if found is not None or step < 0:
                return own if found is None else own + 1 + found
        place += step
        return self._row_of_session(place) if 0 <= place < len(self.sessions) else None

    def wanted(self, first: int, last: int, margin: int = RUN_PAGE // 2) -> dict[Place, tuple[int, ...]]:
        """Return the pages of runs that stand on these lines or a little beyond, by whose they are."""
        wanted: dict[Place, tuple[int, ...]] = {}
        for start, place in self._open:
            session_id = self.sessions[place].session_id
            branch = self.branches[session_id]
            if start + branch.height < first - margin or start > last + margin:
                continue
            for instance_id, low, high in branch.spans(first - margin - start - 1, last + margin - start - 1):
                numbers = branch.runs[instance_id].numbers(low, high)
                wanted[session_id, instance_id] = tuple(numbers)
        return wanted


def last_activity(session: Session) -> int:
    """Return when something last happened in a session, as far as its record and its runs tell."""
    return max(session.ended_at or 0, session.started_at or 0, session.last_run_at or 0)
