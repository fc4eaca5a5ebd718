"""The keys that encrypt artifacts: in the system keyring, in a file, or in the environment.

A place may hold several; the first is the one that encrypts, the others open what they encrypted before.
Whatever place the settings name for new files, a key is looked for in all of them.
"""

from __future__ import annotations

import os

from collector.encryption.key import Key, KeyName, format_key, missing_key, parse_key
from collector.encryption.problem import KeyProblem
from collector.errors import AcodeError, InputError, UnavailableError
from collector.keys.keyring_place import read_keyring, write_keyring
from collector.keys.secret_files import lock_file, read_secret_file, write_secret_file
from collector.keys.signing_keys import key_folder
from collector.model.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from collector.config import Config

VARIABLE = "ACODE_ENCRYPTION_KEY"
FILE_NAME = "encryption_keys"
_LOCK = "keys.lock"
KEYRING, FILE, ENVIRONMENT = "keyring", "file", "environment"
SOURCES = (KEYRING, FILE, ENVIRONMENT)
_HEADER = """\
# The keys that encrypt what acode records; the first encrypts, the others open what they encrypted.
# Keep a copy in a safe place: without its key nobody can read a file any more.
"""
_found: dict[KeyName, Key] = {}
"""Keys that this process has found; an id stands for one key for ever."""


@dataclass(frozen=True, slots=True)
class KeyPlaces:
    """Where keys are, as the settings say.

    `source` is the place of new keys; `file` the path of the key file.
    """

    source: str
    file: str
    environ: Mapping[str, str]

    def current(self) -> Key:
        """Return the key that encrypts.

        Raises:
            AcodeError: there is none, or its place cannot be read.
        """
        keys = self.read(self.source)
        if not keys:
            raise UnavailableError(
                "ACODE-RUN-035", f"there is no encryption key in {self.describe(self.source)}",
                "'acode keys create' makes one",
            )  # fmt: skip
        return keys[0]

    def find(self, name: KeyName) -> Key:
        """Return the key of a name, from wherever it is.

        Raises:
            KeyProblem: no place has it; where one could not be read, it says why.
        """
        if name in _found:
            return _found[name]
        problems: list[AcodeError] = []
        for source in self._in_order():
            try:
                keys = self.read(source)
            except AcodeError as error:
                if source != KEYRING or self.source == KEYRING:
                    problems.append(error)
                continue
            _found.update((key.name, key) for key in keys)
            if name in _found:
                return _found[name]
        raise _not_found(name, problems)

    def read(self, source: str) -> tuple[Key, ...]:
        """Return the keys of one place.

        Raises:
            AcodeError: it cannot be read, or holds something else.
        """
        if source == ENVIRONMENT:
            return _parse(self.environ.get(VARIABLE, ""), VARIABLE)
        if source == KEYRING:
            return _parse(read_keyring(), self.describe(source))
        try:
            return _parse(read_secret_file(self.file), self.file)
        except FileNotFoundError:
            return ()

    def change(self, source: str, change: Callable[[tuple[Key, ...]], Sequence[Key]]) -> None:
        """Change which keys a place holds; whoever else wants to waits, so that none gets lost.

        Args:
            source: the place.
            change: returns the new keys for those that are there; may raise.

        Raises:
            AcodeError: the place cannot be read or written.
        """
        with lock_file(os.path.join(key_folder(self.environ), _LOCK)):
            self._write(source, change(self.read(source)))

    def _write(self, source: str, keys: Sequence[Key]) -> None:
        lines = "".join(f"# {key.name.text}\n{format_key(key)}\n" for key in keys)
        if source == KEYRING:
            write_keyring(lines)
        elif source == FILE:
            write_secret_file(self.file, _HEADER + lines)
        else:
            raise InputError(
                "ACODE-RUN-019", "acode cannot change its environment", f"set {VARIABLE} yourself"
            )

    def describe(self, source: str) -> str:
        """Return what a place is called in messages."""
        return {KEYRING: "the system keyring", FILE: self.file, ENVIRONMENT: VARIABLE}[source]

    def _in_order(self) -> list[str]:
        """The place of the settings first; the keyring, which may ask somebody, last."""
        others = [source for source in (ENVIRONMENT, FILE, KEYRING) if source != self.source]
        return [self.source, *others]


def key_places(config: Config, root: str, environ: Mapping[str, str]) -> KeyPlaces:
    """Return where the settings of a workspace have its keys.

    Args:
        config: the settings.
        root: the workspace's folder; a relative path of the key file starts there.
        environ: the environment variables.
    """
    given = config.get("runs.encryption.keyFile")
    if isinstance(given, str) and given:
        path = os.path.join(root, os.path.expanduser(given))
    else:
        path = os.path.join(key_folder(environ), FILE_NAME)
    return KeyPlaces(str(config.get("runs.encryption.keySource")), path, environ)


def _parse(text: str, where: str) -> tuple[Key, ...]:
    """Read keys, separated by spaces, commas or lines; after # a line is a comment."""
    words = [word for line in text.splitlines() for word in line.partition("#")[0].replace(",", " ").split()]
    try:
        return tuple(parse_key(word) for word in words)
    except InputError as error:
        raise InputError(error.code, f"{where}: {error.message}", error.hint) from None


def _not_found(name: KeyName, problems: list[AcodeError]) -> KeyProblem:
    missing = missing_key(name)
    told = [error for error in problems if error.code != "ACODE-RUN-039"]
    if not told:
        return missing
    message = f"{missing.error.message}: {told[0].message}"
    return KeyProblem(UnavailableError("ACODE-RUN-035", message, told[0].hint or missing.error.hint))
