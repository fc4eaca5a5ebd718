"""Back-ends of `keyring` for tests: one that keeps a secret, one that anybody can read."""

import os
from pathlib import Path

from keyring.backend import KeyringBackend


class TestKeyring(KeyringBackend):
    """Keeps one secret in the file that TEST_KEYRING names."""

    __test__ = False
    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        path = Path(os.environ["TEST_KEYRING"])
        return path.read_text() if path.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        Path(os.environ["TEST_KEYRING"]).write_text(password)


class PlaintextKeyring(TestKeyring):
    """As `keyrings.alt` has one."""
