"""What is wrong when an encrypted file cannot be opened, for those who read files and know no keys."""

from __future__ import annotations

from collector.errors import AcodeError


class KeyProblem(OSError):
    """A file that cannot be opened for want of a key; `error` says so to a user.

    An OSError, because to whoever reads files it is one more reason why one cannot be read.
    """

    def __init__(self, error: AcodeError) -> None:
        super().__init__(error.message)
        self.error = error

    def __str__(self) -> str:
        return self.error.message
