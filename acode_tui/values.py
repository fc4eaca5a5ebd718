"""Named tuples without the price of `typing` and `collections`, which load a third of what the splash loads.

Type checkers see the real `NamedTuple`. At run time the same kind of class is made: a tuple with fields,
defaults, keywords and `_replace`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from _collections import _tuplegetter

    class _Fields(type):
        """Turns annotations into fields."""

        def __new__(cls, name, bases, body):
            fields = tuple(body.get("__annotations__", ()))
            body["_fields"] = fields
            body["_defaults"] = {field: body[field] for field in fields if field in body}
            if fields:
                body["__slots__"] = ()
            for place, field in enumerate(fields):
                body[field] = _tuplegetter(place, field)
            return super().__new__(cls, name, bases, body)

    class NamedTuple(tuple, metaclass=_Fields):
        """A tuple whose places have names."""

        def __new__(cls, *values, **named):
            """Return a value; fields that are not given have their defaults."""
            if named or len(values) != len(cls._fields):
                given = cls._defaults | dict(zip(cls._fields, values, strict=False)) | named
                values = [given.pop(field) for field in cls._fields]
                if given:
                    raise TypeError(f"{cls.__name__} has no field {min(given)!r}")
            return tuple.__new__(cls, values)

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            shown = ", ".join([f"{field}={getattr(self, field)!r}" for field in self._fields])
            return f"{type(self).__name__}({shown})"

        def _replace(self, **named):
            return type(self)(**(dict(zip(self._fields, self, strict=True)) | named))


__all__ = ["NamedTuple"]
