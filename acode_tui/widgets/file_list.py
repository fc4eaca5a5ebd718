"""The files of a run: a list at the side, or one line where there is no room for it."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.geometry import Size
from textual.strip import Strip

from acode_tui.messages import FileChosen, FileEntry
from acode_tui.render.format import size as format_size
from acode_tui.render.rows import Span, cells, fit
from acode_tui.render.safe import one_line
from acode_tui.render.strips import strip_of
from acode_tui.render.styles import style_of
from acode_tui.widgets.lines import LineList


class FileList(LineList):
    """Draws upright when it has several lines, else as tabs."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.entries: Sequence[FileEntry] = ()
        self.chosen = 0

    def show(self, entries: Sequence[FileEntry], chosen: int) -> None:
        """Take over the files, and which one is open."""
        self.entries, self.chosen = entries, chosen
        self.virtual_size = Size(self.size.width, len(entries) if self.size.height > 1 else 1)
        if self.size.height > 1 and not self.top <= chosen < self.top + self.rows:
            self.jump(max(0, chosen - self.rows // 2))
        self.refresh()

    def move_by(self, step: int) -> None:
        """Choose another file."""
        if self.entries:
            index = max(0, min(self.chosen + step, len(self.entries) - 1))
            if index != self.chosen:
                self.post_message(FileChosen(index))

    def go_first(self) -> None:
        """Choose the first file."""
        self.move_by(-len(self.entries))

    def go_last(self) -> None:
        """Choose the last file."""
        self.move_by(len(self.entries))

    def on_click(self, event: events.Click) -> None:
        """Choose the file that was clicked."""
        index = self.top + event.y if self.size.height > 1 else self._tab_at(event.x)
        if 0 <= index < len(self.entries):
            self.post_message(FileChosen(index))

    def on_resize(self) -> None:
        """Draw upright, or as tabs."""
        self.show(self.entries, self.chosen)

    def render_line(self, y: int) -> Strip:
        """Draw a file, or all of them on one line."""
        width = self.scrollable_content_region.width
        if self.size.height <= 1:
            spans: list[Span] = []
            for index in range(self._first_tab(), len(self.entries)):
                spans += self._tab(index)
            return strip_of(spans, self.palette, "panel", width, "accent")
        index = self.top + y
        if index >= len(self.entries):
            return Strip.blank(width, style_of(self.palette, "text", "surface"))
        entry, chosen = self.entries[index], index == self.chosen
        told, told_ink = _told(entry)
        room = max(8, len(told))
        name = fit(one_line(entry.title), max(4, width - 4 - room))
        ground = ("selection" if self.has_focus else "selection_blurred") if chosen else "surface"
        row: list[Span] = [
            ("▌" if chosen else " ", "accent"),
            (f" {name} ", "text" if chosen else "muted"),
            (told.rjust(room) + " ", told_ink),
        ]
        return strip_of(row, self.palette, ground, width, "text")

    def _tab(self, index: int) -> list[Span]:
        entry = self.entries[index]
        ink = "accent" if index == self.chosen else "muted"
        told, told_ink = _told(entry)
        return [(f" {one_line(entry.title, 30)}", ink), (f" {told} ", told_ink)]

    def _first_tab(self) -> int:
        """Return the first tab to draw so that the chosen one is seen."""
        first, width = 0, self.size.width
        while first < self.chosen and self._tabs_width(first, self.chosen) > width:
            first += 1
        return first

    def _tabs_width(self, first: int, last: int) -> int:
        return sum(cells(t) for n in range(first, last + 1) for t, _ in self._tab(n))

    def _tab_at(self, x: int) -> int:
        for index in range(self._first_tab(), len(self.entries)):
            x -= self._tabs_width(index, index)
            if x < 0:
                return index
        return -1


def _told(entry: FileEntry) -> Span:
    """Return what stands beside the name of a file: what was found in it, or its size."""
    if entry.problem:
        return "missing", "failure"
    if entry.note:
        return entry.note, "failure" if entry.note.endswith("failed") else "muted"
    return format_size(entry.size), "faint"
