"""What every list of lines shares: no animation, and the palette of the theme that is on."""

from __future__ import annotations

from textual.scroll_view import ScrollView

from acode_tui.render.palette import Palette, palette_of


class LineList(ScrollView, can_focus=True):
    """A scroll view that draws its lines itself and never animates a key."""

    DEFAULT_CSS = """
    LineList {
        background: $background;
        scrollbar-size: 1 1;
        overflow-x: hidden;
        overflow-y: auto;
    }
    """

    @property
    def palette(self) -> Palette:
        """The colours to draw in."""
        return palette_of(self.app.theme)

    @property
    def rows(self) -> int:
        """How many lines are seen at once."""
        return max(1, self.scrollable_content_region.height)

    @property
    def top(self) -> int:
        """The first line that is seen."""
        return int(self.scroll_offset.y)

    # Textual draws the scroll bar anew only when the widget itself becomes another size, and where it is
    # scrolled to only if the bar was there before.

    def watch_virtual_size(self) -> None:
        """Draw the scroll bar as long as what it scrolls."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = self.virtual_size.height

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Draw a scroll bar that appears where it is."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y
            self.vertical_scrollbar.window_virtual_size = self.virtual_size.height

    def jump(self, y: float | None = None, x: float | None = None) -> None:
        """Scroll at once."""
        self.scroll_to(x, y, animate=False, force=True, immediate=True)

    def move_by(self, step: int) -> None:
        """Move by lines."""
        self.jump(self.top + step)

    def page_by(self, step: int) -> None:
        """Move by pages."""
        self.move_by(step * self.rows)

    def half_page_by(self, step: int) -> None:
        """Move by half pages."""
        self.move_by(step * max(1, self.rows // 2))

    def go_first(self) -> None:
        """Move to the first line."""
        self.jump(0)

    def go_last(self) -> None:
        """Move to the last line."""
        self.jump(self.max_scroll_y)

    def go_sideways(self, step: int) -> None:
        """Move to the left or to the right."""
        self.jump(x=self.scroll_offset.x + 16 * step)
