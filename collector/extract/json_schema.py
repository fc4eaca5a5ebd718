"""Checking a JSON value against a JSON Schema, by the `jsonschema` library where it is installed."""

from __future__ import annotations

from typing import Any

MAX_PROBLEMS = 20


def check_schema(value: Any, schema: Any) -> tuple[str, ...]:
    """Return what is wrong with a value, a line each; nothing is fetched that a schema refers to.

    Args:
        value: as `json` reads it.
        schema: as `json` reads it; a broken one is one problem.
    """
    try:
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ImportError:
        return ("not checked: install acode-tui[schema]",)
    try:
        kind = validator_for(schema)
        kind.check_schema(schema)
        errors = kind(schema, registry=Registry()).iter_errors(value)
        found = [
            f"{error.json_path}: {error.message[:300]}"
            for _, error in zip(range(MAX_PROBLEMS), errors, strict=False)
        ]
    except SchemaError as error:
        return (f"the schema is broken: {error.message[:300]}",)
    except (Unresolvable, RecursionError, AttributeError, TypeError) as error:
        return (f"the schema cannot be used: {str(error)[:300] or type(error).__name__}",)
    return tuple(found)
