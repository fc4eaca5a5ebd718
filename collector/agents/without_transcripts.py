"""For agents of which only the hooks are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from collector.agents.events import AnyEvent


class WithoutTranscripts:
    """The part of an agent that is about transcripts, where there are none to read."""

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
        """Yield nothing."""
        yield from ()

    def recent_transcripts(
        self, home: Path, environ: Mapping[str, str], root: Path, since: float
    ) -> Iterator[Path]:
        """Yield nothing."""
        yield from ()

    def companions(self, path: Path) -> Iterator[Path]:
        """Yield nothing."""
        yield from ()

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Return False."""
        return False

    def line_parser(self, path: Path) -> None:
        """Return None."""
        return

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield nothing."""
        yield from ()
