"""Settings files as people write them: random values, white space, comments, trailing commas, line ends."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

SCALARS = st.one_of(
    st.none(),
    st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12), st.sampled_from(["//", "/* */", '"', "\\", "{}", "acode", "\u2028", "😀", "\x7f"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
THEIRS = st.text(max_size=20).filter(lambda command: "acode-" not in command)
OTHERS = st.fixed_dictionaries({"type": st.just("command"), "command": THEIRS})
GROUPS = st.lists(
    st.fixed_dictionaries({"matcher": st.text(max_size=5), "hooks": st.lists(OTHERS, max_size=2)})
    | st.fixed_dictionaries({"hooks": st.lists(OTHERS, max_size=2)}),
    max_size=3,
)


def settings(events: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Return settings with and without hooks, an environment and other members."""
    hooks = st.dictionaries(st.sampled_from([*events, "Other"]), GROUPS, max_size=4)
    env = st.dictionaries(st.sampled_from(["PATH", "A"]), st.text(max_size=5), max_size=2)
    optional = {"hooks": hooks, "env": env, "version": st.just(1), "model": SCALARS, "x": VALUES}
    return st.fixed_dictionaries({}, optional=optional).flatmap(_shuffled)


def _shuffled(value: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.permutations(list(value)).map(lambda keys: {key: value[key] for key in keys})


class Writer:
    """Writes a value as JSON in a style of its own.

    Args:
        random: decides.
        comments: whether there may be comments and trailing commas.
    """

    def __init__(self, random: Random, comments: bool = True) -> None:
        self._random = random
        self._comments = comments
        self._end = random.choice(["\n", "\n", "\r\n"])
        self._indent = random.choice(["  ", "    ", "\t", None, None])

    def document(self, value: Any) -> str:
        """Return a document, perhaps with a byte order mark, perhaps without a line end at its end."""
        mark = self._random.choice(["", "", "", "\ufeff"])
        return (
            mark + self._gap() + self._value(value, "") + self._gap() + self._random.choice(["", self._end])
        )

    def _gap(self) -> str:
        """White space and comments between two tokens."""
        if self._random.random() < 0.75:
            return ""
        kinds = [" ", "\t", self._end, "   "]
        if self._comments:
            kinds += ['/* " { , */', f"// it's \" ] ,{self._end}", "/**/"]
        return "".join(self._random.choices(kinds, k=self._random.randint(1, 3)))

    def _value(self, value: Any, indent: str) -> str:
        if isinstance(value, dict):
            entries = [
                (json.dumps(key, ensure_ascii=self._random.random() < 0.5) + self._gap() + ":", item)
                for key, item in value.items()
            ]
            return self._container("{}", entries, indent)
        if isinstance(value, list):
            return self._container("[]", [("", item) for item in value], indent)
        return json.dumps(value, ensure_ascii=self._random.random() < 0.5)

    def _container(self, brackets: str, entries: list[tuple[str, Any]], indent: str) -> str:
        if not entries:
            return brackets[0] + self._gap() + brackets[1]
        one_line = self._indent is None or self._random.random() < 0.2
        inner = indent + (self._indent or "")
        before = "" if one_line else self._end + inner
        parts = []
        for number, (name, value) in enumerate(entries):
            last = number == len(entries) - 1
            trailing = self._comments and self._random.random() < 0.15
            comma = "," if not last or trailing else ""
            space = self._random.choice(["", " "])
            item = before + self._gap() + name + space + self._gap() + self._value(value, inner)
            parts.append(item + self._gap() + comma + self._gap())
        return brackets[0] + "".join(parts) + ("" if one_line else self._end + indent) + brackets[1]
