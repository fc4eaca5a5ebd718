"""Bringing the encrypted files of all runs under another key: their heads change, their content does not.

A file is replaced whole or not at all, and what has the key already is passed over: whenever this is cut
short, every file opens with the old key or with the new one, and doing it again goes on.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator

from collector import clock, durable
from collector.encryption.header import HEADER_BYTES, MAGIC, Header, rewrap
from collector.encryption.key import BY_KEY, Key
from collector.encryption.stream import read_header
from collector.record.content import ENCRYPTED, open_regular
from collector.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from collector.encryption.key import FindKey

_PIECE = 1 << 20
_LEFTOVER = re.compile(rf"\..+{re.escape(ENCRYPTED)}\.(\d{{1,9}})-\d+\.tmp", re.DOTALL)
"""What `durable.NewFile` calls a file before it is whole; the number is that of the process."""


def iter_encrypted(workspace: Workspace) -> Iterator[tuple[str, Header | None]]:
    """Yield every encrypted file of a workspace, deleted runs' among them, with its header.

    None instead of a header where it is damaged, or cannot be read. A file that a command made, and that has
    such a name by chance, is passed over. What a process that died left half written is removed.
    """
    for place in (workspace.artifacts, workspace.trash):
        for folder, _, names in os.walk(place):
            for name in sorted(names):
                _remove_leftover(folder, name)
                if name.endswith(ENCRYPTED) and not name.startswith("."):
                    path = os.path.join(folder, name)
                    try:
                        header = _header(path)
                    except FileNotFoundError:
                        continue
                    except OSError:
                        yield path, None
                        continue
                    if header is not None:
                        yield path, header


def _remove_leftover(folder: str, name: str) -> None:
    found = _LEFTOVER.fullmatch(name)
    if found is not None and clock.process_start_ticks(int(found[1])) == 0:
        durable.unlink_quietly(os.path.join(folder, name))


def _header(path: str) -> Header | None:
    """Return the header of an encrypted file; None for a file that is none."""
    with os.fdopen(open_regular(path), "rb", buffering=0) as file:
        if file.read(len(MAGIC)) != MAGIC:
            return None
        return read_header(file)


def rewrap_file(path: str, find_key: FindKey, key: Key) -> bool:
    """Let another key open a file; False if it does already, or the file is gone.

    Raises:
        KeyProblem: the key it has was not found.
        OSError: it is damaged, or the disk refuses; the file is as it was.
    """
    try:
        with os.fdopen(open_regular(path), "rb", buffering=0) as source:
            header = read_header(source)
            if header.key_name == key.name or header.key_name.kind != BY_KEY:
                return False
            fresh = rewrap(header, find_key, key)
            mode = stat.S_IMODE(os.fstat(source.fileno()).st_mode)
            with durable.NewFile(path, mode) as target:
                durable.write_all(target, fresh.data)
                _copy_rest(source, target)
    except FileNotFoundError:
        return False  # deleted meanwhile
    return True


def _copy_rest(source: BinaryIO, target: int) -> None:
    source.seek(HEADER_BYTES)
    while data := source.read(_PIECE):
        durable.write_all(target, data)
