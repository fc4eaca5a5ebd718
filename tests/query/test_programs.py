"""Which program a command line is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.query.programs import program_of

LINES = {
    "": "",
    "   ": "",
    "ls -la": "ls",
    "/usr/bin/rg -n 'x' src": "rg",
    "git diff --stat HEAD~3 -- src": "git diff",
    "git -C /repo --no-pager log -3": "git log",
    "git": "git",
    "git --version": "git",
    "npm run build -- --mode x": "npm run build",
    "npm test": "npm test",
    "npm --prefix web run lint": "npm run lint",
    "python -m pytest -q tests": "python -m pytest",
    ".venv/bin/python3.11 -m mypy": "python3.11 -m mypy",
    "python script.py": "python",
    "python": "python",
    "sudo -E apt-get install -y jq": "apt-get install",
    "env A=1 B=2 go test ./...": "go test",
    "CI=1 npx vitest run": "npx vitest",
    "timeout 60 cargo build": "cargo build",
    "timeout -k 5 60s cargo build": "cargo build",
    "nice -n 10 make all": "make all",
    "sudo -u bob git status": "git status",
    "cd /srv/shop && npm run build": "npm run build",
    "cd src; make -j8 test": "make test",
    "cd src": "cd",
    "bash -lc 'cd /x && uv run pytest -q'": "uv run pytest",
    'sh -c "git status"': "git status",
    "bash build.sh": "bash",
    "docker compose up -d web": "docker compose up",
    "docker ps": "docker ps",
    "kubectl -n prod get pods": "kubectl get",
    "ruff check . && mypy": "ruff",
    "make": "make",
    "git && ls": "git",
    "sudo": "sudo",
    "A=1": "A=1",
    "'unbalanced": "unbalanced",
    "日本 x": "日本",
}

PIECES = ("cd", "&&", ";", "|", "git", "-C", "sh", "-c", "'", '"', "A=1", "sudo", "/")


@pytest.mark.parametrize("line", LINES)
def test_a_program_goes_by_what_people_call_it(line: str) -> None:
    assert program_of(line) == LINES[line]


@given(st.text(max_size=300) | st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_any_text_has_a_program_that_is_short_and_on_one_line(line: str) -> None:
    name = program_of(line)
    assert len(name) <= 60
    assert "\n" not in name
