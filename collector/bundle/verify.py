"""Verifying a bundle: everything an import checks, and nothing is changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

from collector.bundle.container import Entry, RefusedError
from collector.bundle.manifest import SIGNATURE, Omitted, RunEntry
from collector.bundle.protecting import Signature, Trust, check_signature, no_key
from collector.bundle.reading import MAX_CONTENT_BYTES, Bundle
from collector.errors import AccessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.encryption.key import FindKey

THREADS = 2
_BATCH_FILES = 64
REFUSED, DAMAGED, NOT_SIGNED_RIGHT = "ACODE-RUN-032", "ACODE-RUN-007", "ACODE-RUN-033"
NOT_SIGNED = Signature()
Progress = Callable[[int, int], None]
"""Told how many bytes of how many are done."""


class Asking(NamedTuple):
    """What a bundle must fulfil to be taken.

    Attributes:
        trust: whose signature counts.
        find_key: knows the keys of encrypted bundles.
        max_bytes: of content; more is refused.
    """

    trust: Trust = Trust()
    find_key: FindKey = no_key
    max_bytes: int = MAX_CONTENT_BYTES


ASKING = Asking()


class Problem(NamedTuple):
    """What is wrong with a bundle, and with which file of it; empty for the whole."""

    code: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What was found out about a bundle; without problems it can be imported.

    Attributes:
        path: the file.
        problems: what is wrong.
        size: how long it is.
        runs: what is in it, as far as that could be told.
        files: how many files that is.
        bytes: how many bytes.
        redacted: whether secrets were masked in it.
        omitted: what it says is not in it.
        producer: what wrote it.
        digest: SHA-256 of its manifest.json.
        signature: what its signature is worth.
        is_encrypted: whether it is.
    """

    path: str
    problems: tuple[Problem, ...] = ()
    size: int = 0
    runs: tuple[RunEntry, ...] = ()
    files: int = 0
    bytes: int = 0
    redacted: bool = False
    omitted: tuple[Omitted, ...] = ()
    producer: str = ""
    digest: str = ""
    signature: Signature = NOT_SIGNED
    is_encrypted: bool = False

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.problems


def verify_bundle(path: str, progress: Progress | None = None, asking: Asking = ASKING) -> BundleReport:
    """Check everything about a bundle.

    Args:
        path: the file.
        progress: told how far it is.
        asking: what it must fulfil.

    Raises:
        AccessError: the file cannot be read.
        AcodeError: it is encrypted, and there is no key.
    """
    try:
        with Bundle(path, asking.max_bytes, asking.find_key) as bundle:
            return verify_opened(path, bundle, asking, progress)
    except RefusedError as error:
        return BundleReport(path, (Problem(REFUSED, error.path, error.message),))
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: OSError) -> AccessError:
    """Return the error for a bundle that cannot be read."""
    return AccessError("ACODE-RUN-009", f"cannot read {path}: {error.strerror or error}", "check its path")


def verify_opened(path: str, bundle: Bundle, asking: Asking, progress: Progress | None) -> BundleReport:
    """Check the content and the signature of a bundle that is in order otherwise."""
    report = report_of(path, bundle, asking)
    return replace(report, problems=(*report.problems, *_iter_problems(bundle, progress)))


def report_of(path: str, bundle: Bundle, asking: Asking) -> BundleReport:
    """Return what is to be said of a bundle whose content has not been read."""
    manifest = bundle.manifest
    signature = check_signature(bundle.signature, bundle.digest, asking.trust)
    problems = (Problem(NOT_SIGNED_RIGHT, SIGNATURE, signature.problem),) if signature.problem else ()
    return BundleReport(
        path, problems, bundle.size, manifest.runs, len(manifest.files), manifest.bytes, manifest.redacted,
        manifest.omitted, manifest.producer, bundle.digest, signature, bundle.is_encrypted,
    )  # fmt: skip


def _iter_problems(bundle: Bundle, progress: Progress | None) -> Iterator[Problem]:
    """Read all content, by two threads; every file that is not what it should be is a problem of its own."""
    payload, crcs, done = bundle.payload(), [], 0
    damaged = False
    with ThreadPoolExecutor(THREADS, "acode-verify") as pool:
        for begin in range(0, len(payload), _BATCH_FILES):
            batch = payload[begin : begin + _BATCH_FILES]
            for (entry, _), found in zip(
                batch, pool.map(lambda pair: _check(bundle, *pair), batch), strict=True
            ):
                if isinstance(found, Problem):
                    damaged = True
                    yield found
                else:
                    crcs.append(found)
                done += entry.size
            if progress is not None:
                progress(done, bundle.manifest.bytes)
    if not damaged:
        try:
            bundle.check_packed(crcs)
        except RefusedError as error:
            yield Problem(DAMAGED, error.path, error.message)


def _check(bundle: Bundle, entry: Entry, sha256: str) -> Problem | int:
    """Return what is wrong with a file, or the CRC-32 of its packed data."""
    digest = hashlib.sha256()
    crcs: list[int] = []
    try:
        for data in bundle.iter_content(entry, crcs):
            digest.update(data)
    except RefusedError as error:
        return Problem(DAMAGED, error.path, error.message)
    if digest.hexdigest() != sha256:
        return Problem(DAMAGED, entry.name, "its content is not what the manifest says")
    return crcs[0]
