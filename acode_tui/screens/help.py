"""The help screen, made from the keymap."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen

from acode_tui.keymap import KEYS, RUN, RUNS, SEARCH, SESSIONS, STATISTICS, WITH_RUN, Key, shown
from acode_tui.render.rows import Span, cells
from acode_tui.widgets.top_line import SpanBlock

_KEY_WIDTH = 14
_FILTER = (
    ("pytest", "the command contains it"),
    ("status:failed", "or running, success, timeout, cancelled"),
    ("since:1h", "started within the last hour"),
    ("type:test  task:build", "of a type, of a task"),
    ("exit:137  exit:>0", "by exit code"),
    ("duration:>60s  1s..1m", "took longer than a minute, or so long"),
    ("size:>1MB  has:tests", "printed so much; has test results, files, tags"),
    ("re:/pytest .*login/", "the command fits a regular expression"),
    ("dir:*/shop  note:flaky", "ran there; its note contains it"),
    ("@slow", "a saved filter; ctrl+s saves one"),
    ("cmd:npm*  -cmd:lint", "by command; - is not"),
    ("session:01J8", "of a session, by its beginning"),
    ("agent:claude-code", "of an agent; instance: of one of several"),
    ("model:*haiku*  tool:Bash", "by model, by the agent's tool"),
    ("tokens:>10000", "cost more tokens"),
)
_SESSION_FILTER = (
    ("cart", "its title, id or team contains it"),
    ("agent:codex", "of an agent; also status: and team:"),
)
_SEARCH = (
    ("connection refused", "a line has this text; a capital makes capitals count"),
    ("re:/time(d )?out/", "a line fits this regular expression (RE2)"),
    ('"status:failed"', "in quotes it is text; without, as in a filter"),
    ("refused since:1d", "only in runs that fit"),
)
_SCREENS = {
    RUNS: "the list of runs",
    RUN: "an open run",
    SESSIONS: "the tree of sessions",
    STATISTICS: "the statistics",
    SEARCH: "the search",
}


class HelpScreen(ModalScreen[None]):
    """Every key of a screen first, then those of the others, then the filter language."""

    BINDINGS = [  # noqa: RUF012 - Textual's own type
        ("escape,q,question_mark,enter", "close", "close"),
        ("j,down", "scroll(1)", "down"),
        ("k,up", "scroll(-1)", "up"),
        ("pagedown,space", "scroll(10)", "a page down"),
        ("pageup", "scroll(-10)", "a page up"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name_of_screen = name

    def compose(self) -> ComposeResult:
        """Show the keys."""
        with Vertical(classes="help") as frame, VerticalScroll(id="help-scroll"):
            frame.border_title, frame.border_subtitle = "acode-tui", "j k scroll · esc closes"
            yield SpanBlock(help_lines(self._name_of_screen))

    def action_scroll(self, step: int) -> None:
        """Scroll."""
        self.query_one("#help-scroll").scroll_relative(y=step, animate=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss()


def help_lines(screen: str) -> list[list[Span]]:
    """Return the help for somebody who is on this screen."""
    lines = [[("Keys", "accent")], *_groups([key for key in KEYS if screen in key.screens])]
    if screen not in WITH_RUN:
        keys = [key for key in KEYS if key.screens == WITH_RUN]
        lines += [[], [("Keys wherever there is a run", "accent")], *_groups(keys)]
    for other, title in _SCREENS.items():
        keys = [key for key in KEYS if key.screens == (other,)]
        if other != screen:
            lines += [[], [(f"Keys of {title}", "accent")], *_groups(keys)]
    if screen == SEARCH:
        lines += [[], [("Search", "accent")], []]
        lines += [[(f" {text:<24}", "text"), (what, "muted")] for text, what in _SEARCH]
    filters = _SESSION_FILTER if screen == SESSIONS else _FILTER
    lines += [[], [("Filter", "accent")], []]
    lines += [[(f" {text:<24}", "text"), (what, "muted")] for text, what in filters]
    return lines


def _groups(keys: list[Key]) -> list[list[Span]]:
    lines: list[list[Span]] = []
    for group in dict.fromkeys(key.group for key in keys):
        lines += [[], [(f" {group}", "faint")]]
        lines += [_line(key) for key in keys if key.group == group]
    return lines


def _line(key: Key) -> list[Span]:
    names = "  ".join(shown(name) for name in key.keys)
    gap = " " * max(1, _KEY_WIDTH - cells(names))
    return [(f"   {names}{gap}", "running"), (key.title, "text")]
