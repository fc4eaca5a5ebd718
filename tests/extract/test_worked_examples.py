"""What output says of itself, told by two runs from end to end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Acode, read_json

GENERATED = """\
✅ Starting generation...
[INFO] Created server.js
[INFO] Installed express v4.18.2
[INFO] Setup environment variables
{
  "name": "my-app",
  "main": "server.js",
  "files": ["server.js", {"nested": {"deep": true}}]
}
✅ Generated 15 files
[METRIC] Duration: 45000ms, Memory: 256MB, Tokens: 3500
"""


def sealed(acode: Acode, script: str, *options: str) -> dict[str, Any]:
    acode.run("exec", *options, "--", "sh", "-c", script)
    assert acode.run("runs", "list").returncode == 0
    return acode.record()


def entries(acode: Acode) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (acode.folder() / "logs.jsonl").read_text().splitlines()]


def test_a_successful_execution(acode: Acode) -> None:
    (acode.root / "said").write_text(GENERATED)
    record = sealed(acode, "cat said")
    assert [(e["level"], e["message"]) for e in entries(acode)] == [
        ("info", "Starting generation..."), ("info", "Created server.js"),
        ("info", "Installed express v4.18.2"), ("info", "Setup environment variables"),
        ("info", "Generated 15 files"),
    ]  # fmt: skip
    assert record["metrics"] == {"duration_ms": 45000, "memory_mb": 256, "tokens_used": 3500}
    assert record["summary"]["logs"] == {"info": 5}
    assert read_json(acode.folder() / "artifact.json") == {
        "name": "my-app", "main": "server.js", "files": ["server.js", {"nested": {"deep": True}}],
    }  # fmt: skip
    types = {a["path"]: (a["type"], a["source"]) for a in record["artifacts"]}
    assert types["logs.jsonl"] == ("log", "extracted")
    assert types["artifact.json"] == ("json", "extracted")
    assert all(e["timestamp"].endswith("Z") and e["stream"] == "stdout" for e in entries(acode))


def test_a_failed_execution(acode: Acode) -> None:
    script = "echo 'Starting generation...'; echo 'ERROR: Unable to connect to database' >&2;"
    record = sealed(acode, script + "echo 'ERROR: Schema validation failed' >&2; exit 1")
    assert [(e["level"], e["message"], e["stream"], e["line"]) for e in entries(acode)] == [
        ("error", "Unable to connect to database", "stderr", 1),
        ("error", "Schema validation failed", "stderr", 2),
    ]
    assert record["summary"] == {"logs": {"error": 2}, "secrets": {}}
    assert "artifact.json" not in {a["path"] for a in record["artifacts"]}


def test_progress_on_stderr_of_a_run_that_succeeds_is_no_error(acode: Acode) -> None:
    record = sealed(acode, "echo 'Cloning into x...' >&2; echo 'Receiving objects: 100%' >&2")
    assert record["summary"] == {"secrets": {}}
    assert not (acode.folder() / "logs.jsonl").exists()


def test_the_artifact_of_a_phase_has_its_name_too(acode: Acode) -> None:
    acode.environ["ACODE_AGENT"] = "@nodejs-specialist"
    record = sealed(acode, """echo '{"name": "x", "dependencies": {}}'""", "--tag", "phase=2")
    (name,) = (a["path"] for a in record["artifacts"] if a["path"].startswith("phase_"))
    assert name.startswith("phase_2_nodejs-specialist_")
    assert read_json(acode.folder() / name)["name"] == "x"


def test_an_agents_pattern_and_schema_choose_and_check_its_artifact(acode: Acode) -> None:
    acode.environ["ACODE_AGENT"] = "@nodejs-specialist"
    (acode.root / "schema.json").write_text('{"properties": {"name": {"type": "string"}}}')
    (acode.root / ".acode").mkdir()
    (acode.root / ".acode" / "config.yml").write_text(
        'output:\n  artifactPatterns:\n    "@nodejs-specialist": [name, dependencies]\n'
        '  artifactSchemas:\n    "@nodejs-specialist": schema.json\n'
    )
    (acode.root / "said").write_text(
        '{"progress": 1, "of": 2, "a": "much longer object than the other one"}\n'
        '{"name": 5, "dependencies": {}}\n'
    )
    record = sealed(acode, "cat said")
    assert read_json(acode.folder() / "artifact.json") == {"name": 5, "dependencies": {}}
    (entry,) = (a for a in record["artifacts"] if a["path"] == "artifact.json")
    assert entry["metadata"]["how"] == "pattern"
    assert entry["metadata"]["valid"] is False
    assert "$.name" in entry["metadata"]["problems"][0]


@pytest.mark.parametrize(
    ("options", "command", "name"),
    [
        (("--type", "build"), "echo compiling; echo warned >&2", "build.log"),
        ((), "echo npm ci > /dev/null; echo added 3 packages", "restore.log"),
    ],
)
def test_the_output_of_builds_and_restores_has_its_usual_name(
    acode: Acode, options: tuple[str, ...], command: str, name: str
) -> None:
    record = sealed(acode, command, *options)
    assert name in {a["path"] for a in record["artifacts"] if a["type"] == "log"}
    assert (acode.folder() / name).read_bytes() == (acode.folder() / "output.txt").read_bytes()


def test_output_is_looked_through_within_limits_and_only_where_wanted(acode: Acode) -> None:
    acode.environ["ACODE_OUTPUT_MAX_LOG_SIZE_MB"] = "1"
    acode.environ["ACODE_OUTPUT_CAPTURE_STDERR"] = "no"
    script = (
        "echo ERROR: one; echo ERROR: two >&2; head -c 2000000 /dev/zero | tr '\\0' '\\n'; echo ERROR: three"
    )
    record = sealed(acode, script)
    assert record["summary"] == {"partial": True, "logs": {"error": 1}, "secrets": {}}
