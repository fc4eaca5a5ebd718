"""Our entries in any settings file: in and out without a trace, whatever else is or comes there."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.agents import hook_merge, json_edit
from collector.agents.hook_merge import Wanted
from collector.agents.hooks import INTEGRATIONS, SHELL_PREFIX, Integration
from collector.agents.json_edit import JsonError
from tests.agents_hooks.documents import Writer, settings

HOOK = "/opt/with space/bin/acode-hook"
SHIM = "/opt/with space/bin/acode-shim"
JSON_AGENTS = [i for i in INTEGRATIONS.values() if i.agent != "opencode"]
CLAUDE = INTEGRATIONS["claude-code"]
EVERY_EVENT = tuple(sorted({event for i in JSON_AGENTS for event in i.events}))


def wanted_of(integration: Integration, hook: str = HOOK) -> Wanted:
    return Wanted(integration, hook, SHIM if integration is CLAUDE else None)


def load(text: str) -> Any:
    root = json_edit.parse(text)
    return None if root is None else json_edit.to_python(text, root)


WANTED = st.sampled_from(JSON_AGENTS).map(wanted_of)
SETTINGS = settings(EVERY_EVENT)
RANDOM = st.randoms(use_true_random=False)


@given(SETTINGS, WANTED, RANDOM)
def test_uninstalling_gives_back_what_was_there(value: Any, wanted: Wanted, random: Random) -> None:
    text = Writer(random).document(value)
    changed = hook_merge.install(text, wanted)
    assert hook_merge.uninstall(changed, text, wanted.integration) == text


@given(SETTINGS, WANTED, RANDOM)
def test_everything_wanted_is_there_and_nothing_else_has_changed(
    value: Any, wanted: Wanted, random: Random
) -> None:
    text = Writer(random).document(value)
    changed = hook_merge.install(text, wanted)
    found = hook_merge.find(changed)
    assert found.is_complete(wanted)
    assert not found.missing(wanted)

    before, after = load(text), load(changed)
    for event in wanted.integration.events:
        groups = after["hooks"][event]
        assert groups[:-1] == before.get("hooks", {}).get(event, [])
        handler = groups[-1]["hooks"][0] if wanted.integration.grouped else groups[-1]
        assert HOOK in json.dumps(handler)
        assert event in json.dumps(handler)
    others = set(after.get("hooks", {})) - set(wanted.integration.events)
    assert {e: after["hooks"][e] for e in others} == {e: before["hooks"][e] for e in others}
    ours = {"hooks", "env", "version"}
    assert {k: v for k, v in after.items() if k not in ours} == {
        k: v for k, v in before.items() if k not in ours
    }


@given(SETTINGS, WANTED, RANDOM, st.text(alphabet="abc {}[],:/*#\u20ac", max_size=20))
def test_what_somebody_changed_elsewhere_since_stays(
    value: Any, wanted: Wanted, random: Random, new: str
) -> None:
    value = {**value, "edited": "BEFORE", "hooks": {**value.get("hooks", {}), "Their": [{"x": "BEFORE"}]}}
    text = Writer(random).document(value)
    changed = hook_merge.install(text, wanted).replace("BEFORE", new)
    assert hook_merge.uninstall(changed, text, wanted.integration) == text.replace("BEFORE", new)


@given(SETTINGS, WANTED, RANDOM, st.booleans())
def test_what_somebody_added_behind_ours_stays(
    value: Any, wanted: Wanted, random: Random, remembered: bool
) -> None:
    text = Writer(random).document({"first": 1, **value})
    changed = hook_merge.install(text, wanted)
    root = json_edit.parse(changed)
    assert root is not None
    comma = "," if root.items[-1].comma is None else ""
    changed = changed[: root.end - 1] + f'{comma} "late": [2]' + changed[root.end - 1 :]
    assert load(changed)["late"] == [2]
    left = load(hook_merge.uninstall(changed, text if remembered else None, wanted.integration))
    assert left.pop("late") == [2]
    assert {k: v for k, v in left.items() if k not in ("hooks", "env", "version")} == {
        k: v for k, v in load(text).items() if k not in ("hooks", "env", "version")
    }
    if remembered:
        assert left == load(text)


@given(SETTINGS, WANTED, RANDOM)
def test_without_a_memory_nothing_of_ours_is_left(value: Any, wanted: Wanted, random: Random) -> None:
    text = Writer(random).document(value)
    left = hook_merge.uninstall(hook_merge.install(text, wanted), None, wanted.integration)
    assert not hook_merge.find(left)
    before, after = load(text), load(left)

    def some(hooks: Any) -> Any:
        return {event: groups for event, groups in hooks.items() if groups}

    assert some(after.get("hooks", {})) == some(before.get("hooks", {}))
    assert after.get("env", {}) == before.get("env", {})


@given(SETTINGS, WANTED, RANDOM)
def test_an_older_installation_is_replaced(value: Any, wanted: Wanted, random: Random) -> None:
    text = Writer(random).document(value)
    old = Wanted(wanted.integration, "/old/acode-hook", "/old/acode-shim" if wanted.shim else None)
    changed = hook_merge.install(text, old)
    assert not hook_merge.find(changed).is_complete(wanted)
    stripped = hook_merge.uninstall(changed, text, wanted.integration)
    assert hook_merge.install(stripped, wanted) == hook_merge.install(text, wanted)


NO_VALUE = ["", "\n", "\ufeff", "// only this\n", "/* and no line end */", "\r\n"]


@pytest.mark.parametrize("integration", JSON_AGENTS, ids=lambda i: i.agent)
@pytest.mark.parametrize("text", [*NO_VALUE, "{}", "{ }", "{\n}\n", '{"hooks":{}}', '{"hooks":{"Stop":[]}}'])
def test_files_that_say_nothing_yet(text: str, integration: Integration) -> None:
    wanted = wanted_of(integration)
    changed = hook_merge.install(text, wanted)
    assert hook_merge.find(changed).is_complete(wanted)
    assert hook_merge.uninstall(changed, text, integration) == text


def test_another_hook_in_our_group_stays_when_ours_goes() -> None:
    text = hook_merge.install("{}", Wanted(CLAUDE, HOOK))
    theirs = {"type": "command", "command": "echo theirs"}
    document = json.loads(text)
    document["hooks"]["Stop"][0]["hooks"].append(theirs)
    left = json.loads(hook_merge.uninstall(json.dumps(document), "{}", CLAUDE))
    assert left == {"hooks": {"Stop": [{"hooks": [theirs]}]}}


def test_copies_of_our_entries_all_go() -> None:
    document = json.loads(hook_merge.install("{}", Wanted(CLAUDE, HOOK)))
    document["hooks"]["Stop"] *= 3
    text = json.dumps(document)
    assert not hook_merge.find(text).is_complete(Wanted(CLAUDE, HOOK))
    assert hook_merge.uninstall(text, "{}", CLAUDE) == "{}"


def test_of_two_members_called_hooks_the_one_that_counts_is_used() -> None:
    text = '{"hooks": {"Stop": []}, "hooks": {"Other": []}}'
    changed = hook_merge.install(text, Wanted(CLAUDE, HOOK))
    assert changed.startswith('{"hooks": {"Stop": []}, "hooks": {"Other": []')
    assert hook_merge.find(json.dumps(json.loads(changed))).is_complete(Wanted(CLAUDE, HOOK))
    assert hook_merge.uninstall(changed, text, CLAUDE) == text


def test_a_prefix_of_somebody_else_is_kept() -> None:
    text = json.dumps({"env": {SHELL_PREFIX: "/their/logger"}})
    wanted = wanted_of(CLAUDE)
    changed = hook_merge.install(text, wanted)
    assert json.loads(changed)["env"] == {SHELL_PREFIX: "/their/logger"}
    found = hook_merge.find(changed)
    assert found.foreign_prefix == "/their/logger"
    assert found.is_complete(wanted)
    assert hook_merge.uninstall(changed, text, CLAUDE) == text


@pytest.mark.parametrize(
    "command",
    [
        "/x/acode-hook codex Stop",
        "'/x y/acode-hook' codex Stop",
        "acode-hook codex",
        "/x/acode-hook a || true",
    ],
)
def test_our_command_is_known_by_its_file_name(command: str) -> None:
    text = json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}})
    assert hook_merge.find(text).hooks.keys() == {"Stop"}


@pytest.mark.parametrize(
    "command",
    ["echo acode-hook", "/x/acode-hook2 a", "my-acode-hook", "sh -c '/x/acode-hook", "", "#", 7, None, []],
)
def test_other_commands_are_not_ours(command: Any) -> None:
    text = json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}})
    assert not hook_merge.find(text)
    assert hook_merge.uninstall(text, None, CLAUDE) == text


WRONG = [
    ('{"hooks": []}', 1, 11),
    ('{"hooks": null}', 1, 11),
    ('{\n  "hooks": {\n    "Stop": {}\n  }\n}', 3, 13),
    ("[]", 1, 1),
    ('"text"', 1, 1),
    ('{"env": 7}', 1, 9),
]


@pytest.mark.parametrize(("text", "line", "column"), WRONG)
def test_settings_of_a_wrong_form_are_left_alone(text: str, line: int, column: int) -> None:
    with pytest.raises(JsonError) as caught:
        hook_merge.install(text, wanted_of(CLAUDE))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert hook_merge.uninstall(text, None, CLAUDE) == text


@pytest.mark.parametrize(
    "value",
    [
        {"hooks": {"Stop": [None, 7, "x", [], {"hooks": None}, {"hooks": [None, 7]}, {"hooks": {"a": 1}}]}},
        {"hooks": {"Stop": 7, "Other": {"hooks": []}}},
        {"env": {SHELL_PREFIX: 7}},
        {"env": [SHELL_PREFIX]},
        {"hooks": "acode-hook", "env": None},
    ],
)
def test_finding_survives_any_form(value: Any) -> None:
    text = json.dumps(value)
    assert not hook_merge.find(text)
    assert hook_merge.uninstall(text, None, CLAUDE) == text
