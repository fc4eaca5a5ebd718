"""`acode session run --team` and `acode sessions collect`, as users run them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.cli.conftest import Recorded


def run_agent(fresh: Recorded, name: str, *script: str) -> bytes:
    done = fresh.run(
        "session", "run", "--team", "blue", "--name", name, "--role", "tester", "--",
        sys.executable, "-c", "\n".join(script),
    )  # fmt: skip
    assert done.returncode == 0
    return bytes(done.stderr)


def test_the_last_of_a_team_collects_it(fresh: Recorded) -> None:
    own = fresh.root / "agents" / "one"
    own.mkdir(parents=True)
    stderr = run_agent(
        fresh, "one", f"import os; os.chdir({str(own)!r}); open('made.txt', 'w').write('by one')"
    )
    assert b"team blue collected in" in stderr
    (found,) = fresh.json("sessions", "collections", "--json")
    assert (found["team_session_id"], found["status"]) == ("blue", "success")
    (copied,) = Path(found["artifacts_path"]).glob("instances/*/workspace/agents/one/made.txt")
    assert copied.read_text() == "by one"


def test_a_team_is_collected_by_name_with_what_is_known_of_its_agents(fresh: Recorded) -> None:
    run_agent(fresh, "one", "pass")
    run_agent(fresh, "two", "pass")
    done = fresh.run("sessions", "collect", "blue", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr, found["instances_count"]) == (0, b"", 2)
    assert {member["name"] for member in found["metadata"]["instances"]} == {"one", "two"}
    table = fresh.ok("sessions", "collections")
    assert table.count("blue") >= 3


def test_an_unknown_team_is_said_in_one_line(fresh: Recorded) -> None:
    assert "No instances found for team session 'nosuch'" in fresh.fails(1, "sessions", "collect", "nosuch")
    assert fresh.run("sessions", "collections").stderr.startswith(b"nothing was collected yet")
