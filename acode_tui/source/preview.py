"""Reads what the preview shows: the end of a run's output, again and again while the run runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from acode_tui.document import LineIndex, read_tail
from acode_tui.messages import FileEntry, PreviewRead
from acode_tui.render.ansi import PLAIN, Styled, parse_line
from acode_tui.render.code import color_levels
from acode_tui.source.desk import Desk, Post
from acode_tui.source.open import Unreadable, open_entry, open_shown
from acode_tui.source.runs import list_files
from acode_tui.source.why import why_lines
from collector import AcodeError, Run, Workspace, iter_output

if TYPE_CHECKING:
    from acode_tui.source.desk import Stores

TAIL_LINES = 400
_TAIL_BYTES = 96 * 1024
_INTERVAL = 0.1
_INTERLEAVED_BYTES = 1 << 20


class PreviewReader:
    """Keeps one preview up to date; the newest request is the only one."""

    def __init__(self, workspace: Workspace, post: Post) -> None:
        self._desk = Desk("acode-preview", workspace, post)
        self._wanted: tuple[Run, str] | None = None

    def start(self) -> None:
        """Begin to work."""
        self._desk.start()

    def close(self) -> None:
        """Stop."""
        self._wanted = None
        self._desk.close()
        self._desk.join()

    def show(self, run: Run | None, stream: str) -> None:
        """Read this run's output from now on; `stream` is output, stdout or stderr."""
        wanted = (run, stream) if run is not None else None
        self._wanted = wanted
        if wanted is not None:
            self._desk.submit(lambda: self._read(wanted))

    def _read(self, wanted: tuple[Run, str]) -> None:
        run, stream = wanted
        before: object = None
        preview = PreviewRead(run, stream, (), 0)
        while self._wanted is wanted and not self._desk.stop.is_set():
            entries = [e for e in list_files(run, self._desk.stores()) if _belongs(e, stream)]
            state = [(entry.path, _size(entry)) for entry in entries]
            if state != before:
                before = state
                preview = self._preview(run, stream, entries)
                self._desk.post(preview)
            if run.is_finished:
                self._explain(wanted, preview)
                return
            self._desk.stop.wait(_INTERVAL)

    def _explain(self, wanted: tuple[Run, str], preview: PreviewRead) -> None:
        """Add why the run failed, which may take longer to find out than its output to read."""
        run = wanted[0]
        if run.is_failed and self._wanted is wanted:
            why = why_lines(run, self._desk.stores())
            if why:
                told = PreviewRead(run, preview.stream, preview.lines, preview.size, preview.note, why)
                self._desk.post(told)

    def _preview(self, run: Run, stream: str, entries: Sequence[FileEntry]) -> PreviewRead:
        chosen = _chosen(entries, stream)
        lines: list[Styled] = []
        notes: list[str] = []
        if len(chosen) > 1 and all(entry.artifact_id is None for entry in chosen):
            together = _interleaved(chosen, self._desk.stores())
            if together is not None:
                return PreviewRead(run, stream, together, sum(map(_size, chosen)))
        for entry in chosen:
            if len(chosen) > 1:
                lines.append(Styled(f"── {entry.type} ", ((0, 80, "faint"),)))
            try:
                lines += self._tail(entry)
            except (Unreadable, OSError) as error:
                notes.append(f"{entry.type}: {error}")
        return PreviewRead(run, stream, lines, sum(map(_size, chosen)), "; ".join(notes))

    def _tail(self, entry: FileEntry) -> list[Styled]:
        source = open_entry(entry, self._desk.stores())
        try:
            found = read_tail(LineIndex(source), TAIL_LINES, _TAIL_BYTES)
        finally:
            source.close()
        lines, state = [], PLAIN
        for line in found:
            styled, state = parse_line(line.data, state)
            lines.append(color_levels(styled))
        return lines


def _interleaved(entries: Sequence[FileEntry], stores: Stores) -> list[Styled] | None:
    """Return the end of both streams of a running run as they came; None when that is too much to read."""
    if sum(map(_size, entries)) > _INTERLEAVED_BYTES:
        return None
    try:
        folder = str(Path(entries[0].path).parent)
        pieces = iter_output(folder, lambda name: open_shown(folder, name, stores))
        data = b"".join(piece for _at, _stream, piece in pieces)
    except (AcodeError, OSError, ValueError):
        return None
    parts = data[-_TAIL_BYTES:].split(b"\n")
    lines, state = [], PLAIN
    for part in parts[-TAIL_LINES - 1 : None if parts[-1] else -1]:
        styled, state = parse_line(part[:4096], state)
        lines.append(color_levels(styled))
    return lines


def _belongs(entry: FileEntry, stream: str) -> bool:
    kinds = ("output", "stdout", "stderr") if stream == "output" else (stream,)
    return entry.type in kinds and not entry.is_interleaved


def _chosen(entries: Sequence[FileEntry], stream: str) -> list[FileEntry]:
    """Return what stands for a stream: the interleaved file if there is one, else both that have bytes."""
    if stream == "output":
        whole = [entry for entry in entries if entry.type == "output"]
        return whole or [entry for entry in entries if _size(entry)]
    return list(entries)


def _size(entry: FileEntry) -> int:
    if entry.artifact_id is not None or not entry.path:
        return entry.size
    try:
        return Path(entry.path).lstat().st_size
    except OSError:
        return 0
