"""Runs that are encrypted once they have ended: nothing of them is in the open, all of it can be read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collector.encryption.key import Key, format_key, new_key
from collector.keys.encryption_keys import VARIABLE
from collector.record.content import open_content
from tests.conftest import PROJECT, Acode, read_json, wait_for

CANARY = "the-canary-sings-4711"
SCRIPT = f"""
import json, sys
print("{CANARY} on stdout")
for i in range(20000):
    print(i, hex(hash((i, "x")) & 0xffffffff))
print(json.dumps({{"name": "{CANARY}", "version": 1}}))
print("ERROR {CANARY} on stderr", file=sys.stderr)
with open("report.log", "w") as file:
    file.write("{CANARY} in a file\\n" * 3)
open("junit.xml", "w").write(
    '<testsuite name="s"><testcase classname="t" name="test_it"><failure message="{CANARY}">{CANARY}'
    '</failure></testcase></testsuite>')
sys.exit(3)
"""


def record(acode: Acode, script: str = SCRIPT) -> tuple[bytes, bytes]:
    """Record a script that says the canary; return what it wrote."""
    (acode.root / "script.py").write_text(script)
    done = acode.exec(sys.executable, "-I", "script.py")
    acode.settle()
    for name in ("script.py", "report.log", "junit.xml"):
        (acode.root / name).unlink(missing_ok=True)
    return done.stdout, done.stderr


def leaks(acode: Acode, word: str = CANARY) -> list[str]:
    """Return the files of the workspace in which a word can be read, also where zstd had to be undone."""
    from pyzstd import ZstdFile

    found = []
    for path in sorted(Path(acode.workspace.folder).rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if data.startswith(b"\x28\xb5\x2f\xfd"):
                with ZstdFile(path) as file:
                    data += file.read()
            if word.encode() in data:
                found.append(path.name)
    return found


def without_key(acode: Acode) -> None:
    """Lose the key."""
    acode.environ.pop(VARIABLE, None)
    acode.environ.pop("ACODE_RUNS_ENCRYPTION_KEYFILE", None)


def test_nothing_of_an_encrypted_run_is_left_in_the_open(acode: Acode, key: Key) -> None:
    record(acode)
    for word in ("canary", CANARY):
        acode.run("search", word)
    assert leaks(acode) == []
    assert leaks(acode, "sys.executable") == []
    entries = acode.record()["artifacts"]
    assert {entry["path"] for entry in entries if not entry["encrypted"]} == set()
    assert {entry["path"] for entry in entries} == {
        "stdout.txt", "stderr.txt", "output.txt", "report.log", "junit.xml", "test-results.json",
        "error.json", "logs.jsonl", "artifact.json",
    }  # fmt: skip


def test_whoever_has_the_key_reads_everything_as_it_was(acode: Acode, key: Key) -> None:
    out, err = record(acode)
    assert acode.run("runs", "stdout").stdout == out
    assert acode.run("runs", "stderr").stdout == err
    assert acode.run("artifacts", "cat", "@", "report.log").stdout == f"{CANARY} in a file\n".encode() * 3
    assert json.loads(acode.run("artifacts", "cat", "@", "artifact.json").stdout)["name"] == CANARY
    assert b"test_it" in acode.run("runs", "why").stdout
    assert CANARY.encode() in acode.run("runs", "output", "--tail", "3").stdout
    assert acode.run("runs", "stdout", "--lines", "1:1").stdout == f"{CANARY} on stdout\n".encode()
    for entry in acode.record()["artifacts"]:
        os.environ[VARIABLE] = acode.environ[VARIABLE]
        try:
            with open_content(str(acode.folder()), entry["path"]) as content:
                assert hashlib.sha256(content.read()).hexdigest() == entry["checksum_sha256"]
        finally:
            del os.environ[VARIABLE]


def test_a_search_finds_what_is_encrypted_and_says_what_it_could_not_look_into(
    acode: Acode, key: Key
) -> None:
    record(acode)
    for _ in range(2):  # the second time there is an index
        found = acode.run("search", f"{CANARY} on")
        assert b"stdout.txt:1:" in found.stdout
        assert b"stderr.txt:1:" in found.stdout
    without_key(acode)
    found = acode.run("search", CANARY)
    assert found.returncode == 0
    assert b"4 files were not searched" in found.stderr
    assert key.name.text.encode() in found.stderr


def test_large_encrypted_output_is_in_no_index_and_still_found(acode: Acode, key: Key) -> None:
    acode.exec(sys.executable, "-c", "for i in range(40000): print('rare' + chr(0x77) + 'ord', i)")
    acode.exec(sys.executable, "-c", "for i in range(40000): print('rare' + chr(0x77) + 'ord', i)")
    acode.settle()
    assert b"rareword 17" in acode.run("search", "rareword 17").stdout
    assert b"rareword 17" in acode.run("search", "rareword 17").stdout
    assert leaks(acode, "rareword") == []
    stored = [path for folder in acode.folders() for path in folder.glob("*.enc")]
    assert stored
    assert all(path.stat().st_nlink == 1 for path in stored)


def test_without_the_key_listings_work_and_content_is_one_clear_line(acode: Acode, key: Key) -> None:
    record(acode)
    without_key(acode)
    listed = acode.run("runs", "list", "--json")
    assert json.loads(listed.stdout)[0]["exit_code"] == 3
    assert acode.run("runs", "show").returncode == 0
    assert b"stdout.txt" in acode.run("runs", "artifacts").stdout
    for command in ("stdout", "stderr", "output", "cast"):
        done = acode.run("runs", command)
        assert done.returncode == 1
        assert done.stdout.count(b"\n") <= 1
        (line,) = done.stderr.decode().splitlines()
        assert "ACODE-RUN-035" in line
        assert key.name.text in line


def test_a_run_that_ends_without_a_key_is_encrypted_when_there_is_one(acode: Acode, key: Key) -> None:
    text = acode.environ.pop(VARIABLE)
    out, _ = record(acode)
    assert acode.run("runs", "stdout").stdout == out
    assert not [entry for entry in acode.record()["artifacts"] if entry["checksum_sha256"]]
    acode.environ[VARIABLE] = text
    acode.settle()
    assert leaks(acode) == []
    assert acode.run("runs", "stdout").stdout == out


def test_the_collector_encrypts_as_well(acode: Acode, key: Key) -> None:
    process = acode.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: Path(acode.workspace.collector_pid).exists())
    (acode.root / "script.py").write_text(SCRIPT)
    acode.exec(sys.executable, "-I", "script.py")
    (acode.root / "script.py").unlink()
    wait_for(
        lambda: (
            (acode.folder() / "stdout.txt.zst.enc").exists() and not (acode.folder() / "stdout.txt").exists()
        )
    )
    wait_for(lambda: not list(acode.folder().glob("*.log*")) or leaks(acode) == [])
    process.terminate()
    assert process.wait(20) == 0
    assert acode.run("runs", "stdout").stdout.startswith(CANARY.encode())


def test_what_a_schema_check_quotes_from_a_file_is_not_said_in_the_open(acode: Acode, key: Key) -> None:
    (acode.root / "schema.json").write_text('{"properties": {"name": {"type": "integer"}}}')
    config = 'output:\n  artifactPatterns:\n    "@a": [name]\n  artifactSchemas:\n    "@a": schema.json\n'
    (acode.root / ".acode").mkdir(exist_ok=True)
    (acode.root / ".acode/config.yml").write_text(config)
    acode.environ["ACODE_AGENT"] = "@a"
    script = f"import json; print(json.dumps({{'name': '{CANARY}'}}))"
    record(acode, script)
    (metadata,) = [e["metadata"] for e in acode.record()["artifacts"] if e["path"] == "artifact.json"]
    assert leaks(acode) == []
    assert (metadata["valid"], metadata["problems"]) == (False, ["$.name"])


# Altered, exchanged, moved


def test_files_that_changed_places_are_refused(acode: Acode, key: Key) -> None:
    for word in ("one", "two"):
        acode.exec("sh", "-c", f"echo {word}; echo {word} >&2")
    acode.settle()
    one, two = acode.folders()
    original = (one / "stdout.txt.enc").read_bytes()
    for other in (two / "stdout.txt.enc", one / "stderr.txt.enc"):
        shutil.copy(other, one / "stdout.txt.enc")
        done = acode.run("runs", "stdout", one.name)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"ACODE-ART-012" in done.stderr
    (one / "stdout.txt.enc").write_bytes(original)
    assert acode.run("runs", "stdout", one.name).stdout == b"one\n"


def test_a_flipped_bit_is_damage_and_costs_nothing_else(acode: Acode, key: Key) -> None:
    record(acode)
    path = acode.folder() / "stdout.txt.zst.enc"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = acode.run("runs", "stdout")
    assert (done.returncode, b"ACODE-ART-012" in done.stderr) == (1, True)
    assert acode.run("runs", "stderr").returncode == 0
    assert acode.run("runs", "list").returncode == 0


def test_a_run_folder_that_was_moved_or_reindexed_is_still_read(acode: Acode, key: Key) -> None:
    acode.exec("echo", "hello")
    acode.settle()
    acode.run("artifacts", "migrate", "--layout", "dated")
    assert acode.run("runs", "stdout").stdout == b"hello\n"
    Path(acode.workspace.database).unlink()
    assert acode.run("runs", "reindex").returncode == 0
    assert acode.run("runs", "stdout").stdout == b"hello\n"


@pytest.mark.parametrize(
    ("names", "plain"),
    [("a.log a.log.enc", ""), ("a.log a.log.zst", ""), ("a.log a.log.enc a.log.zst a.log.zst.enc", "a.log")],
)
def test_a_command_s_own_files_with_such_names_are_kept_as_well(
    acode: Acode, key: Key, names: str, plain: str
) -> None:
    acode.run("exec", "--collect", "a.log*", "--", "sh", "-c", f"for n in {names}; do echo $n > $n; done")
    acode.settle()
    for path in acode.root.glob("a.log*"):
        path.unlink()
    for name in names.split():
        done = acode.run("artifacts", "cat", "@", name)
        assert (done.stdout, done.stderr) == (f"{name}\n".encode(), b"")
    assert [entry["path"] for entry in acode.record()["artifacts"] if not entry["encrypted"]] == plain.split()


# What was there before, and after


def test_runs_from_before_stay_readable_and_are_encrypted_when_asked(acode: Acode, key: Key) -> None:
    acode.environ["ACODE_RUNS_ENCRYPTION_ENABLED"] = "false"
    out, err = record(acode)
    assert acode.run("search", CANARY).stdout
    assert leaks(acode)
    acode.environ["ACODE_RUNS_ENCRYPTION_ENABLED"] = "true"
    assert acode.run("runs", "stdout").stdout == out
    done = acode.run("keys", "encrypt")
    assert (done.returncode, done.stderr) == (0, b"")
    acode.run("search", CANARY)
    assert leaks(acode) == []
    assert acode.run("runs", "stdout").stdout == out
    assert acode.run("runs", "stderr").stdout == err
    before = {path: path.read_bytes() for path in acode.folder().iterdir()}
    assert acode.run("keys", "encrypt").returncode == 0
    assert {path: path.read_bytes() for path in acode.folder().iterdir()} == before


def test_an_index_of_texts_forgets_what_has_been_encrypted(acode: Acode, key: Key) -> None:
    from collector.store.text_indexer import TextIndexer

    acode.environ["ACODE_RUNS_ENCRYPTION_ENABLED"] = "false"
    acode.exec(sys.executable, "-c", "for i in range(40000): print('rare' + chr(0x77) + 'ord', i)")
    acode.exec("sh", "-c", "seq 1 40000")
    acode.settle()
    acode.run("search", "rareword 17")
    assert b"wor" in Path(acode.workspace.search_database).read_bytes()
    acode.environ["ACODE_RUNS_ENCRYPTION_ENABLED"] = "true"
    acode.run("keys", "encrypt")
    indexer = TextIndexer(acode.workspace)
    while indexer.index_waiting(60):
        pass
    indexer.close()
    assert b"wor" not in Path(acode.workspace.search_database).read_bytes()
    assert b"rareword 17" in acode.run("search", "rareword 17").stdout


def test_artifacts_added_later_are_encrypted_too(acode: Acode, key: Key) -> None:
    acode.exec("echo", "hello")
    acode.settle()
    (acode.root / "late.txt").write_text(CANARY)
    assert acode.run("artifacts", "collect", "--file", "late.txt").returncode == 0
    acode.settle()
    (acode.root / "late.txt").unlink()
    assert leaks(acode) == []
    assert acode.run("artifacts", "cat", "@", "late.txt").stdout == CANARY.encode()


# Killed at any moment

_KILL = """
import os, signal, sys
sys.path[:0] = {path!r}
left = int(sys.argv[1])
def count(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "os.link") or event == "open" and ".acode" in str(arguments[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
from collector.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


def killed_at(acode: Acode, step: int, *arguments: str) -> bool:
    """Run acode until its n-th change of, or look into, a file; tell whether it came so far."""
    code = _KILL.format(path=[str(PROJECT), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code, str(step), *arguments],
        cwd=acode.root, env=acode.environ, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode == -signal.SIGKILL


SEALED = {
    "run.json", "output.idx", "stdout.txt.zst.enc", "stderr.txt.enc", "output.txt.zst.enc", "error.json.enc",
    "logs.jsonl.enc",
}  # fmt: skip


def test_sealing_that_is_killed_at_any_step_loses_and_leaves_nothing(acode: Acode, key: Key) -> None:
    done = acode.exec("sh", "-c", f"seq 1 30000; echo {CANARY[:5]}'{CANARY[5:]}'; echo oops >&2; exit 1")
    pristine = acode.root / "pristine"
    shutil.copytree(acode.workspace.folder, pristine, symlinks=True)
    step = int(os.environ.get("ACODE_FIRST_STEP", "20"))
    while True:
        shutil.rmtree(acode.workspace.folder)
        shutil.copytree(pristine, acode.workspace.folder, symlinks=True)
        was_killed = killed_at(acode, step, "runs", "list")
        if was_killed:
            acode.settle()
        assert acode.run("runs", "stdout").stdout == done.stdout, step
        names = {path.name for path in acode.folder().iterdir()}
        assert names == SEALED, step
        if not was_killed:
            break
        step += int(os.environ.get("ACODE_STEP", "67"))


# Keys


def test_a_key_file_works_from_end_to_end(acode: Acode, key_file: Path) -> None:
    out, _ = record(acode)
    assert leaks(acode) == []
    assert acode.run("runs", "stdout").stdout == out
    listed = json.loads(acode.run("keys", "list", "--json").stdout)
    assert [(item["kind"], item["use"], item["place"]) for item in listed] == [
        ("encryption", "encrypts", str(key_file))
    ]
    key_file.chmod(0o640)
    done = acode.run("runs", "stdout")
    assert (done.returncode, b"chmod 600" in done.stderr) == (1, True)


def test_rotation_brings_all_files_under_the_new_key_and_the_old_one_can_go(
    acode: Acode, key_file: Path
) -> None:
    out, _ = record(acode)
    acode.exec("echo", "second")
    acode.settle()
    before = key_file.read_text()
    old = json.loads(acode.run("keys", "list", "--json").stdout)[0]["key_id"]
    assert acode.run("keys", "rotate").returncode == 0
    assert acode.run("keys", "remove", old[:8]).returncode == 0
    assert acode.run("runs", "stdout", acode.folders()[-1].name).returncode == 0
    script = next(f for f in acode.folders() if read_json(f / "run.json")["exit_code"] == 3)
    assert acode.run("runs", "stdout", script.name).stdout == out
    key_file.write_text(before)
    assert acode.run("runs", "stdout", script.name).returncode == 1


def test_a_key_that_files_need_is_not_removed_without_force(acode: Acode, key_file: Path) -> None:
    acode.exec("echo", "hello")
    acode.settle()
    (item,) = json.loads(acode.run("keys", "list", "--json").stdout)
    done = acode.run("keys", "remove", item["key_id"])
    assert (done.returncode, b"ACODE-RUN-035" in done.stderr) == (1, True)
    saved = acode.run("keys", "export").stdout
    assert acode.run("keys", "remove", item["key_id"], "--force").returncode == 0
    assert acode.run("runs", "stdout").returncode == 1
    assert acode.run("keys", "import", input=saved).returncode == 0
    assert acode.run("runs", "stdout").stdout == b"hello\n"


def test_rotation_that_is_killed_at_any_step_leaves_every_file_readable_and_goes_on(
    acode: Acode, key_file: Path
) -> None:
    for word in ("one", "two"):
        acode.exec("sh", "-c", f"echo {word}; exit 1")
    acode.settle()
    pristine, secret = acode.root / "pristine", key_file.read_text()
    shutil.copytree(acode.workspace.folder, pristine, symlinks=True)
    step = int(os.environ.get("ACODE_FIRST_STEP", "8"))
    while True:
        shutil.rmtree(acode.workspace.folder)
        shutil.copytree(pristine, acode.workspace.folder, symlinks=True)
        key_file.write_text(secret)
        was_killed = killed_at(acode, step, "keys", "rotate")
        one, two = acode.folders()
        assert acode.run("runs", "stdout", one.name).stdout == b"one\n", step
        if not was_killed:
            break
        assert acode.run("keys", "rewrap").returncode == 0
        current = json.loads(acode.run("keys", "list", "--json").stdout)[0]["key_id"]
        headers = {path.read_bytes()[59:75].hex() for f in (one, two) for path in f.glob("*.enc")}
        assert headers == {current}, step
        assert not [path for f in (one, two) for path in f.glob(".*.tmp")], step
        assert acode.run("runs", "stdout", two.name).stdout == b"two\n", step
        step += int(os.environ.get("ACODE_STEP", "41"))


def test_rotations_at_once_lose_no_key(acode: Acode, key_file: Path) -> None:
    acode.exec("echo", "hello")
    acode.settle()
    processes = [acode.start("keys", "rotate") for _ in range(4)]
    for process in processes:
        process.communicate(timeout=60)
    assert len(json.loads(acode.run("keys", "list", "--json").stdout)) == 5
    assert acode.run("runs", "stdout").stdout == b"hello\n"
    assert acode.run("keys", "rewrap").returncode == 0


def test_several_keys_in_the_environment_open_files_and_the_first_encrypts(acode: Acode, key: Key) -> None:
    acode.exec("echo", "hello")
    acode.settle()
    fresh = new_key()
    acode.environ[VARIABLE] = f"{format_key(fresh)}, {format_key(key)}"
    assert acode.run("runs", "stdout").stdout == b"hello\n"
    assert acode.run("keys", "rewrap").returncode == 0
    acode.environ[VARIABLE] = format_key(fresh)
    assert acode.run("runs", "stdout").stdout == b"hello\n"
    done = acode.run("keys", "rotate")
    assert (done.returncode, VARIABLE.encode() in done.stderr) == (2, True)


def test_a_mistyped_key_is_refused_without_repeating_it(acode: Acode, key: Key) -> None:
    acode.exec("echo", "hello")
    acode.settle()
    acode.environ[VARIABLE] = format_key(key)[:-1] + "!"
    done = acode.run("runs", "stdout")
    assert (done.returncode, acode.environ[VARIABLE].encode() in done.stderr) == (1, False)
    assert b"ACODE-RUN-035" in done.stderr


@pytest.mark.parametrize(
    "backend",
    [
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "tests.encryption.keyrings.PlaintextKeyring",
    ],
)
def test_a_keyring_that_keeps_no_secrets_is_refused(acode: Acode, backend: str) -> None:
    acode.environ["PYTHON_KEYRING_BACKEND"] = backend
    done = acode.run("keys", "create", "--source", "keyring")
    assert (done.returncode, b"ACODE-RUN-035" in done.stderr) == (1, True)
    assert b"keySource file" in done.stderr


def test_a_keyring_that_keeps_secrets_is_used(acode: Acode) -> None:
    acode.environ |= {
        "PYTHON_KEYRING_BACKEND": "tests.encryption.keyrings.TestKeyring",
        "ACODE_RUNS_ENCRYPTION_ENABLED": "true",
        "TEST_KEYRING": str(acode.root / "ring"),
    }  # fmt: skip
    assert acode.run("keys", "create").returncode == 0
    acode.exec("echo", "hello")
    acode.settle()
    assert (acode.folder() / "stdout.txt.enc").exists()
    assert acode.run("runs", "stdout").stdout == b"hello\n"


def test_without_cryptography_all_else_works_and_the_error_says_what_to_type(acode: Acode, key: Key) -> None:
    acode.exec("echo", "hello")
    acode.settle()
    blocked = "import sys; sys.modules['cryptography'] = None; sys.modules['keyring'] = None; "
    start = "from collector.__main__ import run; run()"

    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        code = f"{blocked}sys.path[:0] = {[str(PROJECT), *sys.path]!r}; {start}"
        command = [sys.executable, "-I", "-S", "-c", code, *arguments]
        return subprocess.run(
            command, cwd=acode.root, env=acode.environ, capture_output=True, check=False, timeout=60
        )

    assert run("runs", "list").returncode == 0
    assert run("exec", "--", "echo", "second").stdout == b"second\n"
    listed = run("runs", "list")
    assert listed.stdout.count(b"echo") >= 2
    assert run("runs", "stdout").stdout == b"second\n"  # waits to be encrypted
    for arguments in (("runs", "stdout", "@1"), ("keys", "create", "--source", "file"), ("keys", "rewrap")):
        done = run(*arguments)
        assert done.returncode == 1, arguments
        assert b"ACODE-RUN-039" in done.stderr
        assert b"pip install 'acode-tui[crypto]'" in done.stderr


# Bundles


def test_a_bundle_of_encrypted_runs_holds_their_content_and_is_encrypted_again_when_imported(
    acode: Acode, key: Key, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out, _ = record(acode)
    bundle = str(acode.root / "runs.zip")
    assert acode.run("runs", "export", "@", "--no-redact", "--yes", "-o", bundle).returncode == 0
    other = Acode(tmp_path_factory.mktemp("other"))
    other.environ |= {name: acode.environ[name] for name in acode.environ if "ENCRYPTION" in name}
    assert other.run("runs", "import", bundle).returncode == 0
    other.run("runs", "list")
    assert leaks(other) == []
    assert other.run("runs", "stdout").stdout == out


def test_without_the_key_an_export_says_what_it_needs_and_writes_nothing(acode: Acode, key: Key) -> None:
    record(acode)
    without_key(acode)
    bundle = acode.root / "runs.zip"
    done = acode.run("runs", "export", "@", "--allow-incomplete", "-o", str(bundle))
    assert done.returncode == 1
    assert b"ACODE-RUN-035" in done.stderr
    assert not bundle.exists()
