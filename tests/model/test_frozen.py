"""Our frozen values behave like those of `dataclasses`, which they replace for the sake of start-up time."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from collector.model.frozen import dataclass, field, fields, replace
from collector.model.query import RunQuery, Term
from collector.model.run import Run
from collector.store.protocols import Page


@dataclass(frozen=True, slots=True)
class Ours:
    """A class of ours."""

    first: int
    second: str = "two"
    third: dict[str, int] = field(default_factory=dict)

    @property
    def doubled(self) -> int:
        """A property stays."""
        return self.first * 2


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    first: int
    second: str = "two"
    third: dict[str, int] = dataclasses.field(default_factory=dict)


def outcome(make: Callable[[], Any]) -> Any:
    try:
        return repr(make()).partition("(")[2]
    except TypeError:
        return TypeError


@pytest.mark.parametrize(
    ("positional", "named"),
    [
        ((1,), {}), ((1, "x"), {}), ((1, "x", {"a": 1}), {}), ((), {"first": 1}), ((1,), {"third": {}}),
        ((), {}), ((1, 2, 3, 4), {}), ((1,), {"first": 1}), ((1,), {"fourth": 4}), ((), {"second": "x"}),
    ],
)  # fmt: skip
def test_it_is_made_and_refused_as_a_dataclass_is(positional: tuple[Any, ...], named: dict[str, Any]) -> None:
    assert outcome(lambda: Ours(*positional, **named)) == outcome(lambda: Theirs(*positional, **named))


def test_it_cannot_be_changed_and_has_no_dict() -> None:
    value: Any = Ours(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.first = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.first
    with pytest.raises(AttributeError):
        value.fourth = 4
    assert not hasattr(value, "__dict__")
    assert (value.doubled, Ours.__doc__) == (2, "A class of ours.")


def test_equal_values_are_equal_and_hash_alike() -> None:
    assert Ours(1) == Ours(1) != Ours(2)
    other: object = Theirs(1)
    assert Ours(1) != other
    assert len({Term("a", ("b",)), Term("a", ("b",)), Term("a", ("c",))}) == 2


def test_a_default_that_is_made_anew_is_not_shared() -> None:
    assert Ours(1).third is not Ours(1).third


def test_the_standard_library_works_on_it() -> None:
    value = Ours(1, "x", {"a": 1})
    assert dataclasses.replace(value, first=2) == replace(value, first=2) == Ours(2, "x", {"a": 1})
    assert [f.name for f in dataclasses.fields(Ours)] == [f.name for f in fields(Ours)]
    assert dataclasses.asdict(value) == {"first": 1, "second": "x", "third": {"a": 1}}
    assert dataclasses.is_dataclass(value)
    assert pickle.loads(pickle.dumps(RunQuery(limit=3))) == RunQuery(limit=3)
    assert copy.deepcopy(value) == copy.copy(value) == value
    match value:
        case Ours(first, second):
            assert (first, second) == (1, "x")


def test_a_generic_class_and_keyword_only_fields_work() -> None:
    page: Page[int] = Page((1, 2), None, None)
    assert page.items == (1, 2)
    positional: Any = Run
    with pytest.raises(TypeError):
        positional("id")
