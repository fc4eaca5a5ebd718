"""Parts of a content against slices of the file."""

from __future__ import annotations

import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.serve.ranges import part_of


@given(st.integers(0, 50), st.none() | st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_range_is_the_slice_that_rfc_9110_means(size: int, first: int | None, last: int | None) -> None:
    data = bytes(range(size))
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    part = part_of(size, text, "", None)
    if first is None and last is None:
        right: bytes | None = data
    elif first is None:
        right = (data[-last:] if last else None) or None
    elif last is not None and last < first:
        right = data
    else:
        right = data[first : None if last is None else last + 1] or None
    assert (None if part is None else data[part.start : part.end]) == right


@given(st.text(max_size=30))
def test_what_is_no_range_means_all(text: str) -> None:
    if not re.fullmatch(r"bytes=\s*\d*-\d*\s*", text, re.ASCII):
        part = part_of(10, text, "", None)
        assert part is not None
        assert (part.start, part.end, part.is_whole) == (0, 10, True)


@pytest.mark.parametrize(
    "text", ["bytes=0-", "bytes=0-0", "bytes=70000-140000", "bytes=-10", "bytes=168000-"]
)
async def test_a_compressed_file_is_read_from_its_middle(client: httpx.AsyncClient, text: str) -> None:
    data = "".join(f"{n}\n" for n in range(1, 30001)).encode()
    reply = await client.get("/runs/latest/stdout", headers={"Range": text})
    first, last = re.fullmatch(r"bytes=(\d*)-(\d*)", text).groups()  # type: ignore[union-attr]
    right = data[-int(last) :] if not first else data[int(first) : int(last) + 1 if last else None]
    assert (reply.status_code, reply.content) == (206, right)
    start = data.index(right) if len(right) > 20 else data.rindex(right) if not first else int(first)
    assert reply.headers["content-range"] == f"bytes {start}-{start + len(right) - 1}/{len(data)}"


async def test_a_range_behind_the_end_is_416(client: httpx.AsyncClient) -> None:
    reply = await client.get("/runs/latest/stdout", headers={"Range": "bytes=9999999-"})
    assert (reply.status_code, reply.headers["content-range"]) == (416, "bytes */168894")
    assert reply.json()["code"] == "ACODE-RUN-041"


async def test_a_version_is_named_and_not_sent_twice(client: httpx.AsyncClient) -> None:
    whole = await client.get("/runs/latest/stdout")
    etag = whole.headers["etag"]
    again = await client.get("/runs/latest/stdout", headers={"If-None-Match": f'"x", {etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    part = {"Range": "bytes=0-1"}
    right = await client.get("/runs/latest/stdout", headers={**part, "If-Range": etag})
    other = await client.get("/runs/latest/stdout", headers={**part, "If-Range": '"other"'})
    assert (right.status_code, other.status_code, other.content) == (206, 200, whole.content)


async def test_the_etag_is_the_checksum(client: httpx.AsyncClient) -> None:
    (stdout, *_) = (await client.get("/runs/latest/artifacts")).json()["items"]
    url = f"/artifacts/{stdout['artifact_id']}/content"
    reply = await client.get(url, params={"redact": "false"})
    assert reply.headers["etag"] == f'"{stdout["checksum_sha256"]}"'
    masked = await client.get(url)
    assert masked.headers["etag"] != reply.headers["etag"]


async def test_head_says_what_get_sends(client: httpx.AsyncClient) -> None:
    for path in ("/runs/latest/stdout", "/runs", "/runs/latest", "/healthz", "/events"):
        head = await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
    head, get = await client.head("/runs/latest/stdout"), await client.get("/runs/latest/stdout")
    for name in ("content-length", "etag", "content-type", "accept-ranges"):
        assert head.headers[name] == get.headers[name]
