"""Encrypted files: the same bytes come out, or none."""

import hashlib
import io
import os
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.encryption.header import HEADER_BYTES, DamagedFile, parse_header, rewrap
from collector.encryption.key import (
    BY_PASSPHRASE,
    Key,
    KeyName,
    among,
    by_passphrase,
    format_key,
    key_of,
    new_key,
    parse_key,
    passphrase_key,
)
from collector.encryption.problem import KeyProblem
from collector.encryption.stream import (
    CHUNK_BYTES,
    EncryptingWriter,
    content_length,
    encrypt_stream,
    open_decrypted,
    read_header,
)
from collector.errors import InputError

KEY = new_key()
STORED = CHUNK_BYTES + 16
LENGTHS = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7)


def _bytes(length: int, seed: bytes = b"") -> bytes:
    return hashlib.shake_128(seed).digest(length)


def _encrypted(content: bytes, key: Key = KEY, identity: bytes = b"run/stdout.txt") -> bytes:
    target = io.BytesIO()
    encrypt_stream(io.BytesIO(content), target, key, identity)
    return target.getvalue()


def _content(stored: bytes, key: Key = KEY, identity: bytes | None = b"run/stdout.txt") -> bytes:
    with open_decrypted(io.BytesIO(stored), among([key]), identity) as file:
        return file.read()


def _is_rejected(stored: bytes) -> bool:
    """Tell whether a file is refused, and gives nothing but what was written until then."""
    try:
        _content(stored)
    except DamagedFile:
        return True
    return False


SMALL = _encrypted(b"a secret line\n")
LARGE_CONTENT = _bytes(3 * CHUNK_BYTES + 100)
LARGE = _encrypted(LARGE_CONTENT)
CHUNKS = [LARGE[HEADER_BYTES:][i : i + STORED] for i in range(0, len(LARGE) - HEADER_BYTES, STORED)]


@pytest.mark.parametrize("length", LENGTHS)
def test_content_of_any_length_comes_back_and_its_length_is_known_from_the_file(length: int) -> None:
    content = _bytes(length)
    stored = _encrypted(content)
    assert _content(stored) == content
    assert content_length(len(stored)) == length
    assert content[:16] not in stored or length < 16


def test_another_implementation_opens_it_by_the_described_form() -> None:
    """The form as the docstrings describe it, taken apart by hand, HKDF with HMAC."""
    import hmac

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:  # RFC 5869 for one block
        return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\1", "sha256")

    fixed, authenticated, wrapped = LARGE[:57], LARGE[:91], LARGE[91:139]
    assert fixed[9:41] == hashlib.sha256(b"acode identity v1run/stdout.txt").digest()
    wrap_key = hkdf(KEY.secret, LARGE[75:91], b"acode wrap v1")
    file_key = AESGCM(wrap_key).decrypt(bytes(12), wrapped, authenticated)
    cipher = AESGCM(hkdf(file_key, fixed[41:57], b"acode content v1"))
    content = b"".join(
        cipher.decrypt(i.to_bytes(11, "big") + bytes([i == len(CHUNKS) - 1]), chunk, fixed)
        for i, chunk in enumerate(CHUNKS)
    )
    assert content == LARGE_CONTENT


def test_two_encryptions_of_the_same_have_nothing_in_common() -> None:
    one, two = _encrypted(bytes(1000)), _encrypted(bytes(1000))
    assert one[75:] != two[75:]
    assert one[41:57] != two[41:57]
    assert not {one[i : i + 8] for i in range(91, len(one) - 8)} & {
        two[i : i + 8] for i in range(91, len(two) - 8)
    }


# What was altered is refused


def test_every_flipped_bit_of_a_small_file_is_found() -> None:
    for bit in range(len(SMALL) * 8):
        flipped = bytearray(SMALL)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((DamagedFile, KeyProblem)):
            _content(bytes(flipped))


def test_a_flipped_bit_in_each_chunk_is_found() -> None:
    for place in (*range(HEADER_BYTES, len(LARGE), STORED), len(LARGE) - 1):
        flipped = bytearray(LARGE)
        flipped[place] ^= 1
        assert _is_rejected(bytes(flipped))


def test_every_truncation_of_a_small_file_is_found() -> None:
    assert all(_is_rejected(SMALL[:length]) for length in range(len(SMALL)))


