"""Settings: where they come from, which wins, and what is said about a mistake in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from collector.config import FILES, Config, load_config
from collector.config.settings import CHOICES, MAPS, SETTINGS, variable
from collector.errors import InputError

EVERYTHING = """
runs:
  enabled: true
  artifacts:
    enabled: true
    directory: ".acode/artifacts"
    maxSizePerArtifact: "10MB"
    maxArtifactsPerRun: 50
    compressText: true
    collectPatterns:
      - "*.log"
      - "*.trx"
    excludePatterns:
      - "*.exe"
  retention:
    enabled: true
    maxAge: "30d"
    maxCount: 1000
    maxSize: "1GB"
    keepFailures: "90d"
    preserveTags:
      - "important"
    schedule: "0 2 * * *"
"""


def write(root: Path, text: str, name: str = ".acode/config.yml") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refusal(root: Path, text: str, **environ: str) -> str:
    write(root, text)
    with pytest.raises(InputError) as caught:
        load_config(str(root), environ)
    assert caught.value.code == "ACODE-RUN-023"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_files_everything_is_at_its_default(tmp_path: Path) -> None:
    config = load_config(str(tmp_path), {})
    assert config.enabled
    assert config.autostart
    assert config.artifacts_directory is None
    assert config.max_artifact_bytes == 10 << 20
    assert config.truncate == "head"
    assert (config.dir_mode, config.file_mode) == (0o755, 0o644)
    assert (config.environment, config.tasks, config.files) == ((), {}, ())
    assert {origin for _, _, origin in config.items()} == {"default"}


def test_the_file_of_the_source_documents_is_read(tmp_path: Path) -> None:
    write(tmp_path, EVERYTHING, "agent-config.yml")
    config = load_config(str(tmp_path), {})
    assert config.get("runs.retention.maxAge") == 30 * 86_400_000
    assert config.get("runs.artifacts.collectPatterns") == ("*.log", "*.trx")
    assert config.get("runs.retention.maxSize") == 1 << 30


def test_the_other_names_of_the_source_documents_are_read(tmp_path: Path) -> None:
    text = "artifacts:\n  base_path: out\n  max_size: 1GB\n  retention: {max_runs: 100, max_age_days: 30}\n"
    write(tmp_path, text, ".agent/config.yml")
    config = load_config(str(tmp_path), {})
    assert config.artifacts_directory == "out"
    assert config.get("runs.retention.max_count") == 100
    assert config.get("artifacts.retention.max_age_days") == 30 * 86_400_000


@pytest.mark.parametrize("name", ["maxSizePerArtifact", "max_size_per_artifact", "MaxSizePerArtifact"])
def test_camel_case_and_snake_case_mean_the_same(tmp_path: Path, name: str) -> None:
    write(tmp_path, f"runs:\n  artifacts:\n    {name}: 1MB\n")
    assert load_config(str(tmp_path), {}).max_artifact_bytes == 1 << 20


def test_the_first_workspace_file_is_read_alone(tmp_path: Path) -> None:
    for number, name in enumerate(FILES):
        write(tmp_path, f"runs:\n  artifacts:\n    directory: place-{number}\n", name)
    for number, name in enumerate(FILES):
        assert load_config(str(tmp_path), {}).artifacts_directory == f"place-{number}"
        (tmp_path / name).unlink()


def test_a_variable_beats_the_workspace_beats_the_user(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    write(tmp_path, "runs: {dirMode: 700, fileMode: 600, environment: [A]}", "xdg/acode/config.yml")
    write(tmp_path, "runs: {fileMode: 640, environment: [B]}")
    config = load_config(str(tmp_path), {**home, "ACODE_RUNS_ENVIRONMENT": "C, D"})
    assert (config.dir_mode, config.file_mode, config.environment) == (0o700, 0o640, ("C", "D"))
    origins = {name: origin for name, _, origin in config.items()}
    assert origins["runs.dirMode"].endswith("acode/config.yml:1")
    assert origins["runs.fileMode"] == ".acode/config.yml:1"
    assert origins["runs.environment"] == "ACODE_RUNS_ENVIRONMENT"


def test_the_users_file_lies_in_home_without_xdg(tmp_path: Path) -> None:
    write(tmp_path, "runs: {enabled: no}", ".config/acode/config.yml")
    assert not load_config(str(tmp_path / "elsewhere"), {"HOME": str(tmp_path)}).enabled


def test_artifacts_dir_is_read_and_an_empty_variable_is_none(tmp_path: Path) -> None:
    environ = {"ARTIFACTS_DIR": "/srv/artifacts", "ACODE_RUNS_ENABLED": ""}
    config = load_config(str(tmp_path), environ)
    assert config.artifacts_directory == "/srv/artifacts"
    assert config.enabled


def test_acodes_own_variables_are_no_settings(tmp_path: Path) -> None:
    environ = {"ACODE_RUN_ID": "x", "ACODE_SESSION_ID": "y", "ACODE_TASKS": "z", "ACODE_DEBUG": "1"}
    assert load_config(str(tmp_path), environ).items() == Config({}).items()


def test_every_setting_has_a_variable_that_sets_it(tmp_path: Path) -> None:
    samples = {"bool": "no", "count": "7", "duration": "5m", "list": "a,b", "mode": "700", "path": "p",
               "size": "3KB", "text": "t"}  # fmt: skip
    for setting in SETTINGS.values():
        if setting.kind not in MAPS:
            value = CHOICES[setting.name][-1] if setting.kind == "choice" else samples[setting.kind]
            config = load_config(str(tmp_path), {variable(setting): value})
            changed = [(name, origin) for name, _, origin in config.items() if origin != "default"]
            assert changed == [(setting.name, variable(setting))]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("runs:\n  enabld: true", ("config.yml:2", "'runs.enabld'", "'runs.enabled'")),
        ("\n\nrun:\n  enabled: true", ("config.yml:3", "'run'", "'runs'")),
        ("runs:\n  artifacts:\n    maxSizePerArtefact: 1", ("config.yml:3", "maxSizePerArtifact")),
        ("runs:\n  enabled: maybe", ("config.yml:2", "runs.enabled", "'maybe'")),
        ("runs:\n  artifacts: {maxSizePerArtifact: lots}", ("'lots'", "size")),
        ("runs:\n  artifacts: {truncate: middle}", ("'middle'", "head_tail")),
        ("runs:\n  retention: {maxAge: soon}", ("'soon'", "duration")),
        ("runs:\n  retention: {maxCount: -1}", ("'-1'",)),
        ("runs:\n  dirMode: 999", ("'999'", "755")),
        ("runs:\n  dirMode: 077", ("'077'",)),
        ("runs:\n  dirMode: 177", ("owner",)),
        ("runs: 3", ("config.yml:1", "'runs'")),
        ("- a\n- b", ("config.yml:1",)),
        ("runs: {enabled: true}\nruns: {enabled: false}", ("config.yml:2", "twice", "config.yml:1")),
        ("artifacts: {base_path: x}\nruns: {artifacts: {directory: y}}", ("twice",)),
        ("tasks:\n  a: [1]", ("config.yml:1", "tasks.a")),
        ("tasks: build", ("name: value",)),
        ("a: b: c", ("config.yml:1",)),
        ("tasks: &t {a: b}\nruns: *t", ("config.yml:2", "alias")),
        ("[" * 5000, ("deeply",)),
        ("\x00", ("config.yml",)),
        ("#" * 300_000, ("larger",)),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    message = refusal(tmp_path, text)
    for part in parts:
        assert part in message


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    assert "ACODE_RUNS_ENABLED" in refusal(tmp_path, "", ACODE_RUNS_ENABLED="perhaps")


def test_a_tag_is_never_obeyed(tmp_path: Path) -> None:
    write(tmp_path, f"tasks:\n  a: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    with pytest.raises(InputError):
        load_config(str(tmp_path), {})
    assert not (tmp_path / "made").exists()


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match="UTF-8"):
        load_config(str(tmp_path), {})
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="is not a file"):
        load_config(str(tmp_path), {})


def test_reading_no_file_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; import collector.config as c; c.load_config('/x', {});"
        "print(*{'yaml', 're', 'typing', 'dataclasses', 'pathlib', 'json'} & sys.modules.keys())"
    )
    root = str(Path(__file__).parent.parent)
    argv = [sys.executable, "-I", "-S", "-c", code, root]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "\n"
