"""`acode doctor`: everything that recording and looking need, checked; what is wrong, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from collector import __version__
from collector.cli import doctor_agents, doctor_keys, doctor_store, doctor_system, output
from collector.cli.context import Context
from collector.cli.diagnosis import FAIL, OK, WARN, Finding, run_checks
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import AcodeError
from collector.workspace import FOLDER


def configure(parser: Parser) -> None:
    """Add the options of `acode doctor`."""
    parser.add_argument("--json", action="store_true", help="an array of findings")
    parser.add_argument("--fix", action="store_true", help="also remove what is certainly left behind")


def run(options: Namespace, context: Context) -> int:
    """Check everything; exit status 1 when something fails."""
    findings = [_fixed(finding) if options.fix else finding for finding in check(context)]
    if options.json:
        records = [{name: getattr(f, name) for name in ("level", "name", "text", "advice")} for f in findings]
        output.line(output.format_json(records))
    else:
        color = output.has_color(context.environ)
        for finding in findings:
            level = output.paint(f"{finding.level:<4}", finding.level, color)
            advice = f"; {finding.advice}" if finding.advice else ""
            output.line(f"{level}  {finding.name + ':':<12} {output.sanitize(finding.text + advice)}")
    return 1 if any(finding.level == FAIL for finding in findings) else 0


def _fixed(finding: Finding) -> Finding:
    if finding.fix is None:
        return finding
    finding.fix()
    return Finding(OK, finding.name, f"{finding.text}: removed")


def check(context: Context) -> Iterator[Finding]:
    """Yield a finding for each thing there is to check."""
    yield Finding(OK, "acode", f"{__version__}, Python {sys.version.split()[0]}, {sys.platform}")
    yield _check_root(context)
    configuration = _check_configuration(context)
    yield configuration
    if configuration.level == FAIL:
        return
    try:
        workspace = context.workspace
    except AcodeError as error:
        yield Finding(FAIL, "workspace", error.message, error.hint)
        return
    checks = (*doctor_system.CHECKS, *doctor_store.CHECKS, *doctor_keys.CHECKS, *doctor_agents.CHECKS)
    yield from run_checks(checks, workspace, context)


def _check_root(context: Context) -> Finding:
    root = Path(context.root)
    if (root / FOLDER).is_dir():
        return Finding(OK, "workspace", str(root))
    if (root / ".git").exists():
        return Finding(OK, "workspace", f"{root}, by its .git; nothing recorded yet")
    advice = f"mkdir {FOLDER} where the project begins"
    return Finding(WARN, "workspace", f"{root}, for want of {FOLDER} or .git", advice)


def _check_configuration(context: Context) -> Finding:
    try:
        config = context.config
    except AcodeError as error:
        return Finding(FAIL, "settings", str(error), "")
    if not config.enabled:
        return Finding(WARN, "settings", "recording is switched off", "set runs.enabled to true")
    return Finding(OK, "settings", ", ".join(config.files) or "defaults; 'acode config init' writes a file")


COMMANDS = {"doctor": Command(configure, run)}
