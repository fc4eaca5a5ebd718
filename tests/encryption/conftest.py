"""acode that encrypts what it records, with a key of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.encryption.key import Key, format_key, new_key
from collector.keys.encryption_keys import VARIABLE
from tests.conftest import Acode


@pytest.fixture
def key(acode: Acode) -> Key:
    """Encryption is on, and its key in the environment."""
    key = new_key()
    acode.environ |= {
        "ACODE_RUNS_ENCRYPTION_ENABLED": "true", "ACODE_RUNS_ENCRYPTION_KEYSOURCE": "environment",
        VARIABLE: format_key(key),
    }  # fmt: skip
    return key


@pytest.fixture
def key_file(acode: Acode) -> Path:
    """Encryption is on, and its key in a file that `acode keys create` made."""
    path = acode.root / "home/keys"
    acode.environ |= {
        "ACODE_RUNS_ENCRYPTION_ENABLED": "true", "ACODE_RUNS_ENCRYPTION_KEYSOURCE": "file",
        "ACODE_RUNS_ENCRYPTION_KEYFILE": str(path),
    }  # fmt: skip
    done = acode.run("keys", "create")
    assert (done.returncode, path.stat().st_mode & 0o777) == (0, 0o600), done.stderr
    return path
