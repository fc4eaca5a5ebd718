"""Frozen values without the price of `dataclasses`, which loads `inspect` and compiles six methods a class.

Type checkers see the real thing. At run time `dataclass` makes the same kind of class (frozen, slots,
positional or keyword fields, equality, hash, repr); `dataclasses.replace` and `fields` work on it too.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass, field, fields, replace
    from typing import Generic, TypeVar
else:

    class Field:
        """A default that is made anew for each value, and a field's name for `fields`."""

        def __init__(self, name="", default_factory=None):
            self.name = name
            self.default_factory = default_factory

    def field(*, default_factory):
        """Give a field a default that is made anew for each value."""
        return Field(default_factory=default_factory)

    def fields(value):
        """Return the fields of a class or value, in order."""
        return [Field(name) for name in value.__match_args__]

    def replace(value, **changes):
        """Return a copy with some fields changed."""
        names = value.__match_args__
        return type(value)(**({name: getattr(value, name) for name in names} | changes))

    def dataclass(*, frozen, slots, kw_only=False):  # noqa: ARG001, RUF100 - spelled as the original
        """Turn annotations into the fields of a frozen class with slots."""

        def decorate(cls):
            names = tuple(cls.__annotations__)
            inherited = ("__dict__", "__weakref__")
            body = {k: v for k, v in cls.__dict__.items() if k not in names and k not in inherited}
            defaults = {n: cls.__dict__[n] for n in names if n in cls.__dict__}
            body |= {"__slots__": names, "__match_args__": names, "__dataclass_fields__": _LazyFields()}
            made = type(cls)(cls.__name__, cls.__bases__, body)
            setters = [(n, made.__dict__[n].__set__) for n in names]
            made.__init__ = _initializer(made, setters, defaults, kw_only)
            for method in (__setattr__, __delattr__, __eq__, __hash__, __repr__, __reduce__):
                if method.__name__ not in cls.__dict__ or method in (__eq__, __hash__):
                    setattr(made, method.__name__, method)
            return made

        return decorate

    def _initializer(cls, setters, defaults, kw_only):
        def __init__(self, *positional, **values):
            if positional:
                if kw_only or len(positional) > len(setters):
                    raise TypeError(f"{cls.__name__} takes no {len(positional)} positional values")
                values = _merge(cls, dict(zip(cls.__match_args__, positional, strict=False)), values)
            known = 0
            for name, put in setters:
                if name in values:
                    put(self, values[name])
                    known += 1
                    continue
                if name not in defaults:
                    raise TypeError(f"{cls.__name__} needs {name!r}")
                default = defaults[name]
                put(self, default.default_factory() if isinstance(default, Field) else default)
            if known != len(values):
                unknown = sorted(values.keys() - set(cls.__match_args__))
                raise TypeError(f"{cls.__name__} has no field {unknown[0]!r}")

        return __init__

    def _merge(cls, positional, values):
        twice = positional.keys() & values.keys()
        if twice:
            raise TypeError(f"{cls.__name__} got {min(twice)!r} twice")
        return positional | values

    def _values(value):
        return tuple([getattr(value, name) for name in value.__match_args__])

    def __setattr__(self, name, value):  # noqa: ARG001, RUF100, N807
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name):  # noqa: N807, RUF100
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other):  # noqa: N807, RUF100
        if self.__class__ is not other.__class__:
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self):  # noqa: N807, RUF100
        return hash(_values(self))

    def __repr__(self):  # noqa: N807, RUF100
        shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__match_args__])
        return f"{type(self).__name__}({shown})"

    def __reduce__(self):  # noqa: N807, RUF100
        return _rebuild, (type(self), dict(zip(self.__match_args__, _values(self), strict=True)))

    def _rebuild(cls, values):
        return cls(**values)

    class _LazyFields:
        """What makes `dataclasses.replace` and `fields` work, made when somebody asks."""

        def __get__(self, instance, cls):
            import dataclasses

            names = cls.__match_args__
            made = dataclasses.make_dataclass(cls.__name__, names, frozen=True)
            cls.__dataclass_fields__ = made.__dataclass_fields__
            return cls.__dataclass_fields__

    T = None

    class Generic:
        """Stands for the real one, which only type checkers need."""

        def __class_getitem__(cls, item):
            return cls

    def TypeVar(name):  # noqa: ARG001, N802, RUF100
        """Return nothing: a type variable means something to type checkers only."""


__all__ = ["Generic", "TypeVar", "dataclass", "field", "fields", "replace"]
