"""Whether a value that is given to a name like `password` is a secret, or stands for one."""

from __future__ import annotations

import functools

from collector.redaction.engine import compile_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MIN_PASSWORD = 4
_MIN_TOKEN = 8

_OTHER_NAME = (
    rb"(?i)(?:[_.-]?(?:type|name|id|ids|url|uri|path|file|filename|dir|length|len|count"
    rb"|size|limit|index|policy|field|label"
    rb"|expir\w*|ttl|timeout|age|usage|class|provider|manager|helper|handler|store"
    rb"|service|endpoint|format|version|prefix|suffix"
    rb"|regex|pattern|hint|prompt|error|status|enabled|required|input|placeholder"
    rb"|strength|reset|ref|hash|digest|budget|s?izer|ize"
    rb"|ized|ization|s?used|window|per\w*|rate|cost|algorithm|alg|alias|scheme|scope"
    rb"|issuer|host|port|user|username|email|mode|key_?ref|arn))$"
    rb"|^(?:max|min|num|total|n|input|output|prompt|completion|cached?|public|primary"
    rb"|foreign|sort|partition|bypass|compass|by)[_-]?"
    rb"(?:pass|tokens?|key)$|tokens$|public|keystore|keyboard|key_?words?|monkey"
    rb"|passwordless|passed|passing|passes|passenger|passive|passage|passport"
)
_PLACEHOLDER = (
    rb"(?i)^(?:"
    rb"[$%]?[{(<\[].*|.*[})>\]]|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%?|%[sdvr@]|@\w+@"
    rb"|[#&]\{?\w*\}?|:[a-z_]\w*|\?|__\w+__|\\?\$.*"
    rb"|.*\$\{.*|.*\{\{.*|.*<[a-z _-]+>.*|.*\[redacted.*|.*%\(\w+\)s.*|.*\{[a-z_]*\}.*|.*\$\(.*"
    rb"|[x*.#_=+-]+|x{3,}.*|\*+.*|.{0,12}(?:\*{4,}|\.{3,}|x{6,}|\xe2\x80\xa6|\xe2\x80\xa2).*"
    rb"|(?:n/?a|null|nil|none|true|false|yes|no|undefined|empty|unset|default|todo|tbd"
    rb"|fixme|required|optional|enabled?|disabled?)"
    rb"|(?:string|str|bytes?|text|char|varchar|int|integer|bool|boolean|number|object"
    rb"|any|void|auto|self|this|get|set|secure|public|private|protected|static|final"
    rb"|const)[.;:?]*"
    rb"|(?:hidden|masked|redacted|removed|omitted|secret|password|passwd|pass|token|key"
    rb"|apikey|api[_-]?key|credentials?|value|private|bearer|basic|user(?:name)?|login"
    rb"|name|changed?)"
    rb"|(?:your|my|the|a|an|some|insert|enter|replace|put|add|change|example|sample"
    rb"|dummy|fake|placeholder|test|foo|bar|fill|paste|provide|choose|use)[_ -].*"
    rb"|.*(?:your|my|some|an?|the|insert|enter|placeholder|example|sample|dummy|change"
    rb"|replace)[_ -]?(?:api|access|secret|private|auth|password|passwd|token|key"
    rb"|client|app|own|me|this|here|with|it)\b.*"
    rb"|(?:changeme|change_me|placeholder|example|dummy|foobar|foo|bar|baz|test|testing"
    rb"|lorem|abc|abcd|abcdef|qwerty123example)[0-9]{0,4}"
    rb"|.*example(?:key|token|secret|password)?$|.*_here$|.*placeholder.*"
    rb")$"
)
_CODE = (
    rb"^(?:[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.|/)[A-Za-z_$][\w$]*)+[.;:?!]*"
    rb"|(?:process\.env|os\.environ|System\.getenv|getenv|env|secrets|vars|var|local"
    rb"|module|data|config|settings|args|self|this|input|params|request|req|ctx|options"
    rb"|opts|inputs)[.\[(].*"
    rb"|[a-z]+(?:_[a-z]+){1,}|_[a-z_]+|[A-Z]+(?:_[A-Z]+)+|[a-z]+(?:[A-Z][a-z]+)+|(?:[A-Z][a-z]+){2,}"
    rb"|[~.]?/.*|[A-Za-z]:\\.*|[a-z][a-z0-9+.-]*://.*|\d{1,7}(?:\.\d+)?%?|[0-9,._:-]+|0x[0-9a-fA-F]{1,8}"
    rb"|.*\.(?:py|js|ts|go|rs|json|ya?ml|txt|pem|key|crt|md|html?|toml|cfg|ini|sh|java"
    rb"|cs|php|rb|so|tsx?|jsx?|css|png|svg))$"
)
_WORD = rb"^[A-Za-z]?[a-z'-]*[.,:;!?)]*$"


@functools.cache
def _re(pattern: bytes) -> Any:
    return compile_bytes(pattern, captures=True, in_lines=True)


def is_secret(
    name: bytes,
    value: bytes,
    is_quoted: bool,
    mark: bytes = b"=",
    rest: bytes = b"",
    is_alone: bool = True,
) -> bool:
    """Judge the value of a name.

    Args:
        name: the name.
        value: the value, without quotes.
        is_quoted: whether there were quotes.
        mark: the sign between them.
        rest: what stands behind a value without quotes.
        is_alone: whether the name begins the line.
    """
    if _re(_OTHER_NAME).search(name) or _re(_PLACEHOLDER).search(value):
        return False
    is_password = bool(_re(rb"(?i)pass|pwd|pswd").search(name))
    if len(value) < (_MIN_PASSWORD if is_password else _MIN_TOKEN) or value.lower() == name.lower():
        return False
    if is_quoted:
        return _is_quoted_secret(value, is_password)
    if _re(_CODE).search(value) or rest.startswith((b"(", b"[", b"{", b"<")):
        return False
    if _re(_WORD).search(value):
        return is_password and is_alone and not rest.strip(b" \t,;\"')}]")
    if mark not in (b"=", b":="):
        return _is_mixed(value) and (is_alone or len(value) >= 16 or not rest.strip())
    return is_password or _is_mixed(value)


def _is_quoted_secret(value: bytes, is_password: bool) -> bool:
    if b" " in value.strip() and (
        not is_password or value.count(b" ") > 3 or _re(rb"^[A-Za-z ,.']+$").search(value)
    ):
        return False
    if is_password:
        return not _re(rb"^(?:[~.]?/.*|[a-z]+(?:[_.-][a-z]+)+|[a-z][a-z0-9+.-]*://[^@]*)$").search(value)
    return _is_mixed(value) and not _re(_CODE).search(value)


def _is_mixed(value: bytes) -> bool:
    """Tell whether a value has digits and letters, or is long and has many characters."""
    has_digit, has_letter = _re(rb"[0-9]").search(value), _re(rb"[A-Za-z]").search(value)
    if has_digit and has_letter:
        return len(set(value)) >= 5
    return len(value) >= 20 and len(set(value)) >= 10 and bool(_re(rb"[a-z][A-Z]|[^\w.-]").search(value))
