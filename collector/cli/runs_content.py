"""`acode runs stdout|stderr|output|artifacts|artifact`: content, unchanged when piped."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_format, add_run
from collector.errors import AccessError, ConflictError, InputError, NotFoundError
from collector.model.artifact import Artifact
from collector.model.run import Run

_CHUNK = 64 << 10


def show_content(name: str, chunks: Iterable[bytes], context: Context, force: bool) -> None:
    """Write content to stdout: as it is when piped, harmless on a terminal.

    Raises:
        ConflictError: it is binary, stdout is a terminal, and nobody forced it.
    """
    if not output.is_terminal():
        for chunk in chunks:
            output.write_bytes(chunk)
        return
    from collector.cli.harmless import make_harmless

    stream = iter(chunks)
    first = next(stream, b"")
    refuse_binary(name, first, force)
    last = b""
    for chunk in make_harmless(chain([first], stream), output.has_color(context.environ)):
        output.write_bytes(chunk)
        last = chunk or last
    if last and not last.endswith(b"\n"):
        output.write("\n")


def refuse_binary(name: str, first: bytes, force: bool) -> None:
    """Raise ConflictError for content, told by its first bytes, that is no text, unless it is forced."""
    from collector.cli.harmless import is_binary

    if is_binary(first) and not force:
        raise ConflictError(
            "ACODE-RUN-019", f"{name} is binary and not shown on a terminal",
            "pipe it, save it with 'acode runs artifact ID --output FILE', or --force",
        )  # fmt: skip


def find_artifact(run: Run, name: str) -> Artifact:
    """Return the file of a run with this path, name or id.

    Raises:
        NotFoundError: there is none; the nearest is offered.
    """
    for artifact in run.artifacts:
        if name in (artifact.path, artifact.artifact_id):
            return artifact
    named = [artifact for artifact in run.artifacts if artifact.file_name == name]
    if len(named) == 1:
        return named[0]
    from collector.suggest import did_you_mean

    paths = [artifact.path for artifact in run.artifacts]
    hint = did_you_mean(name, paths, f"'acode artifacts list {run.name}' lists them")
    raise NotFoundError("ACODE-RUN-002", f"run {run.name} has no file {name!r}", hint)


def iter_stream(run: Run, kind: str, context: Context) -> Iterator[bytes]:
    """Yield one stream of a run, also of one that still runs and has no artifacts yet."""
    from collector.workspace import STDERR, STDOUT

    path = STDOUT if kind == "stdout" else STDERR
    artifacts = context.contents()
    for artifact in run.artifacts:
        if artifact.type == kind:
            return artifacts.iter_content(artifact)
    if run.is_finished:
        raise NotFoundError("ACODE-ART-011", f"run {run.name} has no {path}", "nothing was recorded")
    return _iter_file(run, path, context)


def _iter_file(run: Run, path: str, context: Context) -> Iterator[bytes]:
    try:
        content = context.contents().open_as(run, path)
    except FileNotFoundError:
        return
    with content:
        while chunk := content.read(_CHUNK):
            yield chunk


def iter_both(run: Run, context: Context) -> Iterator[bytes]:
    """Yield both streams of a run as they came: the combined file, or put together from the index."""
    from collector.record.output_index import iter_output

    artifacts = context.contents()
    for artifact in run.artifacts:
        if artifact.type == "output" and not artifact.missing and _is_there(artifacts.path(artifact)):
            yield from artifacts.iter_content(artifact)
            return
    folder = os.path.dirname(artifacts.path_in(run.folder, "run.json"))  # noqa: PTH120
    for _, _, data in iter_output(folder, partial(artifacts.open_as, run)):
        yield data


def _is_there(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)  # noqa: PTH113, PTH114


def _configure_stream(parser: Parser) -> None:
    from collector.cli.content_lines import add_line_options

    add_run(parser)
    add_line_options(parser)
    add_redact(parser)
    parser.add_argument("--force", action="store_true", help="show it on a terminal even if it is binary")


def add_redact(parser: Parser) -> None:
    """Add the option that masks secrets also in what is piped."""
    parser.add_argument("--redact", action="store_true", help="mask secrets also when piped")


def choose_content(options: Namespace, context: Context) -> None:
    """Read contents as they were recorded where they are piped, unless they are to be masked there, too."""
    context.reads_recorded = not (output.is_terminal() or options.redact)


def _run_stdout(options: Namespace, context: Context) -> int:
    return _show_stream(options, context, "stdout")


def _run_stderr(options: Namespace, context: Context) -> int:
    return _show_stream(options, context, "stderr")


def _show_stream(options: Namespace, context: Context, kind: str) -> int:
    from collector.cli.content_lines import view_of
    from collector.cli.content_source import show_part, stream_source

    choose_content(options, context)
    run = context.resolve(options.run)
    view = view_of(options)
    context.note_access(run.run_id, {"path": f"{kind}.txt"})
    if view is None:
        show_content(f"{kind}.txt", iter_stream(run, kind, context), context, options.force)
    else:
        show_part(run, kind, stream_source(run, kind, context), view, context)
    return 0


def _run_output(options: Namespace, context: Context) -> int:
    from collector.cli.content_lines import view_of
    from collector.cli.content_source import show_part, stream_source

    choose_content(options, context)
    run = context.resolve(options.run)
    view = view_of(options)
    context.note_access(run.run_id, {"path": "output.txt"})
    if view is None:
        show_content("the output", iter_both(run, context), context, options.force)
    else:
        show_part(run, "output", stream_source(run, "output", context), view, context)
    return 0


# Artifacts


def _configure_artifacts(parser: Parser) -> None:
    add_run(parser)
    add_format(parser)


def list_artifacts(options: Namespace, context: Context) -> int:
    """List the files of a run."""
    from collector.cli.parsing import chosen_format
    from collector.cli.records import choose_fields, write_fields, write_records

    run = context.resolve(options.run)
    found = context.stores()[1].by_run(run.run_id)
    form = chosen_format(options)
    known = Artifact.__match_args__
    fields = choose_fields(options.fields, known)
    if form != "table":
        write_records((item.to_json() for item in found), form, fields, known)
    elif fields is not None:
        write_fields((item.to_json() for item in found), fields, context.environ)
    elif found:
        _write_artifacts(found, context)
    else:
        output.note("no files" if run.is_finished else "no files yet: the run is still running")
    return 0


def _write_artifacts(found: tuple[Artifact, ...], context: Context) -> None:
    from collector.cli.table import Column, render

    columns = [
        Column("ID", 26, 1), Column("TYPE", 6, 2), Column("SIZE", 8, 0, True), Column("PATH", 12),
    ]  # fmt: skip
    rows = [[a.artifact_id, a.type, output.format_size(a.size_bytes), a.path + state(a)] for a in found]
    width = output.terminal_width(context.environ)
    output.write("".join(line + "\n" for line in render(columns, rows, width)))


def state(artifact: Artifact) -> str:
    """Return what is wrong with a file, in words; usually nothing."""
    words = [word for word in ("missing", "corrupt", "truncated") if getattr(artifact, word)]
    return f" ({', '.join(words)})" if words else ""


def _configure_artifact(parser: Parser) -> None:
    parser.add_argument("artifact", metavar="ID", help="the artifact's id")
    parser.add_argument("--output", metavar="FILE", help="save it there instead; an existing file is kept")
    add_redact(parser)
    parser.add_argument("--force", action="store_true", help="overwrite FILE; show binary on a terminal")


def _run_artifact(options: Namespace, context: Context) -> int:
    from collector.ids import is_ulid

    _, artifacts = context.stores()
    reference = options.artifact.upper()
    if not is_ulid(reference):
        raise NotFoundError(
            "ACODE-RUN-002", f"no artifact {options.artifact!r}", "'acode runs artifacts RUN' lists ids"
        )
    artifact = artifacts.get(reference)
    context.reads_recorded = not (options.redact or (options.output is None and output.is_terminal()))
    chunks = context.contents().iter_content(artifact)
    context.note_access(artifact.run_id, {"path": artifact.path})
    if options.output is None:
        show_content(artifact.path, chunks, context, options.force)
        return 0
    size = save(chunks, options.output, options.force)
    output.note(f"saved {output.format_size(size)} to {options.output}")
    return 0


def save(chunks: Iterable[bytes], path: str, force: bool) -> int:
    """Write content to a new file, or over an old one if forced; return its size.

    Raises:
        InputError: the file exists.
        AccessError: it cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if force else os.O_EXCL)
    size = 0
    chunks = iter(chunks)
    first = next(chunks, b"")  # what cannot be read leaves no empty file behind
    try:
        with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
            for chunk in chain([first], chunks):
                size += file.write(chunk)
    except FileExistsError:
        raise InputError("ACODE-RUN-019", f"{path} exists", "--force overwrites it") from None
    except OSError as error:
        code = "ACODE-ART-005" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "ACODE-ART-006"
        raise AccessError(code, f"cannot write {path}: {error.strerror}", "choose another place") from None
    return size


COMMANDS = {
    "stdout": Command(_configure_stream, _run_stdout),
    "stderr": Command(_configure_stream, _run_stderr),
    "output": Command(_configure_stream, _run_output),
    "artifacts": Command(_configure_artifacts, list_artifacts),
    "artifact": Command(_configure_artifact, _run_artifact),
}
