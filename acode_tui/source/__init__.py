"""The only openers of stores and files: threads that read, and tell a screen what they found."""

from acode_tui.source.files import FileReader
from acode_tui.source.preview import PreviewReader
from acode_tui.source.runs import Anchor, RunSource

__all__ = ["Anchor", "FileReader", "PreviewReader", "RunSource"]
