"""The dialog that collects what there is of a team of agents: asks, does it, says where it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.widget import Widget

from acode_tui.messages.keeping import Collected, WorkFailed
from acode_tui.render.collected import collected_lines, collected_text, team_lines
from acode_tui.screens.dialog import Dialog
from acode_tui.source.keeping import Keeper
from acode_tui.widgets.top_line import SpanBlock
from collector import Workspace

if TYPE_CHECKING:
    from collector.model.session import Session


class CollectDialog(Dialog):
    """Collects the team of a session after a yes."""

    NAME = "Collect"
    KEYS = (("y", "collect"), ("n", "not"), ("esc", "back"))
    IS_WIDE = False
    BINDINGS = [  # noqa: RUF012 - Textual's own type
        ("y,enter", "collect", "collect"),
        ("n", "close", "not"),
    ]

    def __init__(self, workspace: Workspace, session: Session) -> None:
        super().__init__()
        self._team = session.team or session.session_id
        self._facts = SpanBlock(team_lines(session))
        self._keeper = Keeper("acode-collecting", workspace, self.hear)
        self._found: dict[str, Any] | None = None

    def parts(self) -> Iterable[Widget]:
        """Return what is known of it."""
        yield self._facts

    def on_mount(self) -> None:
        """Get ready."""
        self._keeper.start()

    def on_unmount(self) -> None:
        """Stop; what was begun is done."""
        self._keeper.finish()

    def action_collect(self) -> None:
        """Collect it; afterwards, close."""
        if self._found is not None:
            self.action_close()
        elif not self.is_working:
            self.is_working = True
            self.show_keys((("esc", "go on without it"),))
            self.say([("collecting …", "muted")])
            self._keeper.collect(self._team)

    def on_collected(self, message: Collected) -> None:
        """Say what was collected and where it is."""
        self.is_working, self._found = False, dict(message.found)
        self._facts.show_lines(collected_lines(message.found))
        self.show_keys((("esc", "back"),))
        self.say()

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say what went wrong."""
        self.is_working = False
        self.show_keys(self.KEYS)
        self.fail(message.text)

    def epilogue(self, message: Message) -> str:
        """Tell where it is."""
        if isinstance(message, WorkFailed):
            return message.text
        return collected_text(message.found) if isinstance(message, Collected) else ""
