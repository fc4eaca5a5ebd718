"""Which environment variables hold secrets, judged by their names."""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from re import Pattern

MIN_LENGTH = 6
"""A shorter value is in too many texts that have nothing to do with it."""

_SECRET_NAME = (
    r"(?:^|_)(?:TOKENS?|SECRETS?|PASS(?:WORD|WD|PHRASE|CODE)?S?|PWD|PW|CREDENTIALS?|APIKEYS?|AUTH|PAT|PIN|DSN"
    r"|KEY|WEBHOOK(?:_URL)?|COOKIE|JWT|BEARER|CONNECTION_?STRING)S?$"
    r"|(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|CREDENTIAL|(?:ACCESS|PRIVATE|SECRET|SIGNING)_?KEY)"
)
_OTHER_NAME = (
    r"^(?:OLD)?PWD$|^(?:XDG|LC)_|^(?:MAX|MIN|NUM)_|(?:^|_)(?:CACHE|SORT|PRIMARY"
    r"|FOREIGN|PUBLIC|PARTITION|HOT)_?KEY"
    r"|_(?:FILE|PATH|DIR|HOME|SOCK|SOCKET|URI|URL|HOST|PORT|NAME|USER|ID|TYPE|TTL|EXPIRY|EXPIRES|TIMEOUT"
    r"|LENGTH|SIZE|LIMIT|COUNT|MODE|METHOD|ENABLED|DISABLED|PROVIDER|HELPER|REQUIRED|VERSION|REGION|PREFIX"
    r"|SUFFIX|FORMAT|ALGORITHM|HEADER|ASKPASS|NAMES?)$"
)
_OTHER_VALUE = (
    r"true|false|yes|no|on|off|none|null|nil|default|disabled?|enabled?|required|optional|unset"
    r"|[0-9]{1,9}|[0-9.]{1,12}|[~.]?/[\w./@+-]*"
)
_PASSWORD_OF_URL = r"[a-z][a-z0-9+.-]*://[^\s/@:]*:([^\s/@]+)@"


def secret_values(environ: Mapping[str, str], names: Iterable[str] = ()) -> list[bytes]:
    """Return the values that must not be seen, the longest first, each once.

    Passwords in addresses are among them, whatever the variable is called.

    Args:
        environ: the environment.
        names: more variables that hold secrets, whatever they are called.
    """
    named = set(names)
    found = {part for name, value in environ.items() for part in _secrets(name, value, name in named)}
    values = {part.encode("utf-8", "surrogateescape") for part in found if len(part) >= MIN_LENGTH}
    return sorted(values, key=lambda value: (-len(value), value))


def is_secret_name(name: str) -> bool:
    """Tell whether a variable's name says that its value is a secret."""
    return bool(_compiled(_SECRET_NAME).search(name)) and not _compiled(_OTHER_NAME).search(name)


def _secrets(name: str, value: str, is_named: bool) -> Iterator[str]:
    if is_named or (is_secret_name(name) and not _compiled(_OTHER_VALUE).fullmatch(value)):
        yield value
    if "://" in value:
        yield from _compiled(_PASSWORD_OF_URL).findall(value)


@functools.cache
def _compiled(pattern: str) -> Pattern[str]:
    # Loaded when it is needed: recording a command starts without it.
    import re

    return re.compile(pattern, re.IGNORECASE)
