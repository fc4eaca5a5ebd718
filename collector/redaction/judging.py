"""Whether a value that is given to a name is a secret, or only stands for one."""

from __future__ import annotations

import functools

from collector.redaction.engine import compile_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PASSWORD, SECRET, KEY = "password", "secret", "key"

_PASSWORD_NAME = (
    rb"(?i)passw|pass_?(?:phrase|code)|pswd|psw|p(?:a?s{1,2})wr?o?r?d|(?:^|[^a-z])(?:pwd|pw|pass"
    rb"|psk)(?:$|[^a-z])"
    rb"|(?:(?:sql|db|user|admin|root|ftp|smtp|mail|ssh|wifi|login|my|net)(?:pass|pw)|pwd|_pw)$"
    rb"|(?-i:[a-z0-9](?:Pwd|Pw|PW|Pass)(?:$|[^a-z]))"
)
_SECRET_NAME = (
    rb"(?i)secret|tokens?|credentials?$|api[ _.-]?keys?|connection[ _-]?string|conn[_-]?str"
    rb"|(?:access|account|admin|app|auth|authentication|client|consumer|deploy|encryption"
    rb"|license|master|private"
    rb"|service|session|shared|signing|ssh|storage|subscription|write|ingest|integration|hmac"
    rb"|aes|crypto|webhook"
    rb"|pre_?shared|instrumentation|trial|device|provision\w*|account|project|user|live|server|merchant|sas)"
    rb"[ _.-]?keys?(?:$|[^a-z])"
)
_KEY_NAME = (
    rb"(?:(?:^|[^A-Za-z])(?:keys?|Keys?|KEYS?)|[a-z0-9]K(?:ey|EY)s?)(?:$|[^a-z])"
    rb"|(?i:(?:private|access|auth|pat|authentication)$)"
)
_OTHER_NAME = (
    rb"(?i)(?:[_.-]?(?:type|names?|ids?|urls?|uri|path|paths|files?|filename|dir|folder|length|len|count|size"
    rb"|limit|index|policy|fields?|label|expir\w*|ttl|timeout|age|usage|class|provider|manager|helper|handler"
    rb"|store|service|endpoint|format|version|prefix|suffix|regex|pattern|hint|prompt|error|status|enabled"
    rb"|required|input|placeholder|strength|reset|ref|digest|budget|izer|ize|ized|ization|used"
    rb"|window|rate|cost"
    rb"|algorithm|alg|alias|scheme|scope|issuer|host|port|user|username|email|mode|arn|request|response|list"
    rb"|attempts?|retries|info|data|pairs?|chain|ring|store|wrap|size|bits|event|press|down|up|code|board"
    rb"|map|func|fn|cls|test|tests))$"
    rb"|^(?:max|min|num|total|n|input|output|prompt|completion|cached?|public|primary|foreign|sort|partition"
    rb"|bypass|compass|by|hot|any|next|prev|last|first|end|start|reserved|stop|eos|bos|pad|unk|special)[_-]?"
    rb"(?:pass|tokens?|keys?)$"
    rb"|(?:tokens|cache[_ .-]?key|passkey|monkey|hockey|jockey|turkey|donkey|whiskey|keys)$"
    rb"|public|keystore|keyboard|key_?words?|passwordless|passed|passing|passes|passenger|passive|passage"
    rb"|passport|ssh-keygen|ssh-keyscan|apt-key|cache-key|restore-key|fingerprint"
)
_TEMPLATE = (
    rb"(?i)^(?:"
    rb"[$%@]?[{(<\[].*|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%?|%[sdvr@]|@\w+@|#\{.*|:[a-z_]\w*|\?+|__\w+__|\\+\$.*"
    rb"|.*\$[({].*|.*\{\{.*|.*\}\}.*|.*<[a-z _-]+>.*|.*&lt;.*|.*\[redacted.*|.*%\(\w+\)s.*|.*\{[a-z_.]*\}.*"
    rb"|[^\"']*\*$|[x*.#_=+?-]+|x{3,}.*|\*+.*|.*\*{4,}.*|.*\.{3,}.*|.*x{5,}.*|.*\xe2\x80(?:\xa6|\xa2).*"
    rb"|.*%[sd].*%[sd].*"
    rb")$"
)
_PLACEHOLDER = (
    rb"(?i)^(?:"
    rb"(?:n/?a|null|nil|none|true|false|yes|no|undefined|empty|unset|default|todo|tbd|fixme|required|optional"
    rb"|enabled?|disabled?|invalid|incorrect|missing|expired|wrong|valid|found|unknown|unused|anonymous)"
    rb"|(?:string|str|bytes?|text|char|varchar|int|integer|bool|boolean|number|object|any|void|auto|self|this"
    rb"|get|set|secure|public|private|protected|static|final|const|return|await|new|import"
    rb"|export|type)[.;:?]*"
    rb"|(?:hidden|masked|redacted|removed|omitted|secret|password|passwd|pass|token|key|apikey|api[_-]?key"
    rb"|credentials?|value|bearer|basic|user(?:name)?|login|name|changed?|access[_-]?token"
    rb"|client[_-]?secret)s?"
    rb"|(?:your|my|the|some|insert|enter|replace|put|add|change|example|sample|dummy|fake|fill|paste|provide"
    rb"|choose|use)[_ -].*"
    rb"|.*(?:your|insert|enter|placeholder|example|sample|dummy|replace)[_ -]?(?:api|access"
    rb"|secret|private|auth"
    rb"|password|passwd|token|key|client|app|own|me|this|here|with)\b.*"
    rb"|(?:change_?me|placeholder|example|dummy|foobar|foo|bar|baz|testing|lorem|abc|abcd|abcdef)[0-9]{0,4}"
    rb"|.*example(?:key|token|secret|password)?$|.*[_-]here$|.*placeholder.*"
    rb")$"
)
_CODE = (
    rb"^(?:[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.)[A-Za-z_$][\w$]*)+[.;:?!]*"
    rb"|(?:process\.env|os\.environ|System\.getenv|getenv|env|secrets|vars|var|local|module|data"
    rb"|config|settings"
    rb"|args|self|this|input|params|request|req|ctx|options|opts|inputs)[.\[(].*"
    rb"|[a-z]+(?:_[a-z]+)+|_[a-z_]+|[A-Z]+(?:_[A-Z]+)+|[a-z]+(?:[A-Z][a-z]+)+|(?:[A-Z][a-z]+){2,}"
    rb"|[a-z]+(?:-[a-z]+)+|[~.]?\.?/.*|[A-Za-z]:\\.*|[a-z][a-z0-9+.-]*://.*|\d{1,11}(?:\.\d+)?%?"
    rb"|[0-9,._:-]{1,14}"
    rb"|0x[0-9a-fA-F]{1,8}|\d{4}-\d\d-\d\d.*|v?\d+(?:\.\d+)+[\w.+-]*"
    rb"|.*\.(?:py|js|ts|go|rs|json|ya?ml|txt|pem|key|crt|md|html?|toml|cfg|ini|sh|java|cs|php|rb|so|tsx?|jsx?"
    rb"|css|png|svg))[;,:.]*$"
)
_WORD = rb"^[A-Za-z]?[a-z'-]*[.,:;!?)]*$"
_UUID = rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


