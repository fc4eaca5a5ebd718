"""`acode artifacts open`: a recorded file in the user's own editor or pager."""

from __future__ import annotations

import os

from collector.cli import output
from collector.cli.context import Context
from collector.cli.editor import EDITORS, has_terminal, program, show_with
from collector.cli.parsing import Command, Namespace, Parser
from collector.cli.runs_content import find_artifact, save
from collector.errors import AcodeError, ConflictError, NotFoundError
from collector.ids import is_ulid
from collector.model.artifact import Artifact
from collector.model.run import Run

_PREFERRED = ("output", "stdout", "stderr")


def configure(parser: Parser) -> None:
    """Add the options of `acode artifacts open`."""
    parser.add_argument("run", metavar="RUN", help="a run, or an artifact's id alone")
    parser.add_argument("file", metavar="FILE", nargs="?", help="path within the run (default: its output)")
    parser.add_argument("--pager", action="store_true", help="in PAGER, to look at it only")


def run(options: Namespace, context: Context) -> int:
    """Open a copy of a file, so that nothing recorded can be changed."""
    artifact = _chosen(options, context)
    if not has_terminal():
        raise ConflictError(
            "ACODE-RUN-031", "there is no terminal to show it on", "'acode artifacts cat' prints it"
        )
    variables = ("ACODE_PAGER", "PAGER") if options.pager else ("VISUAL", "EDITOR", "PAGER")
    otherwise = ("less", "more") if options.pager else EDITORS
    words = program(context.environ, *variables, otherwise=otherwise)
    return _show_copy(artifact, words, context)


def _chosen(options: Namespace, context: Context) -> Artifact:
    reference = options.run.upper()
    if options.file is None and is_ulid(reference) and context.stores()[1].exists(reference):
        return context.stores()[1].get(reference)
    found = context.resolve(options.run)
    return find_artifact(found, options.file) if options.file is not None else _output_of(found)


def _output_of(run: Run) -> Artifact:
    """Return what to look at where no file was named: the output, else the first file there is."""
    for kind in _PREFERRED:
        for artifact in run.artifacts:
            if artifact.type == kind and (artifact.size_bytes or kind == _PREFERRED[-1]):
                return artifact
    if run.artifacts:
        return run.artifacts[0]
    raise NotFoundError("ACODE-RUN-002", f"run {run.name} has no files", "they come when it has ended")


def _show_copy(artifact: Artifact, words: list[str], context: Context) -> int:
    """Show a read-only copy in a folder of nobody else's; it is removed when the program ends."""
    import tempfile

    artifacts = context.stores()[1]
    context.note_access(artifact.run_id, {"path": artifact.path})
    with tempfile.TemporaryDirectory(prefix="acode-") as folder:
        path = os.path.join(folder, _file_name(artifact))  # noqa: PTH118
        save(artifacts.iter_content(artifact), path, force=False)
        os.chmod(path, 0o400)  # noqa: PTH101
        context.close()
        status = show_with(words, path, context.environ)
    if status:
        raise AcodeError("ACODE-RUN-031", f"{words[0]} ended with status {status}")
    return 0


def _file_name(artifact: Artifact) -> str:
    """Return a name with the same ending, by which programs know what it is."""
    name = output.sanitize(artifact.path.rpartition("/")[2])[-100:]
    return name if name.lstrip("-.") else "file"


COMMANDS = {"open": Command(configure, run)}