def test_truncation_around_every_chunk_is_found_at_once() -> None:
    for number in range(4):
        for off in (-17, -16, -15, -1, 0, 1, 15, 16, 17):
            length = HEADER_BYTES + number * STORED + off
            with pytest.raises(DamagedFile):
                open_decrypted(io.BytesIO(LARGE[:length]), among([KEY]))


@pytest.mark.parametrize("more", [b"\0", bytes(16), CHUNKS[-1], CHUNKS[0], LARGE], ids=range(5))
def test_what_was_appended_is_found_at_once(more: bytes) -> None:
    with pytest.raises(DamagedFile):
        open_decrypted(io.BytesIO(LARGE + more), among([KEY]))


def test_chunks_in_another_order_are_found() -> None:
    head = LARGE[:HEADER_BYTES]
    for one in range(len(CHUNKS)):
        for two in range(one):
            moved = list(CHUNKS)
            moved[one], moved[two] = moved[two], moved[one]
            assert _is_rejected(head + b"".join(moved))
        assert _is_rejected(head + b"".join(CHUNKS[:one] + CHUNKS[one + 1 :]))
        assert _is_rejected(head + b"".join([*CHUNKS[:one], CHUNKS[one], *CHUNKS[one:]]))


def test_parts_of_two_files_do_not_go_together() -> None:
    other = _encrypted(LARGE_CONTENT)
    assert _is_rejected(other[:HEADER_BYTES] + LARGE[HEADER_BYTES:])
    assert _is_rejected(LARGE[: HEADER_BYTES + STORED] + other[HEADER_BYTES + STORED :])
    for start, end in pairwise((0, 8, 9, 41, 57, 58, 59, 75, 91, 139)):
        mixed = LARGE[:start] + other[start:end] + LARGE[end:]
        assert mixed == LARGE or _is_rejected(mixed)


def test_a_whole_file_under_the_name_of_another_is_found() -> None:
    with pytest.raises(DamagedFile, match="another file"):
        _content(SMALL, identity=b"run/stderr.txt")
    assert _content(SMALL, identity=None) == b"a secret line\n"


def test_no_byte_of_an_altered_chunk_comes_out_before_it_is_found() -> None:
    flipped = bytearray(LARGE)
    flipped[HEADER_BYTES + STORED + 60_000] ^= 1  # late in the second chunk
    with open_decrypted(io.BytesIO(bytes(flipped)), among([KEY])) as file:
        assert file.read(CHUNK_BYTES) == LARGE_CONTENT[:CHUNK_BYTES]
        with pytest.raises(DamagedFile):
            file.read(1)
        file.seek(2 * CHUNK_BYTES)
        assert file.read(10) == LARGE_CONTENT[2 * CHUNK_BYTES :][:10]


def test_what_was_not_closed_is_not_whole() -> None:
    target = io.BytesIO()

    def fail() -> None:
        with EncryptingWriter(target, KEY) as writer:
            writer.write(bytes(200_000))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with pytest.raises(DamagedFile):
        open_decrypted(io.BytesIO(target.getvalue()), among([KEY]))


# Reading from anywhere


@settings(deadline=None)
@given(
    st.sampled_from(LENGTHS),
    st.lists(st.tuples(st.integers(0, 4 * CHUNK_BYTES), st.integers(-1, 2 * CHUNK_BYTES)), max_size=8),
)
def test_any_pattern_of_seeks_and_reads_gives_what_the_plain_file_gives(
    length: int, steps: list[tuple[int, int]]
) -> None:
    content = _bytes(length)
    plain = io.BytesIO(content)
    with open_decrypted(io.BytesIO(_encrypted(content)), among([KEY])) as file:
        for offset, size in steps:
            assert file.seek(offset) == plain.seek(offset)
            assert file.read(size) == plain.read(size)
            assert file.tell() == max(offset, plain.tell())
        assert file.seek(0, os.SEEK_END) == length


@settings(deadline=None)
@given(st.lists(st.integers(0, CHUNK_BYTES + 5), max_size=6))
def test_the_pieces_in_which_a_content_is_written_do_not_matter(sizes: list[int]) -> None:
    target, content = io.BytesIO(), _bytes(sum(sizes))
    with EncryptingWriter(target, KEY) as writer:
        rest = content
        for size in sizes:
            writer.write(rest[:size])
            rest = rest[size:]
    assert _content(target.getvalue(), identity=None) == content
    assert content_length(len(target.getvalue())) == len(content)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_without_a_crash(data: bytes) -> None:
    for stored in (data, SMALL[:9] + data, SMALL[:57] + data, SMALL[:HEADER_BYTES] + data):
        with pytest.raises((DamagedFile, KeyProblem)):
            _content(stored)


