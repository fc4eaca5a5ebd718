"""The first page, painted before Textual is loaded: loading it takes ten times as long as reading the rows.

Written in plain escape sequences, from the same spans and the same layout as the table, so that nothing
moves when the application takes over. What is typed meanwhile waits in the terminal's queue.
"""

from __future__ import annotations

import os
import time

from acode_tui.keymap import RUNS, footer_keys
from acode_tui.render.bars import (
    BRAND,
    PLACEHOLDER,
    PROMPT,
    WHERE_WIDTH,
    collector_fact,
    run_facts,
    status_spans,
    workspace_label,
)
from acode_tui.render.palette import Palette, palette_of
from acode_tui.render.rows import Span, cells, columns_for, fit, header_spans, row_spans
from acode_tui.state import facets_are_open
from acode_tui.values import NamedTuple
from collector import AcodeError, RunQuery, masking_in, open_stores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from acode_tui.settings import Settings
    from collector import Run

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_FACETS_WIDTH = 28
_SIDE_WIDTH, _SIDE_SHARE = 120, 38
_BELOW_WIDTH, _BELOW_HEIGHT, _BELOW_SHARE = 80, 20, 40


class FirstPage(NamedTuple):
    """The newest runs, read before anything else."""

    rows: tuple[Run, ...] = ()
    has_more: bool = False


class Layout(NamedTuple):
    """Where the table is on a screen; the stylesheet says the same, and a test compares them."""

    table_width: int
    table_height: int
    is_side: bool
    is_below: bool
    facets_width: int = 0


def read_first_page(settings: Settings, count: int) -> FirstPage:
    """Return the first rows; none when there is no database or a filter that needs to be understood."""
    query = RunQuery(limit=count)
    try:
        if settings.filter.strip():
            from dataclasses import replace

            from collector import parse_query

            saved = _saved_filters(settings) if "@" in settings.filter else {}
            query = replace(parse_query(settings.filter, int(time.time() * 1000), saved), limit=count)
        masking = masking_in(settings.workspace.root, os.environ)
        store = open_stores(settings.workspace, masking)[0]
        try:
            page = store.list(query)
        finally:
            store.close()
    except AcodeError:
        return FirstPage()
    return FirstPage(page.items, page.next_cursor is not None)


def _saved_filters(settings: Settings) -> Mapping[str, str]:
    from collector import SavedFilters, saved_files

    return SavedFilters(*saved_files(settings.workspace.root, os.environ))


def layout_of(width: int, height: int, facets: bool | None = None) -> Layout:
    """Return how the first screen is divided; `facets` says whether the filter pane was wanted."""
    body = height - 2
    left = _FACETS_WIDTH if facets_are_open(width, facets) else 0
    if width >= _SIDE_WIDTH:
        rest = width - left
        return Layout(rest - rest * _SIDE_SHARE // 100, body, True, False, left)
    if width >= _BELOW_WIDTH and height >= _BELOW_HEIGHT:
        return Layout(width - left, body - body * _BELOW_SHARE // 100, False, True, left)
    return Layout(width - left, body, False, False, left)


def paint(settings: Settings, page: FirstPage, width: int, height: int, now: int) -> str:
    """Return the escape sequences that draw the first screen."""
    palette = palette_of(settings.theme)
    ink = _Ink(palette, settings.no_color)
    layout = layout_of(width, height, settings.facets)
    lines = [_top(settings, ink, width)]
    lines += _table(page, ink, layout, now)
    if layout.is_below:
        wide = layout.table_width
        lines.append(ink.line([("─" * wide, "border")], "background", wide))
        lines += [ink.line([], "background", wide)] * (height - 1 - len(lines))
    if layout.is_side:
        rest = ink.line([("│", "border")], "background", width - layout.facets_width - layout.table_width)
        lines[1:] = [line + rest for line in lines[1:]]
    if layout.facets_width:
        left = ink.line(
            [(" " * (layout.facets_width - 1) + "│", "border")], "background", layout.facets_width
        )
        lines[1:] = [left + line for line in lines[1:]]
    facts = run_facts(len(page.rows), not page.has_more, bool(settings.filter.strip()), follow=True)
    facts.append(collector_fact(None))
    lines.append(ink.line(status_spans(facts, footer_keys(RUNS), width), "surface", width))
    return ENTER + "".join(f"\x1b[{n + 1};1H{line}" for n, line in enumerate(lines)) + "\x1b[0m"


def _top(settings: Settings, ink: _Ink, width: int) -> str:
    spans: list[Span] = [(BRAND, "accent"), (PROMPT, "faint")]
    where = ""
    if width >= _BELOW_WIDTH:
        label = workspace_label(settings.workspace.root, os.environ.get("HOME", ""), WHERE_WIDTH)
        where = f" {label} "
    room = width - cells(where) - sum(cells(text) for text, _ in spans)
    typed = fit(settings.filter or PLACEHOLDER, room)
    spans += [(typed, "text" if settings.filter else "faint"), (where, "muted")]
    return ink.line(spans, "panel", width, bold="accent")


def _table(page: FirstPage, ink: _Ink, layout: Layout, now: int) -> list[str]:
    visible = layout.table_height - 1
    width = layout.table_width - (1 if len(page.rows) > visible else 0)
    columns = columns_for(width, any(run.agent for run in page.rows))
    lines = [ink.line(header_spans(columns), "background", layout.table_width)]
    for index, run in enumerate(page.rows[:visible]):
        spans = row_spans(run, columns, now)
        ground = "background"
        if index == 0:
            spans[0], ground = ("▌", "accent"), "selection"
        line = ink.line(spans, ground, width, bold="text" if index == 0 else "")
        lines.append(line + (ink.line([], "background", 1) if width < layout.table_width else ""))
    blank = ink.line([], "background", layout.table_width)
    return lines + [blank] * (layout.table_height - len(lines))


class _Ink:
    """Colours as escape sequences; none of them when no colour is wanted."""

    def __init__(self, palette: Palette, no_color: bool) -> None:
        self._palette = palette
        self._plain = no_color
        self._true = os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")

    def line(self, spans: Sequence[Span], ground: str, width: int, bold: str = "") -> str:
        """Return spans in exactly so many cells."""
        parts, taken = [], 0
        for text, ink in spans:
            parts.append(self._code(ink, ground, ink == bold) + text)
            taken += cells(text)
        return "".join(parts) + self._code("text", ground, False) + " " * max(0, width - taken)

    def _code(self, ink: str, ground: str, bold: bool) -> str:
        weight = ";1" if bold else ""
        if self._plain:
            return f"\x1b[0{weight}{';7' if ground == 'selection' else ''}m"
        color = self._color(getattr(self._palette, ink))
        behind = self._color(getattr(self._palette, ground))
        return f"\x1b[0{weight};38;{color};48;{behind}m"

    def _color(self, value: str) -> str:
        red, green, blue = (int(value[n : n + 2], 16) for n in (1, 3, 5))
        if self._true:
            return f"2;{red};{green};{blue}"
        # The six by six by six cube of the 256 colours: its levels are 0, 95, 135, 175, 215, 255.
        cube = [0 if c < 48 else 1 if c < 115 else (c - 35) // 40 for c in (red, green, blue)]
        return f"5;{16 + 36 * cube[0] + 6 * cube[1] + cube[2]}"
