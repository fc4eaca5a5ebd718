"""JSON for reading rows: what `json` wraps, without the milliseconds that importing it costs a listing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from json import loads
else:
    from _json import make_scanner

    class _Rules:
        """What `json.JSONDecoder` asks for by default."""

        strict = True
        object_hook = object_pairs_hook = None
        parse_float, parse_int, parse_constant = float, int, float
        memo: dict[str, str] = {}  # noqa: RUF012 - the scanner empties it itself

    _scan = make_scanner(_Rules)

    def loads(text):
        """Return the value of a text that `dumps` wrote.

        Raises:
            ValueError: when it is anything else.
        """
        try:
            value, end = _scan(text, 0)
        except (StopIteration, SystemError):  # the latter when json.decoder is not there to raise its error
            end = -1
        if end != len(text):
            import json

            return json.loads(text)  # white space around it, or the error that says where it is wrong
        return value


__all__ = ["loads"]
