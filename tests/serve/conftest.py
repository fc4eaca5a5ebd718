"""A workspace with real runs, and its server asked in this process or in one of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from collector.config import load_config
from collector.record import spool
from collector.serve.access import Access
from collector.serve.app import build_app
from collector.serve.library import Place
from collector.serve.pool import Pool
from tests.conftest import Acode, wait_for

TOKEN = "t" * 43
PORT = 8377
BASE = f"http://127.0.0.1:{PORT}"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
SECRET = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
JUNIT = """<testsuite name="s" tests="2" failures="1"><testcase classname="m" name="good" time="0.1"/>
<testcase classname="m" name="bad" time="0.2"><failure message="2 is not 3">trace</failure></testcase>
</testsuite>"""


class Served(NamedTuple):
    """A workspace with runs; `client` asks its server over ASGI."""

    acode: Acode
    place: Place

    @asynccontextmanager
    async def client(self, **access: Any) -> AsyncIterator[httpx.AsyncClient]:
        """Yield a client that has the token."""
        pool = Pool(self.place)
        app = build_app(pool, Access(TOKEN, PORT, **access))
        transport = httpx.ASGITransport(app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=HEADERS) as client:
                yield client
        finally:
            pool.close()


def place_of(acode: Acode) -> Place:
    return Place(acode.workspace, load_config(str(acode.root), acode.environ), acode.environ)


def record(acode: Acode) -> None:
    """Record some runs, oldest first."""
    acode.exec("sh", "-c", "echo hello world; echo 'Error: bad thing' >&2; exit 3")
    write = f"import sys; open('junit.xml', 'w').write({JUNIT!r}); sys.exit(1)"
    acode.run("exec", "--task", "test", "--type", "test", "--", sys.executable, "-c", write)
    acode.exec(sys.executable, "-c", "import sys; sys.stdout.buffer.write(bytes(range(256)) * 40)")
    acode.exec("sh", "-c", f"echo 'token: {SECRET}'")
    acode.exec("seq", "1", "30000")
    seal(acode)


def seal(acode: Acode) -> None:
    """Let everything that was recorded be sealed, however slow the machine is."""

    def is_sealed() -> bool:
        acode.run("runs", "list")
        return not spool.list_announcements(acode.workspace.spool)

    wait_for(is_sealed, 60)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A workspace with some runs that tests only read."""
    acode = Acode(tmp_path_factory.mktemp("served"))
    record(acode)
    return Served(acode, place_of(acode))


@pytest.fixture
async def client(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A client that has the token."""
    async with served.client() as client:
        yield client


class Running(NamedTuple):
    """`acode serve` in a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    token: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=20)


@pytest.fixture
def running(acode: Acode) -> Iterator[Running]:
    """`acode serve` in an empty workspace, without a collector."""
    process = acode.start("serve", "--port", "0", stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    token = (Path(acode.workspace.folder) / "serve.token").read_text().strip()
    yield Running(process, line.split(" on ")[1].partition(";")[0], token)
    process.terminate()
    process.wait(10)
    process.stderr.close()
