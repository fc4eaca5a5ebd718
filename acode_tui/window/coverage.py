"""Coverage as a listing: files, the worst first; below a file the lines that are not covered."""

from __future__ import annotations

from collections.abc import Sequence

from acode_tui.keymap import COVERAGE
from acode_tui.render.ansi import Styled
from acode_tui.render.coverage import coverage_title, file_line, percent_of, ranges_of, ranges_text
from acode_tui.render.lines import in_words, indented
from acode_tui.render.outcomes import problem_line
from acode_tui.render.rows import Span
from acode_tui.render.safe import text_of
from acode_tui.window.listing import MAX_HITS, Branch, Lines, Listing, Path, Search, text_line
from collector import CoverageReport, FileCoverage

_INDENT = 5


class CoverageListing(Listing):
    """A report of coverage."""

    view = COVERAGE

    def __init__(self, report: CoverageReport) -> None:
        super().__init__(0)
        self.report = report
        self.notes = [text_of(problem, 1000) for problem in report.problems]
        self.ranges = [ranges_of(item) for item in report.files]
        self.is_narrow = self.by_path = False
        names = [text_of(item.path, 2000) for item in report.files]
        self._by_path = sorted(range(len(names)), key=lambda n: names[n])
        self._worst = sorted(
            self._by_path, key=lambda n: (percent_of(report.files[n]), -_missing(self.ranges[n]))
        )
        self._arrange()

    def _arrange(self) -> None:
        order = self._by_path if self.by_path else self._worst
        self._order = [n for n in order if self.ranges[n]] if self.is_narrow else order
        self._places = {n: place for place, n in enumerate(self._order)}
        self.root = Branch(len(self._order) + len(self.notes))

    def file(self, path: Path) -> FileCoverage | None:
        """Return the file that a line is about."""
        return self.report.files[self._order[path[0]]] if path[0] < len(self._order) else None

    def uncovered(self, path: Path) -> Sequence[tuple[int, int]]:
        """Return the uncovered lines of a file."""
        return self.ranges[self._order[path[0]]] if path[0] < len(self._order) else ()

    def line(self, path: Path, width: int) -> Styled:
        """Return a line as it is drawn."""
        item = self.file(path)
        if item is None:
            return problem_line(self.notes[path[0] - len(self._order)], width)
        if len(path) > 1:
            return text_line(self, path) or Styled("")
        mark = "▾" if self.is_open(path) else "▸" if self.has_below(path) else " "
        return file_line(item, self.uncovered(path), mark, width)

    def title(self, width: int) -> Sequence[Span]:
        """Return the totals."""
        return coverage_title(self.report, width)

    def facts(self) -> Sequence[Span]:
        """Return which files are shown, and how they are sorted."""
        facts: list[Span] = [("not covered only", "timeout")] if self.is_narrow else []
        return [*facts, ("by path" if self.by_path else "worst first", "muted")]

    def has_below(self, path: Path) -> bool:
        """Tell whether a line can be opened."""
        return len(path) == 1 and bool(self.uncovered(path))

    def below(self, path: Path) -> Branch | None:
        """Return the uncovered lines of a file."""
        if not self.has_below(path):
            return None
        text = "not covered: " + ranges_text(self.uncovered(path))
        found = in_words(text, "muted", self.width - _INDENT - 1, 500)
        return Lines(indented(line, _INDENT) for line in found).branch()

    def narrow(self) -> bool:
        """Show only files of which something is not covered, or all again."""
        self.is_narrow = not self.is_narrow
        self._arrange()
        return True

    def sort(self) -> bool:
        """Sort by path, or the worst first."""
        self.by_path = not self.by_path
        self._arrange()
        return True

    def failures(self) -> Sequence[Path]:
        """Return the files of which something is not covered."""
        return [(place,) for place, n in enumerate(self._order) if self.ranges[n]]

    def search(self) -> Search:
        """Return what searches the paths."""
        names = [text_of(self.report.files[n].path, 2000) for n in self._order]

        def find(needle: str, fold: bool) -> list[Path]:
            found: list[Path] = [
                (n,) for n, name in enumerate(names) if needle in (name.lower() if fold else name)
            ]
            return found[:MAX_HITS]

        return find

    def value(self, path: Path) -> str:
        """Return the path of a file."""
        item = self.file(path)
        return text_of(item.path, 10_000) if item is not None else ""

    def where(self, path: Path) -> str:
        """Return a file and its first line that is not covered."""
        ranges = self.uncovered(path)
        return f"{self.value(path)}:{ranges[0][0]}" if ranges else self.value(path)

    def key(self, path: Path) -> object:
        """Return by what a line is known however the files are sorted."""
        if path[0] >= len(self._order):
            return ("note",)
        return (self._order[path[0]], *path[1:])

    def path_of(self, key: object) -> Path | None:
        """Return where a line is now, if it is shown."""
        if not isinstance(key, tuple) or key[0] not in self._places:
            return None
        return (self._places[key[0]], *key[1:])


def _missing(ranges: Sequence[tuple[int, int]]) -> int:
    return sum(high - low + 1 for low, high in ranges)
