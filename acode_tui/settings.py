"""What was asked for when the inspector was started."""

from __future__ import annotations

from acode_tui.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector import Workspace


class Settings(NamedTuple):
    """The options of one start.

    `filter` is text in the language of `acode runs list`; `state_path` names the file of what is remembered
    between starts, and without one nothing is; `facets` says whether the filter pane was open, None for never
    asked.
    """

    workspace: Workspace
    filter: str = ""
    theme: str = "acode-dark"
    no_color: bool = False
    start_collector: bool = True
    state_path: str = ""
    facets: bool | None = None
