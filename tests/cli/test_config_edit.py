"""`acode config get|set|unset`: what is typed is checked, what a user wrote stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from collector.cli.config import template
from collector.config.edit import find_target, quote, set_value, unset_value
from collector.config.files import read_text
from collector.errors import AcodeError
from tests.cli.conftest import Recorded

HAND_WRITTEN = """\
# ours
runs:   # how we record
    dirMode: 700   # private

    artifacts:
        collectPatterns:
            # reports
            - "*.log"
            - '*.trx'
        # nothing else
        layout: flat
tasks: {build: "npm run build", 'check': ruff check .}
"""


def config_file(acode: Recorded) -> Path:
    return acode.root / ".acode" / "config.yml"


def set_text(text: str, key: str, value: str) -> str:
    return set_value(text, "config.yml", find_target(key), quote(value), value)


def test_a_setting_is_written_and_read_back(fresh: Recorded) -> None:
    fresh.ok("config", "set", "runs.artifacts.maxSizePerArtifact", "50MB")
    assert config_file(fresh).read_text() == "runs:\n  artifacts:\n    maxSizePerArtifact: 50MB\n"
    assert fresh.ok("config", "get", "runs.artifacts.max_size_per_artifact") == "50MB\n"
    assert fresh.json("config", "get", "runs.artifacts.maxSizePerArtifact", "--json") == 50 << 20
    origin = fresh.ok("config", "get", "runs.artifacts.maxSizePerArtifact", "--origin")
    assert origin == ".acode/config.yml:3\t50MB\n"
    fresh.ok("config", "unset", "runs.artifacts.maxSizePerArtifact")
    assert config_file(fresh).read_text() == ""
    assert fresh.ok("config", "get", "runs.artifacts.maxSizePerArtifact") == "10MB\n"


def test_only_the_line_of_the_setting_changes(fresh: Recorded) -> None:
    file = config_file(fresh)
    for key, value, before, after in (
        ("runs.dirMode", "755", "dirMode: 700   #", "dirMode: 755   #"),
        ("runs.dir_mode", "755", "dirMode: 700   #", "dirMode: 755   #"),
        ("runs.artifacts.layout", "dated", "layout: flat", "layout: dated"),
        ("runs.artifacts.truncate", "head_tail", "layout: flat\n",
         "layout: flat\n        truncate: head_tail\n"),
        ("runs.fileMode", "600", "layout: flat\n", "layout: flat\n    fileMode: 600\n"),
        ("collector.watch", "off", "check .}\n", "check .}\ncollector:\n  watch: false\n"),
        ("tasks.build", "make all", '"npm run build"', '"make all"'),
        ("tasks.test", "pytest", "check .}", "check ., test: pytest}"),
    ):  # fmt: skip
        file.write_text(HAND_WRITTEN)
        fresh.ok("config", "set", key, value)
        assert file.read_text() == HAND_WRITTEN.replace(before, after)


def test_a_list_of_lines_is_replaced_by_one_line_and_its_comment_stays(fresh: Recorded) -> None:
    config_file(fresh).write_text(HAND_WRITTEN)
    fresh.ok("config", "set", "runs.artifacts.collectPatterns", "*.log, **/junit*.xml")
    text = config_file(fresh).read_text()
    assert '        collectPatterns: ["*.log", "**/junit*.xml"]\n            # reports\n' in text
    assert fresh.ok("config", "get", "runs.artifacts.collectPatterns") == "*.log\n**/junit*.xml\n"


def test_what_init_comments_out_is_set_beside_its_explanation(fresh: Recorded) -> None:
    fresh.ok("config", "init")
    fresh.ok("config", "set", "runs.artifacts.layout", "dated")
    changed = template().replace("#layout: flat\n", "#layout: flat\n    layout: dated\n")
    assert config_file(fresh).read_text() == changed
    fresh.ok("config", "unset", "runs.artifacts.layout")
    assert config_file(fresh).read_text() == template()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["runs.dirMde", "700"], ["unknown key", "'runs.dirMode'"]),
        (["runs.dirMode", "9"], ["runs.dirMode", "not a mode", "755 or 700"]),
        (["runs.artifacts.collect", "some"], ["matching or all"]),
        (["runs.retention.maxAge", "soon"], ["runs.retention.maxAge"]),
        (["runs.artifacts.maxArtifactsPerRun", "-1"], ["whole number"]),
        (["tasks", "x"], ["tasks.NAME"]),
        (["tasks.", "x"], ["unknown key"]),
        (["tasks.build", ""], ["empty"]),
        (["runs", "x"], ["unknown key"]),
        (["", "x"], ["unknown key"]),
    ],
)
def test_what_is_wrong_is_not_written(fresh: Recorded, arguments: list[str], parts: list[str]) -> None:
    message = fresh.fails(2, "config", "set", *arguments)
    assert "ACODE-RUN-023" in message
    for part in parts:
        assert part in message
    assert not config_file(fresh).exists()


@pytest.mark.parametrize(
    "text", ["runs: [\n", "nonsense: 1\n", "runs:\n\tenabled: yes\n", "\x00", "a: &x 1\nb: *x\n"]
)
def test_a_file_with_a_mistake_is_left_as_it_is(fresh: Recorded, text: str) -> None:
    config_file(fresh).write_text(text)
    for verb in (["set", "runs.enabled", "no"], ["unset", "runs.enabled"]):
        assert ".acode/config.yml" in fresh.fails(2, "config", *verb)
    assert config_file(fresh).read_text() == text


def test_the_mode_and_a_link_of_the_file_stay(fresh: Recorded) -> None:
    kept = fresh.root / "dotfiles.yml"
    kept.write_text("runs: {}\n")
    kept.chmod(0o600)
    config_file(fresh).symlink_to(kept)
    fresh.ok("config", "set", "runs.enabled", "no")
    assert config_file(fresh).is_symlink()
    assert kept.read_text() == "runs: {enabled: false}\n"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_global_is_the_user_s_own_file(fresh: Recorded) -> None:
    fresh.ok("config", "set", "--global", "collector.watch", "no")
    assert (
        fresh.root / "home" / ".config" / "acode" / "config.yml"
    ).read_text() == "collector:\n  watch: false\n"
    assert not config_file(fresh).exists()
    fresh.ok("config", "set", "collector.watch", "yes")
    done = fresh.run("config", "set", "--global", "collector.watch", "no")
    assert b".acode/config.yml:2 has the last word" in done.stderr


def test_a_file_of_another_name_is_changed_where_it_is(fresh: Recorded) -> None:
    other = fresh.root / "agent-config.yml"
    other.write_text("output:\n  artifact_retention_days: 14\n")
    fresh.ok("config", "set", "runs.retention.maxAge", "30d")
    assert other.read_text() == "output:\n  artifact_retention_days: 30\n"
    assert "days" in fresh.fails(2, "config", "set", "runs.retention.maxAge", "36h")
    assert not config_file(fresh).exists()


def test_a_stronger_variable_is_said(fresh: Recorded) -> None:
    done = fresh.run(
        "config", "set", "runs.enabled", "yes", env={**fresh.environ, "ACODE_RUNS_ENABLED": "no"}
    )
    assert b"ACODE_RUNS_ENABLED has the last word" in done.stderr


def test_what_is_not_set_is_no_error_to_unset_and_one_to_get(fresh: Recorded) -> None:
    assert fresh.run("config", "unset", "runs.enabled").returncode == 0
    assert fresh.run("config", "unset", "tasks.build").returncode == 0
    assert not config_file(fresh).exists()
    fresh.ok("config", "set", "tasks.build", "make")
    assert "did you mean 'build'" in fresh.fails(2, "config", "get", "tasks.biuld")
    assert fresh.ok("config", "get", "runs.retention.schedule") == "\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_line(fresh: Recorded) -> None:
    config_file(fresh).parent.chmod(0o555)
    try:
        assert "ACODE-ART-006" in fresh.fails(1, "config", "set", "runs.enabled", "no")
    finally:
        config_file(fresh).parent.chmod(0o755)


FILES = [
    "", "# only this", HAND_WRITTEN, template(), "runs: ~\r\ntasks:\r\n  a: b\r\n", "{}", "---\nruns:\n...\n",
    "{runs: {dirMode: 700}, tasks: {a: b}}", "tasks:\n  build: |\n    make\n    #x: y\n# end",
    "tasks:\n- a\n", "tasks.a: b\n", "? tasks\n: a: b\n", "tasks: {\n  a: b, # why\n  c: d }\n",
    'tasks: !!map {"a": b}\n', "runs:\n  environment:\n  - A\n  -\n    B\n",
]  # fmt: skip


@given(st.sampled_from(FILES), st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=20))
def test_whatever_is_set_is_read_back_and_nothing_else_has_changed(text: str, name: str, value: str) -> None:
    target = find_target(f"tasks.{name}")
    try:
        before = read_text(text, "f")
        changed = set_value(text, "f", target, quote(value), value)
    except AcodeError:
        return  # refused, which is as good
    after = read_text(changed, "f")
    tasks = before.get("tasks", ({}, ""))[0]
    assert isinstance(tasks, dict)
    assert after["tasks"][0] == {**tasks, name: value}
    assert {k: v[0] for k, v in after.items() if k != "tasks"} == {
        k: v[0] for k, v in before.items() if k != "tasks"
    }
    comments = {line.strip() for line in text.splitlines() if line.lstrip().startswith("# ")}
    assert comments <= {line.strip() for line in changed.splitlines()}
    removed = unset_value(changed, "f", target)
    assert removed is not None
    assert name not in (yaml.safe_load(removed) or {}).get("tasks", {})


def test_a_plain_file_is_never_refused() -> None:
    for text in FILES[:4]:
        assert "make" in set_text(text, "tasks.x", "make")
