"""Importing: all runs or none, under their own ids, once, and never in place of what is there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.bundle import ExportOptions, ImportOptions, export_bundle, import_bundle
from collector.errors import AcodeError, ConflictError
from collector.record import spool
from collector.record.content import open_content
from collector.workspace import Workspace
from tests.bundle.conftest import PLAIN
from tests.bundle.making import Contents
from tests.bundle.stores import BUILD, STAMP, TEST, record, runs_of, snapshot, ulid, write_run
from tests.conftest import Acode, wait_for


@pytest.fixture
def bundle(good_bundle: bytes, tmp_path: Path) -> str:
    path = tmp_path / "good.zip"
    path.write_bytes(good_bundle)
    return str(path)


def run_of(workspace: Workspace, task: str) -> Any:
    (found,) = [run for run in runs_of(workspace) if run.task == task]
    return found


def test_runs_keep_their_ids_and_say_that_they_were_imported(bundle: str, workspace: Workspace) -> None:
    report = import_bundle(workspace, bundle, ImportOptions())
    assert report.imported == (f"build-{STAMP}", f"test-{STAMP}")
    build, test = run_of(workspace, "build"), run_of(workspace, "test")
    assert (build.run_id, test.run_id) == (ulid(1000), ulid(2000))
    assert [a.artifact_id for a in test.artifacts] == [ulid(2002), ulid(2001)]
    assert {a.source for run in (build, test) for a in run.artifacts} == {"imported"}
    assert build.provenance["bundle"] == report.bundle.digest
    assert build.provenance["exit_code"] == "recorder"
    assert (test.status, test.exit_code) == ("failure", 1)


def test_tags_notes_and_the_order_of_output_come_along(bundle: str, workspace: Workspace) -> None:
    import_bundle(workspace, bundle, ImportOptions())
    test = run_of(workspace, "test")
    assert test.tags == {"ci": "", "flaky": "yes"}
    assert test.note == "flaky since Monday"
    folder = Path(workspace.artifacts, test.folder)
    assert (folder / "output.idx").read_bytes().startswith(b"acode-output-index 1\n")


def test_content_comes_back_byte_for_byte_under_its_own_name(bundle: str, workspace: Workspace) -> None:
    import_bundle(workspace, bundle, ImportOptions())
    for task, files in (("build", BUILD), ("test", TEST)):
        folder = str(Path(workspace.artifacts, f"{task}-{STAMP}"))
        for path, data in files.items():
            with open_content(folder, path) as content:
                assert content.read() == data


def test_importing_twice_changes_nothing(bundle: str, workspace: Workspace) -> None:
    import_bundle(workspace, bundle, ImportOptions())
    runs_of(workspace)
    before = snapshot(Path(workspace.artifacts))
    report = import_bundle(workspace, bundle, ImportOptions())
    assert report.imported == ()
    assert report.already_there == (f"build-{STAMP}", f"test-{STAMP}")
    assert snapshot(Path(workspace.artifacts)) == before


def test_a_bundle_of_runs_that_are_partly_there_brings_the_others(bundle: str, workspace: Workspace) -> None:
    write_run(workspace, record(2000, "test", TEST, status="failure", exit_code=1), TEST)
    report = import_bundle(workspace, bundle, ImportOptions())
    assert report.imported == (f"build-{STAMP}",)
    assert report.already_there == (f"test-{STAMP}",)


def refuses(workspace: Workspace, bundle: str, why: str) -> None:
    """Check that an import is refused for what is in the store, which stays as it is."""
    runs = runs_of(workspace)
    import_lock = Path(workspace.import_lock)
    import_lock.touch()
    before = snapshot(Path(workspace.root))
    with pytest.raises(ConflictError, match=why):
        import_bundle(workspace, bundle, ImportOptions())
    assert snapshot(Path(workspace.root)) == before
    assert runs_of(workspace) == runs


def test_another_run_under_the_same_id_is_kept(bundle: str, workspace: Workspace) -> None:
    write_run(workspace, record(2000, "mine", TEST), TEST)
    refuses(workspace, bundle, "other content")


def test_the_artifact_of_another_run_is_not_taken_over(bundle: str, workspace: Workspace) -> None:
    mine = record(5000, "mine", {"stdout.txt": b"mine\n"})
    mine["artifacts"][0]["artifact_id"] = ulid(1002)
    write_run(workspace, mine, {"stdout.txt": b"mine\n"})
    refuses(workspace, bundle, ulid(1002))
    (artifact,) = run_of(workspace, "mine").artifacts
    assert artifact.run_id == ulid(5000)


def test_the_call_of_another_run_is_not_taken_over(
    good: Callable[[], Contents], workspace: Workspace, tmp_path: Path
) -> None:
    call = {"tool_call_id": "call_1", "agent": "codex", "tool": "shell"}
    write_run(workspace, record(5000, "mine", {}, **call), {})
    contents = good()
    contents.records[f"test-{STAMP}"] |= call
    (tmp_path / "call.zip").write_bytes(contents.build())
    refuses(workspace, str(tmp_path / "call.zip"), "call_1")


def test_a_run_whose_name_is_taken_gets_another(bundle: str, workspace: Workspace) -> None:
    write_run(workspace, record(5000, "test", {"stdout.txt": b"mine\n"}), {"stdout.txt": b"mine\n"})
    Path(workspace.artifacts, f"test-{STAMP}-1").mkdir()
    report = import_bundle(workspace, bundle, ImportOptions())
    assert report.renamed == {f"test-{STAMP}": f"test-{STAMP}-2"}
    names = {run.run_id: run.name for run in runs_of(workspace)}
    assert names == {
        ulid(5000): f"test-{STAMP}", ulid(2000): f"test-{STAMP}-2", ulid(1000): f"build-{STAMP}"
    }  # fmt: skip
    assert json.loads(Path(workspace.artifacts, f"test-{STAMP}-2/run.json").read_text())["run_id"] == ulid(
        2000
    )
    assert import_bundle(workspace, bundle, ImportOptions()).already_there != ()


def test_a_run_that_was_deleted_comes_back_with_its_bundle(bundle: str, acode: Acode) -> None:
    import_bundle(acode.workspace, bundle, ImportOptions())
    assert acode.run("runs", "delete", "--force", f"test-{STAMP}").returncode == 0
    assert import_bundle(acode.workspace, bundle, ImportOptions()).imported == (f"test-{STAMP}",)
    before = snapshot(Path(acode.workspace.artifacts))
    acode.run("runs", "undelete", f"test-{STAMP}")
    acode.run("runs", "undelete", ulid(2000))
    assert sorted(run.run_id for run in runs_of(acode.workspace)) == [ulid(1000), ulid(2000)]
    assert snapshot(Path(acode.workspace.artifacts)) == before


def test_a_dry_run_changes_nothing(bundle: str, acode: Acode) -> None:
    done = acode.run("runs", "import", "--dry-run", bundle)
    assert done.returncode == 0
    assert f"would import test-{STAMP}\n".encode() in done.stdout
    assert not (acode.root / ".acode").exists()


def test_a_collector_takes_the_runs_in(bundle: str, acode: Acode, collector: subprocess.Popen[bytes]) -> None:
    done = acode.run("runs", "import", bundle, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["imported"] == [f"build-{STAMP}", f"test-{STAMP}"]
    assert len(json.loads(acode.run("runs", "list", "--json").stdout)) == 2
    assert collector.poll() is None


def test_an_import_is_in_the_audit_log(bundle: str, workspace: Workspace) -> None:
    import_bundle(workspace, bundle, ImportOptions())
    lines = Path(workspace.folder, "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["import"]


def test_what_an_import_left_that_was_killed_goes_with_the_next(bundle: str, workspace: Workspace) -> None:
    workspace.create()
    left = Path(workspace.imports, ulid(7), "runs", "x")
    left.mkdir(parents=True)
    import_bundle(workspace, bundle, ImportOptions())
    assert not left.exists()
    assert len(runs_of(workspace)) == 2


@pytest.mark.parametrize("token", ["../../evil", ulid(3), ulid(3).lower(), ".."])
def test_a_hostile_announcement_of_an_import_does_nothing(
    token: str, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.create()
    (tmp_path / "evil").mkdir()
    spool.announce(workspace.spool, spool.IMPORT, token)
    before = snapshot(tmp_path / "evil")
    assert runs_of(workspace) == ()
    assert spool.list_announcements(workspace.spool) == []
    assert snapshot(tmp_path / "evil") == before


def test_where_an_imported_run_ran_is_not_looked_through(
    good: Callable[[], Contents], acode: Acode, tmp_path: Path
) -> None:
    contents = good()
    here = contents.records[f"test-{STAMP}"]
    here |= {"working_directory": str(acode.root), "provenance": {}, "start_time": "2020-01-01T00:00:00.000Z",
             "end_time": "2090-01-01T00:00:00.000Z"}  # fmt: skip
    (acode.root / "secret.log").write_text("private")
    (tmp_path / "b.zip").write_bytes(contents.build())
    assert acode.run("runs", "import", str(tmp_path / "b.zip")).returncode == 0
    (acode.root / "more.txt").write_text("more")
    acode.run("artifacts", "collect", f"test-{STAMP}", "--file", "more.txt")
    wait_for(lambda: not spool.list_announcements(acode.workspace.spool) or acode.run("runs", "list"))
    assert "secret.log" not in [a.path for run in runs_of(acode.workspace) for a in run.artifacts]


def test_an_imported_bundle_is_exported_as_it_came(bundle: str, workspace: Workspace, tmp_path: Path) -> None:
    import_bundle(workspace, bundle, ImportOptions())
    export_bundle(workspace, runs_of(workspace), str(tmp_path / "again.zip"), PLAIN)
    assert (tmp_path / "again.zip").read_bytes() == Path(bundle).read_bytes()


def test_in_an_encrypted_workspace_what_is_imported_is_encrypted(
    bundle: str, acode: Acode, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collector.encryption.key import format_key, new_key

    monkeypatch.setenv("ACODE_ENCRYPTION_KEY", format_key(new_key()))
    for name, value in (("ENABLED", "true"), ("KEY_SOURCE", "environment")):
        monkeypatch.setenv(f"ACODE_RUNS_ENCRYPTION_{name}", value)
    import_bundle(acode.workspace, bundle, ImportOptions())
    files = [path for path in Path(acode.workspace.artifacts).rglob("*") if path.is_file()]
    assert [path for path in files if BUILD["stdout.txt"][:40] in path.read_bytes()] == []
    export_bundle(acode.workspace, runs_of(acode.workspace), str(acode.root / "again.zip"), PLAIN)
    assert (acode.root / "again.zip").read_bytes() == Path(bundle).read_bytes()


def test_what_somebody_else_ran_is_not_run_again_unasked(bundle: str, acode: Acode) -> None:
    acode.run("runs", "import", bundle)
    done = acode.run("runs", "rerun", f"test-{STAMP}")
    assert done.returncode == 1
    assert b"--imported" in done.stderr
    assert acode.run("runs", "rerun", f"test-{STAMP}", "--in", ".", "--dry-run").returncode == 0


def test_a_signature_of_other_content_is_none(workspace: Workspace, tmp_path: Path) -> None:
    from collector.bundle.protecting import Trust, signing_with
    from collector.bundle.verify import Asking, verify_bundle
    from collector.encryption.signing import new_private_key

    write_run(workspace, record(1, "a", TEST), TEST)
    key, other = new_private_key("me"), new_private_key("you")
    sign = signing_with(key)
    target = str(tmp_path / "b.zip")
    export_bundle(workspace, runs_of(workspace), target, ExportOptions(redact=False, sign=sign))
    needed = Asking(Trust((key.public,), is_required=True))
    assert verify_bundle(target, asking=needed).signature.state == "valid"
    assert verify_bundle(target).signature.state == "untrusted"
    assert verify_bundle(target).is_valid
    assert not verify_bundle(target, asking=Asking(Trust((other.public,), is_required=True))).is_valid
    stolen = ExportOptions(redact=False, replace=True, sign=lambda manifest: sign(manifest + b" "))
    export_bundle(workspace, runs_of(workspace), target, stolen)
    found = verify_bundle(target, asking=needed)
    assert [problem.code for problem in found.problems] == ["ACODE-RUN-033"]
    with pytest.raises(AcodeError, match="ACODE-RUN-033"):
        import_bundle(Workspace(str(tmp_path / "other")), target, ImportOptions(asking=needed))


def test_an_encrypted_bundle_opens_with_its_passphrase_alone(workspace: Workspace, tmp_path: Path) -> None:
    from collector.bundle.protecting import encrypting_with
    from collector.bundle.verify import Asking, verify_bundle
    from collector.encryption.key import by_passphrase, passphrase_key

    write_run(workspace, record(1, "a", TEST), TEST)
    target = tmp_path / "b.zip.enc"
    key = passphrase_key("correct horse", work=14)
    options = ExportOptions(redact=False, encrypt=encrypting_with(key))
    export_bundle(workspace, runs_of(workspace), str(target), options)
    assert b"PK\3\4" not in target.read_bytes()
    right = Asking(find_key=by_passphrase("correct horse"))
    assert verify_bundle(str(target), asking=right).is_valid
    for asking in (Asking(), Asking(find_key=by_passphrase("wrong"))):
        with pytest.raises(AcodeError, match="ACODE-RUN-034"):
            verify_bundle(str(target), asking=asking)
    imported = import_bundle(Workspace(str(tmp_path / "other")), str(target), ImportOptions(asking=right))
    assert imported.imported == (f"a-{STAMP}",)
    data = bytearray(target.read_bytes())
    data[-40] ^= 1
    target.write_bytes(data)
    assert not verify_bundle(str(target), asking=right).is_valid