@functools.cache
def _re(pattern: bytes) -> Any:
    return compile_bytes(pattern, captures=True, in_lines=True)


@functools.lru_cache(maxsize=4096)
def kind_of_name(name: bytes, before: bytes = b"") -> str:
    """Return what a name's value may be: a password, a secret, perhaps a key; empty for none of them.

    Args:
        name: the name.
        before: the word before it, as in `secret key`.
    """
    if _re(_OTHER_NAME).search(name):
        return ""
    if _re(_PASSWORD_NAME).search(name):
        return PASSWORD
    if _re(_SECRET_NAME).search(name) or _re(_SECRET_NAME).search(before + b" " + name):
        return SECRET
    return KEY if _re(_KEY_NAME).search(name) else ""


def is_placeholder(value: bytes) -> bool:
    """Tell whether a value only stands for one."""
    return is_template(value) or bool(_re(_PLACEHOLDER).search(value))


def is_template(value: bytes) -> bool:
    """Tell whether something is to be put in a value's place, or has been masked."""
    return bool(_re(_TEMPLATE).search(value))


@functools.lru_cache(maxsize=1024)
def is_quoted_secret(kind: str, name: bytes, value: bytes) -> bool:
    """Judge a value in quotes."""
    if is_placeholder(value) or value.lower() == name.lower():
        return False
    if b" " in value.strip() and (kind != PASSWORD or _is_sentence(value)):
        return False
    if kind == PASSWORD:
        return len(value) >= 4 and not _re(rb"^(?:[~.]?\.?/.*|[a-z]+(?:[_.-][a-z]+)+|#[a-z-]+)$").search(
            value
        )
    if kind == KEY:
        return is_random(value, 16)
    if value.isdigit():
        return len(value) >= 15
    return len(value) >= 8 and is_mixed(value) and not _re(_CODE).search(value)


