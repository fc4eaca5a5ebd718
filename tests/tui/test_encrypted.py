"""Encrypted runs in the inspector: as any other with the key, one clear line without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from acode_tui.document import LineIndex, read_tail
from acode_tui.source.open import Unreadable, open_interleaved, open_path
from collector.encryption.key import format_key, new_key
from collector.keys.encryption_keys import VARIABLE
from tests.conftest import Acode


@pytest.fixture
def folder(acode: Acode, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an encrypted run, whose key is in the environment."""
    acode.environ |= {
        "ACODE_RUNS_ENCRYPTION_ENABLED": "true", "ACODE_RUNS_ENCRYPTION_KEYSOURCE": "environment",
        VARIABLE: format_key(new_key()), "ACODE_RUNS_ARTIFACTS_COMPRESS_MIN_SIZE": "1000",
    }  # fmt: skip
    acode.exec("sh", "-c", "seq 1 50000; echo oops >&2")
    acode.run("runs", "list")
    monkeypatch.setenv(VARIABLE, acode.environ[VARIABLE])
    assert sorted(path.name for path in acode.folder().glob("std*")) == [
        "stderr.txt.enc",
        "stdout.txt.zst.enc",
    ]
    return acode.folder()


def test_an_encrypted_stream_is_read_from_its_end(folder: Path) -> None:
    source = open_path(str(folder / "stdout.txt"))
    assert [line.data for line in read_tail(LineIndex(source), 2)] == [b"49999", b"50000"]
    source.close()


def test_encrypted_streams_are_shown_as_they_came(folder: Path) -> None:
    both = open_interleaved(str(folder), grows=False)
    assert both.read(0, 10) == b"1\n2\n3\n4\n5\n"
    both.close()


def test_without_its_key_a_stream_says_which_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.keys.encryption_keys._found", {})
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(Unreadable, match=r"it is encrypted, and its key [0-9a-f]{32} was not found"):
        open_path(str(folder / "stdout.txt"))
