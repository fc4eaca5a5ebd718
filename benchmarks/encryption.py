"""How fast content is encrypted and read again, beside `openssl` and `age` where they are; medians.

    python benchmarks/encryption.py [--megabytes 256] [--rounds 5]

In memory, and through files that are made durable. On a machine that others use, look at processor time.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from collector import durable
from collector.encryption.key import among, new_key, passphrase_key
from collector.encryption.stream import encrypt_stream, open_decrypted

PIECE = 1 << 20


def measure(name: str, work: Callable[[], object], megabytes: float, rounds: int) -> None:
    """Time something several times and print the median."""
    times, work_times = [], []
    for _ in range(rounds):
        began, worked = time.perf_counter(), sum(os.times()[:4])
        work()
        times.append(time.perf_counter() - began)
        work_times.append(sum(os.times()[:4]) - worked)
    shown = []
    for seconds in (statistics.median(times), statistics.median(work_times)):
        if megabytes:
            shown.append(f"{megabytes / max(seconds, 0.005):6.0f} MB/s")
        else:
            shown.append(f"{seconds * 1e6:8.0f} us")
    print(f"{name:<40} {shown[0]} by the clock, {shown[1]} of processor time", flush=True)


def read_all(file: BinaryIO) -> None:
    """Read to the end."""
    with file:
        while file.read(PIECE):
            pass


def in_memory(data: bytes, rounds: int) -> None:
    """Measure without a disk."""
    key, megabytes = new_key(), len(data) / 1e6
    target = io.BytesIO()
    encrypt_stream(io.BytesIO(data), target, key)
    stored = target.getvalue()
    measure(
        "encrypt, in memory", lambda: encrypt_stream(io.BytesIO(data), io.BytesIO(), key), megabytes, rounds
    )
    find = among([key])
    measure(
        "decrypt, in memory", lambda: read_all(open_decrypted(io.BytesIO(stored), find)), megabytes, rounds
    )

    def seek() -> None:
        with open_decrypted(io.BytesIO(stored), find) as file:
            file.seek(len(data) // 2)
            file.read(100)

    def seek_often() -> None:
        for _ in range(1000):
            seek()

    measure("1000 times open, and 100 bytes", seek_often, 0, rounds)
    measure("a key from a passphrase", lambda: passphrase_key("correct horse battery staple"), 0, 3)


def through_files(data: bytes, folder: Path, rounds: int) -> None:
    """Measure with a disk, made durable as sealing does, beside other programs."""
    key, megabytes = new_key(), len(data) / 1e6
    plain, stored = folder / "plain", folder / "plain.enc"
    plain.write_bytes(data)

    def encrypt() -> None:
        with (
            plain.open("rb") as source,
            durable.NewFile(str(stored)) as fd,
            os.fdopen(os.dup(fd), "wb") as file,
        ):
            encrypt_stream(source, file, key)

    measure("encrypt, file to durable file", encrypt, megabytes, rounds)
    find = among([key])
    measure(
        "decrypt, from a file",
        lambda: read_all(open_decrypted(stored.open("rb"), find)),
        megabytes, rounds,
    )  # fmt: skip
    for name, command in others(plain, folder):
        measure(name, partial(subprocess.run, command, check=True), megabytes, rounds)


def others(plain: Path, folder: Path) -> list[tuple[str, list[str]]]:
    """Return the commands of other programs that are there: AES without (openssl) and with (age) checks."""
    found = []
    if shutil.which("openssl"):
        words = ["openssl", "enc", "-aes-256-ctr", "-K", "11" * 32, "-iv", "22" * 16]
        found.append(
            ("openssl enc -aes-256-ctr (no checks)", [*words, "-in", str(plain), "-out", str(folder / "o")])
        )
    if shutil.which("age") and shutil.which("age-keygen"):
        subprocess.run(["age-keygen", "-o", str(folder / "id")], check=True, capture_output=True)
        words = ["age", "-e", "-i", str(folder / "id"), "-o", str(folder / "a"), str(plain)]
        found.append(("age", words))
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    data = os.urandom(options.megabytes << 20)
    in_memory(data, options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        through_files(data, Path(folder), options.rounds)


if __name__ == "__main__":
    main()
