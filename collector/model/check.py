"""Is a value what its record's schema says? Asked once, where a record enters the store."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NONE = type(None)
_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "text or null": (str, _NONE),
    "a whole number": (int,),
    "a whole number or null": (int, _NONE),
    "a number or null": (int, float, _NONE),
    "true or false": (bool,),
    "an object": (dict,),
}
_BEYOND = 1 << 63


def check_types(record: object, kinds: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a record with a field that no store can hold.

    Args:
        record: has the fields.
        kinds: their names, by what they must be.

    Raises:
        ValueError: naming the first field that is wrong.
    """
    for kind, names in kinds.items():
        types = _TYPES[kind]
        for name in names:
            value = getattr(record, name)
            fits = isinstance(value, types) and (type(value) is not bool or bool in types)
            if not fits or (type(value) is int and not -_BEYOND <= value < _BEYOND):
                raise ValueError(f"{name} is {str(value)[:80]!r}, not {kind}")
