"""A good bundle, made once, and what is in it."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.bundle import ExportOptions, export_bundle
from collector.workspace import Workspace
from tests.bundle.making import Contents
from tests.bundle.stores import runs_of, two_runs

PLAIN = ExportOptions(redact=False)


@pytest.fixture(scope="session")
def good_bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A bundle of two runs, as acode exports it."""
    root = tmp_path_factory.mktemp("exported")
    workspace = Workspace(str(root))
    two_runs(workspace)
    export_bundle(workspace, runs_of(workspace), str(root / "good.zip"), PLAIN)
    return (root / "good.zip").read_bytes()


@pytest.fixture(scope="session")
def good(good_bundle: bytes) -> Callable[[], Contents]:
    """Returns what is in it, to be changed."""
    files, records = {}, {}
    with zipfile.ZipFile(io.BytesIO(good_bundle)) as bag:
        for name in bag.namelist():
            if name.endswith("/run.json"):
                records[name.split("/")[2]] = json.loads(bag.read(name))
            elif name.startswith("data/"):
                files[name] = bag.read(name)
    return lambda: Contents(dict(files), copy.deepcopy(records))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(str(tmp_path / "workspace"))