def _is_sentence(value: bytes) -> bool:
    return value.count(b" ") > 3 or bool(_re(rb"^[A-Z]?[a-z ,.':]+$").search(value) and value.count(b" ") > 1)


@functools.lru_cache(maxsize=1024)
def is_bare_secret(kind: str, name: bytes, value: bytes, mark: bytes, is_alone: bool, is_last: bool) -> bool:
    """Judge a value without quotes.

    Args:
        kind: what the name says.
        name: the name.
        value: the value.
        mark: the sign between the two.
        is_alone: whether the name begins the line.
        is_last: whether nothing stands behind the value.
    """
    if is_placeholder(value) or value.lower() == name.lower():
        return False
    if kind == KEY or not mark:
        return is_random(value, 16 if mark else 20) and not _re(_CODE).search(value)
    if kind == PASSWORD and mark in _ASSIGNS:
        return len(value) >= 4 and not _re(_CODE).search(value) and (is_alone or not _re(_WORD).search(value))
    if kind == PASSWORD and is_alone and is_last and len(value) >= 5 and mark == b":":
        is_plain = _re(rb"(?i)^[_-]{0,2}(?:password|passwd|pass|pwd|passphrase)$").search(name) is not None
        return not _re(_CODE).search(value) and (is_plain or not _re(_WORD).search(value))
    if value.isdigit():
        return len(value) >= 15
    if len(value) < (5 if kind == PASSWORD else 8) or not is_mixed(value) or _re(_CODE).search(value):
        return False
    return mark in _ASSIGNS or is_alone or is_last or len(value) >= 16 or kind == PASSWORD


_ASSIGNS = frozenset((b"=", b":=", b"==", b"?=", b"+=", b"::=", b":::=", b"=>", b"??=", b"||=", b".=", b">"))


def is_mixed(value: bytes) -> bool:
    """Tell whether a value has digits and letters, or is long and has many characters."""
    if len(set(value)) < 5:
        return False
    if _re(rb"[0-9]").search(value) and _re(rb"[A-Za-z]").search(value):
        return True
    if len(value) >= 20 and _re(rb"^[a-z]+$|^[A-Z]+$").search(value):
        return len(set(value)) >= 10
    return len(value) >= 12 and bool(_re(rb"[a-z][A-Z].*[a-z][A-Z]|[^\w.,:;/'-]").search(value))


def is_random(value: bytes, minimum: int) -> bool:
    """Tell whether a part of a value, between punctuation, has many letters and digits in no order."""
    if _re(_UUID).search(value):
        return True
    if _re(rb"^(?:[~.]?\.?/|[A-Za-z]:\\|[a-z][a-z0-9+.-]*://)").search(value):
        return False
    pieces = _re(rb"[A-Za-z0-9+]+").findall(value)
    return (
        any(len(piece) >= min(minimum, 16) and _is_jumbled(piece) for piece in pieces)
        and len(value) >= minimum
    )


def _is_jumbled(piece: bytes) -> bool:
    if len(set(piece)) < 8 or not _re(rb"[A-Za-z]").search(piece):
        return False
    changes = len(_re(rb"[a-z]+|[A-Z]+|[0-9]+").findall(piece))
    return changes >= 4 and _re(rb"[0-9].*[0-9]").search(piece) is not None


def is_sample(secret: bytes) -> bool:
    """Tell whether something has the format of a secret, and was made up to show it."""
    if _re(rb"(?i)x{6}|\*{3}|\.{3}|#{3}|EXAMPLE|(?:abcdefgh|12345678){3}").search(secret):
        return True
    return len(set(secret[-24:].lower())) < 4
