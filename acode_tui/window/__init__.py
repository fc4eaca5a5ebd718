"""What the screens know of results that are longer than what is held of them. Pure."""

from __future__ import annotations

from acode_tui.window.runs import MAX_HEAD as MAX_HEAD
from acode_tui.window.runs import MAX_PAGES as MAX_PAGES
from acode_tui.window.runs import PAGE as PAGE
from acode_tui.window.runs import RunWindow as RunWindow
