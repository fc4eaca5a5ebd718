"""Verifying the audit log, and checkpoints: where the chain was, to be kept where nobody can reach both.

A checkpoint is an in-toto statement about the chain's last hash, in a DSSE envelope when it is signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector import clock
from collector.audit.entries import Link, Problem, check_chain
from collector.audit.log import iter_lines
from collector.encryption.signing import (
    STATEMENT_TYPE,
    PrivateKey,
    PublicKey,
    read_statement,
    sign_statement,
    statement,
    verify_envelope,
)
from collector.errors import InputError
from collector.workspace import Workspace

PREDICATE = "urn:acode:audit-checkpoint:v1"
_SUBJECT = "audit"
MAX_CHECKPOINT_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What verifying found: how many entries there are, where the chain ends, and what does not fit."""

    entries: int
    last: Link
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a chain was, and whose signature says so; None for nobody's."""

    link: Link
    time: str
    signer: str | None = None


def verify_audit(workspace: Workspace, checkpoints: Sequence[Checkpoint] = ()) -> AuditReport:
    """Go through the whole log.

    Args:
        workspace: whose.
        checkpoints: where it must have been.

    Raises:
        OSError: it cannot be read.
    """
    wanted = {checkpoint.link.seq: checkpoint.link for checkpoint in checkpoints}
    last, entries, problems = Link(), 0, []
    for found in check_chain(iter_lines(workspace)):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        last, entries = found, entries + 1
        if wanted.pop(found.seq, found) != found:
            problems.append(Problem("", 0, f"entry {found.seq} is not the one of the checkpoint"))
    problems += [Problem("", 0, _gone(link, last)) for link in wanted.values() if link != Link()]
    return AuditReport(entries, last, tuple(problems))


def _gone(link: Link, last: Link) -> str:
    if link.seq > last.seq:
        return f"the log ends with entry {last.seq}, but had {link.seq} when the checkpoint was made"
    return f"entry {link.seq} of the checkpoint is not there"


def make_checkpoint(last: Link, key: PrivateKey | None) -> bytes:
    """Return the checkpoint of a chain, signed where there is a key."""
    predicate = {"seq": last.seq, "time": clock.format_iso(clock.now_ms())}
    payload = statement({_SUBJECT: last.hash}, PREDICATE, predicate)
    return payload if key is None else sign_statement(payload, STATEMENT_TYPE, key)


def read_checkpoint(data: bytes, trusted: Sequence[PublicKey]) -> Checkpoint:
    """Return what a checkpoint says.

    Raises:
        InputError, CorruptError: it is none, or signed by nobody who is trusted.
    """
    signer, payload = None, data
    if b'"payload"' in data:
        signed = verify_envelope(data, trusted)
        signer, payload = signed.signer.name or signed.signer.key_id, signed.payload
    subjects, predicate = read_statement(payload, PREDICATE)
    seq, time, digest = predicate.get("seq"), predicate.get("time"), subjects.get(_SUBJECT)
    if not isinstance(seq, int) or not isinstance(time, str) or digest is None:
        raise _no_checkpoint()
    return Checkpoint(Link(seq, digest), time, signer)


def _no_checkpoint() -> InputError:
    return InputError("ACODE-RUN-036", "this is no checkpoint", "'acode audit checkpoint' makes one")
