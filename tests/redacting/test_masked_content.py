"""A masked content: as long as it was, with the same lines, and masked the same whatever part is read."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.config import Config
from collector.model.frozen import replace
from collector.model.run import Run
from collector.record.masked_content import BLOCK, STEP, filler, find_places, masked_content
from collector.record.masking import masking_of
from collector.record.redacting import count_secrets, mask_arguments, mask_value
from collector.redaction import build_rules
from tests.redacting.canaries import github_token, private_key, word

VALUE = word(20).encode()
RULES = build_rules(known=[VALUE])
FILLING = st.text("ab /=:.\n\r", max_size=200).map(str.encode)


def masked(data: bytes) -> bytes:
    with masked_content(io.BytesIO(data), RULES) as content:
        return content.read()


@given(before=FILLING, after=FILLING, seed=st.integers(0, 1 << 30))
def test_any_part_is_the_same_part_of_the_whole(before: bytes, after: bytes, seed: int) -> None:
    data = before + b" " + VALUE + b" " + after
    whole = masked(data)
    assert len(whole) == len(data)
    assert VALUE not in whole
    assert [line.endswith(b"\n") for line in whole.splitlines(True)] == [
        line.endswith(b"\n") for line in data.splitlines(True)
    ]
    with masked_content(io.BytesIO(data), RULES) as content:
        start = seed % (len(data) + 1)
        content.seek(start)
        assert content.read() == whole[start:]


@given(place=st.integers(-40, 40), block=st.integers(1, 3))
def test_a_secret_over_the_end_of_a_block_is_masked(place: int, block: int) -> None:
    data = bytearray(b"x" * 80 + b"\n") * (4 * BLOCK // 81)
    start = block * BLOCK + place
    data[start : start + len(VALUE) + 2] = b" " + VALUE + b" "
    shown = masked(bytes(data))
    assert shown[: start + 1] == data[: start + 1]
    assert VALUE[:8] not in shown
    assert VALUE[-8:] not in shown


@pytest.mark.parametrize("place", [0, 5, STEP - 30, STEP - 8, STEP, STEP + 1, 2 * STEP - 10, 3 * STEP])
def test_a_secret_anywhere_is_found_once(place: int) -> None:
    data = bytearray((b"y" * 50 + b"\n") * (4 * STEP // 51))
    data[place : place + len(VALUE) + 2] = b" " + VALUE + b" "
    found = [found for found, _ in find_places(io.BytesIO(bytes(data)), RULES)]
    assert found == [(place + 1, place + 1 + len(VALUE), "known-value")]


def test_the_middle_of_a_private_key_is_masked_when_only_it_is_read() -> None:
    key = private_key(60)
    data = ("before\n" + key + "\nafter\n").encode()
    lines = data.splitlines(True)
    place = sum(map(len, lines[:30]))
    with masked_content(io.BytesIO(data), RULES) as content:
        content.seek(place)
        read = content.read(len(lines[30]))
    assert len(read) == len(lines[30])
    assert read != lines[30]
    assert set(read.replace(b"[REDACTED:private-key]", b"")) <= set(b"*\n")


def test_a_content_that_grows_is_masked_as_it_is_then() -> None:
    token = github_token().encode()
    file = io.BytesIO(b"start " + token[:20])
    content = masked_content(file, RULES)
    content.read()
    file.seek(0, 2)
    file.write(token[20:] + b" end\n")
    content.seek(0)
    assert token not in content.read()
    assert content.seek(0, 2) == len(file.getvalue())


def test_places_that_sealing_noted_are_masked_without_knowing_why() -> None:
    data = b"one two three\nfour\n"
    with masked_content(io.BytesIO(data), RULES, [(4, 7, "known-value"), (99, 120, "x")]) as content:
        assert content.read() == b"one *** three\nfour\n"


def test_what_stands_for_a_secret_is_as_long_and_has_its_lines() -> None:
    assert filler(b"x" * 20, "rule") == b"[REDACTED:rule]*****"
    assert filler(b"abc", "rule") == b"***"
    assert filler(b"ab\r\n" + b"c" * 30 + b"\n", "r") == b"**\r\n" + b"*" * 30 + b"\n"


def test_a_value_behind_a_telling_key_or_word_is_masked() -> None:
    value = {"run_id": "x", "env": {"DB_PASSWORD": "kjh34kjh5", "list": ["a", VALUE.decode()]}}
    assert mask_value(value, RULES) == {
        "run_id": "x",
        "env": {"DB_PASSWORD": "[REDACTED:assigned-secret]", "list": ["a", "[REDACTED:known-value]"]},
    }
    assert mask_arguments(["login", "--password", "kjh34kjh5", "-v"], RULES) == [
        "login", "--password", "[REDACTED:assigned-secret]", "-v",
    ]  # fmt: skip
    assert count_secrets({"arguments": ["login", "--password", "kjh34kjh5"]}, RULES) == {"assigned-secret": 1}
    assert count_secrets({"note": "nothing", "arguments": ["a", "b"]}, RULES) == {}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("ab: .é\n"),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("ab_"), inner),
    )
)
def test_what_holds_no_secret_stays_as_it_is(value: object) -> None:
    assert mask_value(value, RULES) == value


def test_what_a_damaged_record_says_to_show_is_left_out() -> None:
    run = Run(
        run_id="1", name="n", task="t", command="c", command_line="c d", status="success", start_time=0,
        end_time=0, arguments=("d",),
        summary={"secrets": {"x": 1}, "shown": {"command_line": 5, "arguments": [7], "artifacts": []}},
    )  # fmt: skip
    assert masking_of(Config({}), {}).run(run) == run  # type: ignore[union-attr]
    noted = {"secrets": {"x": 1}, "shown": {"command_line": "c [REDACTED:x]", "arguments": ["[REDACTED:x]"]}}
    shown = masking_of(Config({}), {}).run(replace(run, summary=noted))  # type: ignore[union-attr]
    assert (shown.command_line, shown.arguments) == ("c [REDACTED:x]", ("[REDACTED:x]",))