# Keys


def test_without_its_key_a_file_says_which_one_is_missing() -> None:
    other = new_key()
    with pytest.raises(KeyProblem, match=KEY.name.text) as caught:
        _content(SMALL, other)
    assert caught.value.error.code == "ACODE-RUN-035"
    assert caught.value.errno is None


def test_a_passphrase_opens_what_it_closed_and_no_other_does() -> None:
    stored = _encrypted(b"hello", passphrase_key("correct horse", work=10))
    with open_decrypted(io.BytesIO(stored), by_passphrase("correct horse")) as file:
        assert file.read() == b"hello"
    with pytest.raises(KeyProblem) as caught:
        open_decrypted(io.BytesIO(stored), by_passphrase("correct horsE"))
    assert caught.value.error.code == "ACODE-RUN-034"
    with pytest.raises(KeyProblem):
        open_decrypted(io.BytesIO(stored), among([KEY]))
    with pytest.raises(KeyProblem):
        open_decrypted(io.BytesIO(SMALL), by_passphrase("x"))


def test_a_passphrase_is_the_same_however_its_letters_are_composed() -> None:
    salt = bytes(16)
    assert passphrase_key("caf\u00e9", salt, 10) == passphrase_key("cafe\u0301", salt, 10)
    with pytest.raises(InputError):
        passphrase_key("")


def test_a_key_made_of_a_passphrase_is_that_of_the_scrypt_rfc() -> None:
    """RFC 7914, section 12, second vector, has N=1024, r=8, p=16; ours has p=1, so OpenSSL is asked."""
    command = "openssl kdf -keylen 32 -kdfopt pass:password -kdfopt hexsalt:00112233445566778899aabbccddeeff"
    command += " -kdfopt n:1024 -kdfopt r:8 -kdfopt p:1 SCRYPT"
    done = subprocess.run(command.split(), capture_output=True, text=True, check=True)
    expected = bytes.fromhex(done.stdout.strip().replace(":", ""))
    salt = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert passphrase_key("password", salt, 10).secret == expected


@pytest.mark.parametrize("work", [0, 9, 19, 22, 63, 255])
def test_a_header_cannot_make_its_reader_use_gigabytes(work: int) -> None:
    stored = bytearray(_encrypted(b"hello", passphrase_key("x", work=10)))
    stored[58] = work
    with pytest.raises(DamagedFile):
        open_decrypted(io.BytesIO(bytes(stored)), by_passphrase("x"))


def test_the_hardest_passphrase_that_is_accepted_takes_no_more_than_256_mb() -> None:
    code = "from collector.encryption.key import passphrase_key as k, MAX_WORK as w\n"
    code += "k('x', b'0' * 16, w)\n"
    code += "print(next(line.split()[1] for line in open('/proc/self/status') if line[:5] == 'VmHWM'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 320 << 10


def test_rewrapping_changes_the_key_and_not_the_content() -> None:
    fresh = new_key()
    header = rewrap(read_header(io.BytesIO(LARGE)), among([KEY]), fresh)
    stored = header.data + LARGE[HEADER_BYTES:]
    assert _content(stored, fresh) == LARGE_CONTENT
    assert parse_header(stored).key_name == fresh.name
    with pytest.raises(KeyProblem):
        _content(stored)
    assert header.data[:57] == LARGE[:57]
    assert header.data[57:] != LARGE[57:HEADER_BYTES]


@given(st.binary(min_size=32, max_size=32))
def test_a_key_survives_being_written_as_text(secret: bytes) -> None:
    key = key_of(secret)
    assert parse_key(f" {format_key(key)}\n") == key
    assert format_key(key).removeprefix("ACODE-KEY-") not in repr(key)
    assert secret.hex() not in repr(key)


def test_a_key_with_any_letter_changed_is_refused_and_not_repeated() -> None:
    text = format_key(KEY)
    for place in range(len(text)):
        wrong = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(InputError) as caught:
            parse_key(wrong)
        assert wrong not in str(caught.value)
    for wrong in ("", "ACODE-KEY-", text[:-4], text + "AAAA", "ACODE-KEY-\u00e9" + text[11:]):
        with pytest.raises(InputError):
            parse_key(wrong)


def test_the_id_of_a_key_of_a_passphrase_is_its_salt() -> None:
    assert passphrase_key("x", bytes(16), 10).name == KeyName(BY_PASSPHRASE, bytes(16), 10)
