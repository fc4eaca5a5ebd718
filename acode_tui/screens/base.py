"""What both main screens share: keys from the keymap, panes, and the actions that are the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer

from acode_tui.keymap import keys_for
from acode_tui.messages import ScreenSettled
from acode_tui.settings import Settings
from acode_tui.state import remember
from acode_tui.widgets.lines import LineList
from collector import Run

if TYPE_CHECKING:
    from collector import CollectorStatus


_WHILE_TYPING = frozenset({"back", "page", "palette", "leave", "next_pane", "open", "submit", "save_filter"})


def bindings_for(name: str) -> list[BindingType]:
    """Return the bindings of a screen; the bottom line is drawn from the keymap, not from these."""
    return [
        # With priority they are carried out before the next key is looked at: of a quick `/` and `p`, the
        # second is typed into the filter, however busy the terminal is.
        Binding(",".join(key.keys), key.action, key.title, show=False, id=key.action, priority=True)
        for key in keys_for(name)
    ]


class PaneScreen(Screen[None]):
    """A screen of panes, of which one has the keys."""

    NAME: ClassVar[str] = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-below"), (120, "-side")]  # noqa: RUF012 - Textual's own type
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012 - Textual's own type

    settings: Settings
    collector: CollectorStatus | None = None
    collector_problem = ""

    is_settled = False

    def __init__(self, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._delays: dict[str, Timer] = {}

    def set_breakpoints(self, size: Size) -> None:
        """Take the classes that suit a size before anything is laid out."""
        across = _breakpoint(size.width, self.HORIZONTAL_BREAKPOINTS)
        down = _breakpoint(size.height, self.VERTICAL_BREAKPOINTS)
        self.update_classes({across: True, down: True}, update=False)

    def settle(self) -> None:
        """Take keys from now on; the application has kept those that came before."""
        self.is_settled = True
        self.post_message(ScreenSettled())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys of a line that is typed in alone."""
        return action in _WHILE_TYPING or not getattr(self.focused, "is_typed_in", False)

    def later(self, name: str, delay: float, job: Callable[[], None]) -> None:
        """Do something after a pause in which it was not asked for again."""
        timer = self._delays.pop(name, None)
        if timer is not None:
            timer.stop()
        self._delays[name] = self.set_timer(delay, job)

    # The screens say what these are.

    def panes(self) -> list[LineList]:
        """Return the panes in the order of the tab key; the first one has the keys by default."""
        raise NotImplementedError

    def current_run(self) -> Run | None:
        """Return the run that the actions are about."""
        raise NotImplementedError

    @property
    def pane(self) -> LineList:
        """The pane that the keys move in."""
        focused = self.focused
        return focused if isinstance(focused, LineList) else self.panes()[0]

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.pane.move_by(step)

    def action_half_page(self, step: int) -> None:
        """Move by half pages."""
        self.pane.half_page_by(step)

    def action_page(self, step: int) -> None:
        """Move by pages."""
        self.pane.page_by(step)

    def action_advance(self) -> None:
        """Move by a page, where space means nothing else."""
        self.action_page(1)

    def action_first(self) -> None:
        """Move to the beginning."""
        self.pane.go_first()

    def action_last(self) -> None:
        """Move to the end."""
        self.pane.go_last()

    def action_sideways(self, step: int) -> None:
        """Move to the left or to the right."""
        self.pane.go_sideways(step)

    def action_next_pane(self) -> None:
        """Give the keys to the next pane that is seen."""
        panes = [pane for pane in self.panes() if pane.display and pane.size.height]
        # A widget's own `focus` does it later, when the next key may have been looked at already.
        if self.focused not in panes:
            self.set_focus(panes[0])
            return
        place = panes.index(self.pane)
        self.set_focus(panes[(place + 1) % len(panes)])

    def action_maximise(self) -> None:
        """Show only the pane that has the keys, or all of them again."""
        zoomed = next((pane for pane in self.panes() if pane.has_class("-zoomed")), None)
        if zoomed is not None:
            zoomed.remove_class("-zoomed")
            self.remove_class("-zoom")
        else:
            self.pane.add_class("-zoomed")
            self.add_class("-zoom")

    def unzoom(self) -> bool:
        """Show all panes again; tell whether one was maximised."""
        if not self.has_class("-zoom"):
            return False
        self.action_maximise()
        return True

    def action_copy_command(self) -> None:
        """Put the command line into the clipboard."""
        run = self.current_run()
        if run is not None:
            self.app.copy_to_clipboard(run.command_line)
            self.app.notify("command copied", timeout=2)

    def action_theme(self) -> None:
        """Change between light and dark."""
        self.app.theme = "acode-light" if self.app.current_theme.dark else "acode-dark"
        remember(self.settings.state_path, theme=self.app.theme)

    def action_palette(self) -> None:
        """Show every action by name."""
        self.app.action_command_palette()

    def action_help(self) -> None:
        """Show the keys."""
        from acode_tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.NAME))

    def action_leave(self) -> None:
        """Quit."""
        self.app.exit()


def _breakpoint(extent: int, breakpoints: list[tuple[int, str]] | None) -> str:
    return next(name for least, name in reversed(breakpoints or []) if extent >= least)
