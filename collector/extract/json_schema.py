"""JSON Schema: what a value breaks of it, in lines.

The library is loaded when it is needed, and may be absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MAX_PROBLEMS = 20


def check_schema(value: Any, schema: Any) -> tuple[str, ...]:
    """Return what a value breaks of a JSON Schema, one line each; nothing where it is valid.

    A schema that is none, a reference to another machine (never fetched), and the missing extra `schema`
    are told in such a line too.
    """
    try:
        import jsonschema  # noqa: F401
    except ImportError:
        return ("not checked against its schema: pip install 'acode-tui[schema]'",)
    from referencing.exceptions import Unresolvable

    try:
        return tuple(_broken_rules(value, schema))
    except Unresolvable as error:
        return (f"the schema refers to what cannot be had: {str(error)[:200]}",)
    except RecursionError:
        return ("not checked against its schema: nested too deeply",)
    except (re.error, TypeError, ValueError, AttributeError, KeyError) as error:
        return (f"the schema cannot be used: {str(error)[:200]}",)


def _broken_rules(value: Any, schema: Any) -> Iterator[str]:
    from itertools import islice

    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as broken:
        yield f"the schema is none: {broken.json_path}: {broken.message[:200]}"
        return
    no_fetching: Registry[Any] = Registry()  # the default one fetches
    for error in islice(kind(schema, registry=no_fetching).iter_errors(value), MAX_PROBLEMS):
        yield f"{error.json_path}: {error.message[:200]}"
