r"""How many of other people's examples of secrets are found, and how many of their counter-examples too.

    python campaigns/redaction_corpora.py FOLDER [--missed]

FOLDER holds checkouts of public repositories, each in OWNER+NAME, as far as they are there:
gitleaks/gitleaks, Yelp/detect-secrets, praetorian-inc/noseyparker, mongodb/kingfisher, Samsung/CredSweeper.
Nothing of them is part of this project. Half of their files, chosen by a hash of their names, are held out:
patterns are written without looking into them, and only their counts are ever shown (`--missed` shows texts
of the other half).
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import json
import random
import re
import string
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import yaml

from collector.redaction import Rules, build_rules, find_secrets

OPENED = {"github.go", "aws.go", "generic.yml", "buildkite.yml"}
"""Looked into before the halves were made."""
PRIVATE_KEY = re.compile(r"private.?key|\bpem\b|\bpgp\b|\bage\b", re.IGNORECASE)
GENERIC = re.compile(
    r"generic|password|secret$|credential|keyword|basic|curl|netrc|http|auth$", re.IGNORECASE
)


FORMAT = re.compile(
    r"(?:^|\b|_)(?![0-9a-fA-F]{8}-)(?:[A-Za-z][A-Za-z0-9]{0,11}[-_.~$][A-Za-z0-9]|AKIA|ASIA|AIza|eyJ|LTAI|AKID|1//0"
    r"|AKCp|cmVmd|SK[0-9a-f]{32}|AC[0-9a-f]{32}|oy2|cio|dapi|NRAK|\d{8,10}:A|EZ[AT]K|ATATT|ATBB|AQVN|GR13|https?:)"
)
"""Secrets that tell by themselves whose they are; of others only a name beside them does."""
NO_SECRETS = {"UUID", "Salt", "Nonce", "AWS S3 Bucket", "Firebase Domain", "Tencent WeChat API App ID"}
"""What CredSweeper lists too."""


class Case(NamedTuple):
    """A text, and whether something in it must be found."""

    corpus: str
    file: str
    rule: str
    text: str
    is_secret: bool
    value: str = ""
    """What must be masked, when it is known."""


def is_held_out(name: str) -> bool:
    """Tell whether a file is one that nobody looks into."""
    return name not in OPENED and hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def yaml_cases(corpus: str, folder: Path) -> Iterator[Case]:
    """Yield the examples of rules in YAML, as noseyparker and kingfisher keep them."""
    for path in sorted(folder.glob("*.yml")):
        for rule in (yaml.safe_load(path.read_text()) or {}).get("rules", ()):
            pattern = _compiled(rule.get("pattern", ""))
            for key, is_secret in (("examples", True), ("negative_examples", False)):
                for text in rule.get(key) or ():
                    value = _value(pattern, str(text)) if is_secret else ""
                    yield Case(corpus, path.name, rule["name"], str(text), is_secret, value)


def _compiled(source: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(re.sub(r"\(\?P?<TOKEN>", "(?P<TOKEN>", _plain(source)), options)
    except re2.error:
        return None


def _plain(source: str) -> str:
    """Return an expression without the blanks and comments that `(?x)` allows."""
    if not re.match(r"\s*\(\?[a-z]*x", source):
        return source
    source = re.sub(r"\(\?([a-w]*)x([a-z]*)\)", r"(?\1\2)", source).replace("(?)", "")
    source = re.sub(r"\(\?#[^)]*\)", "", source)
    return re.sub(r"(?m)(?<!\\)\s+#.*$|(?<!\\)\s+", "", source)


def _value(pattern: Any, text: str) -> str:
    found = pattern.search(text) if pattern is not None else None
    if found is None:
        return ""
    groups = found.groupdict()
    if "TOKEN" in groups:
        return str(groups["TOKEN"] or "")
    return str((pattern.groups == 1 and found.group(1)) or found.group(0))


def detect_secrets_cases(folder: Path) -> Iterator[Case]:
    """Yield the pairs of text and verdict in detect-secrets' tests."""
    for path in sorted(folder.glob("*_test.py")):
        if path.name.startswith(("base", "high_entropy", "ip_public", "keyword")):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Tuple) and len(node.elts) >= 2:
                try:
                    text, verdict = (ast.literal_eval(part) for part in node.elts[:2])
                except ValueError:
                    continue
                if isinstance(text, str) and isinstance(verdict, bool):
                    yield Case("detect-secrets", path.name, path.stem, text, verdict)


# gitleaks generates most of its cases: so do we, from the same expressions

HELPERS = {
    "Numeric": "[0-9]{%s}",
    "Hex": "[a-f0-9]{%s}",
    "AlphaNumeric": "[a-z0-9]{%s}",
    "AlphaNumericExtendedShort": "[a-z0-9_-]{%s}",
    "AlphaNumericExtended": r"[a-z0-9=_\-]{%s}",
    "AlphaNumericExtendedLong": r"[a-z0-9\/=_\+\-]{%s}",
    "Hex8_4_4_4_12": "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
}
CONTEXTS = (
    '{i}Token="{s}"', "{i}Token = {s}", '{{\n    "{i}_token": "{s}"\n}}', "<{i}Token>\n    {s}\n</{i}Token>",
    "{i}_token: {s}", "{i}_token: '{s}'", 'string {i}Token = "{s}";', 'var {i}Token string = "{s}"',
    "{i}Token := `{s}`", '${i}Token .= "{s}"', "{i}Token = '{s}'", 'System.setProperty("{I}_TOKEN", "{s}")',
    '  "{i}Token" => "{s}"', '{i}_TOKEN ::= "{s}"', '{i}_TOKEN ?= "{s}"',
)  # fmt: skip
MISSED_CONTEXTS = {
    "json, escaped": '\\{{\n    \\"{i}_token\\": \\"{s}\\"\n\\}}',
    "json, name and value": '{{\n    "name": "{i}_token",\n    "value": "{s}"\n}}',
    "xml, element": "<{i}Token>{s}</{i}Token>",
    "xml, attribute": '<entry name="{i}Token" value="{s}" />',
    "xml, key and value": '<entry>\n  <name="{i}Token" />\n  <value="{s}" />\n</entry>',
    "yaml, literal": "{i}_token: |\n  {s}",
    "yaml, folded": "{i}_token: >\n  {s}",
    "java, escaped": 'config.put("x", "o.a.PlainLoginModule required username=\\"J35\\" {i}Token=\\"{s}\\""',
    "kotlin": 'var {i}Token: string = "{s}"',
    "php, ??=": '{i}Token ??= "{s}"',
    "url, user": "https://{i}:{s}@example.com/",
    "url, query": "https://example.com?{i}Token={s}&fooBar=baz",
    "comment": "# {s} is the password",
    "csv": "{i}Token,{s},",
    "log of variables": "environmentVariables = {{PATH=/usr/bin, {I}_PASSWORD={s}, LC_CTYPE=en_CA.UTF-8}},",
    "sql, table": "| id | {i}_token |\n|----|----|\n| 1 | {s} |",
    "make, append": '{i}_TOKEN += "{s}"',
}


def generate(expression: str, chosen: random.Random) -> str:
    """Return a text that a simple regular expression matches."""
    _parser = importlib.import_module("re._parser")
    return "".join(_generated(_parser.parse(expression), chosen))


def _generated(tokens: Any, chosen: random.Random) -> Iterator[str]:
    for kind, value in tokens:
        name = str(kind)
        if name == "LITERAL":
            yield chr(value)
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            for _ in range(chosen.randint(value[0], min(value[1], value[0] + 10))):
                yield from _generated(value[2], chosen)
        elif name == "SUBPATTERN":
            yield from _generated(value[-1], chosen)
        elif name == "BRANCH":
            yield from _generated(chosen.choice(value[1]), chosen)
        elif name == "IN":
            yield chosen.choice(_characters(value))
        elif name in ("ANY", "NOT_LITERAL"):
            yield chosen.choice(string.ascii_letters)


def _characters(members: Any) -> str:
    found = ""
    for kind, value in members:
        name = str(kind)
        if name == "LITERAL":
            found += chr(value)
        elif name == "RANGE":
            found += "".join(map(chr, range(value[0], value[1] + 1)))
        elif name == "CATEGORY":
            found += string.digits if "DIGIT" in str(value) else string.ascii_letters + string.digits + "_"
    return found


_LITERAL = r'(?:`[^`]*`|"(?:[^"\\]|\\.)*")'
_SECRET = rf"secrets\.NewSecret\((?:utils\.(\w+)\((?:\"(\d+(?:,\d*)?)\")?\)|({_LITERAL}))\)"
_PART = rf"(?:{_SECRET}|({_LITERAL}))"


def gitleaks_cases(folder: Path, chosen: random.Random) -> Iterator[Case]:
    """Yield gitleaks' own cases, generated ones in some of its contexts."""
    for path in sorted(folder.glob("*.go")):
        source = path.read_text()
        for function in re.split(r"(?m)^func ", source)[1:]:
            rule = function.split("(")[0]
            for match in re.finditer(
                rf"GenerateSampleSecrets?\(({_LITERAL}), (?P<made>.+?)\)\s*[,)]?$", function, re.MULTILINE
            ):
                made = match.group("made")
                secret = _joined(made + ")" * (made.count("(") - made.count(")")), chosen)
                identifier = match.group(1)[1:-1]
                for context in CONTEXTS if "Secrets(" in match.group(0) else CONTEXTS[:1]:
                    text = context.format(i=identifier, I=identifier.upper(), s=secret)
                    yield Case("gitleaks", path.name, rule, text, True, secret)
            for name, is_secret in (("tps", True), ("fps", False)):
                for block in re.finditer(rf"{name} := \[\]string\{{(.*?)\n\t\}}", function, re.DOTALL):
                    for line in re.finditer(
                        rf"^\s*({_PART}(?:\s*\+\s*{_PART})*),", block.group(1), re.MULTILINE
                    ):
                        yield Case("gitleaks", path.name, rule, _joined(line.group(1), chosen), is_secret)


def _joined(expression: str, chosen: random.Random) -> str:
    text = ""
    for match in re.finditer(_PART, expression):
        helper, count, literal, plain = match.groups()
        if helper:
            pattern = HELPERS.get(helper, "")
            text += generate(pattern % count if "%s" in pattern else pattern, chosen)
        elif literal:
            text += generate(_unquoted(literal), chosen)
        else:
            text += _unquoted(plain)
    return text


def _unquoted(literal: str) -> str:
    if literal.startswith("`"):
        return literal[1:-1]
    try:
        return str(json.loads(literal))
    except ValueError:
        return literal[1:-1]


def credsweeper_cases(folder: Path) -> Iterator[Case]:
    """Yield what CredSweeper, with its model, finds in its own samples."""
    for found in json.loads((folder / "data" / "output.json").read_text()):
        for part in found["line_data_list"][:1]:
            name = Path(part["path"]).name
            if part["value"] and found["rule"] not in NO_SECRETS and not name.startswith("doc_"):
                lines = "\n".join(each["line"] for each in found["line_data_list"])
                value = part["value"] if "-----BEGIN" not in part["value"] else lines.split("\n", 1)[-1]
                yield Case("credsweeper", name, found["rule"], lines, True, value)


def generated_cases(chosen: random.Random) -> Iterator[Case]:
    """Yield secrets without a format in the contexts that gitleaks lists as missed."""
    for name, context in MISSED_CONTEXTS.items():
        for length in (12, 20, 32, 40):
            for identifier in ("acme", "db", "my_service"):
                secret = generate(f"[a-zA-Z0-9]{{{length}}}", chosen)
                text = context.format(i=identifier, I=identifier.upper(), s=secret)
                yield Case("contexts", name, name, text, True, secret)


def kind_of(case: Case) -> str:
    """Return which of our goals a case belongs to."""
    if case.corpus == "contexts":
        return "generic"
    if PRIVATE_KEY.search(f"{case.rule} {Path(case.file).stem}") and "token" not in case.rule.lower():
        return "private-key"
    if GENERIC.search(case.rule) or (case.corpus == "credsweeper" and len(case.rule.split()) == 1):
        return "generic"
    return "provider" if FORMAT.search(case.value or case.text) else "named"


def judge(case: Case, rules: Rules) -> tuple[bool, bool]:
    """Return whether something of a case's secret is found, and whether all of it is, but for line ends."""
    data = case.text.encode()
    found = find_secrets(data, rules)
    value = case.value.encode()
    place = data.find(value) if value else -1
    if place < 0:
        return bool(found), bool(found)
    frame = [match.span() for match in re.finditer(rb"-----?[ A-Z0-9]*(?:BEGIN|END)[ A-Z0-9]*-----?", value)]
    wanted = {place + at for at in range(len(value)) if value[at : at + 1].isalnum()}
    wanted -= {place + at for start, end in frame for at in range(start, end)}
    covered = {at for one in found for at in range(one.start, one.end)} & wanted
    return bool(covered), len(covered) >= 0.9 * len(wanted)


def load(folder: Path) -> Iterator[Case]:
    """Yield the cases of all corpora that are there."""
    chosen = random.Random(6)
    sources = (
        ("gitleaks+gitleaks/cmd/generate/config/rules", lambda path: gitleaks_cases(path, chosen)),
        ("Yelp+detect-secrets/tests/plugins", detect_secrets_cases),
        (
            "praetorian-inc+noseyparker/crates/noseyparker/data/default/builtin/rules",
            lambda path: yaml_cases("noseyparker", path),
        ),
        ("mongodb+kingfisher/data/rules", lambda path: yaml_cases("kingfisher", path)),
        ("Samsung+CredSweeper/tests", credsweeper_cases),
    )
    for place, cases in sources:
        if (folder / place).is_dir():
            yield from cases(folder / place)
    yield from generated_cases(chosen)


def main() -> None:
    """Count, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--missed", action="store_true", help="show what is missed in the half that is open")
    parser.add_argument("--corpus")
    arguments = parser.parse_args()
    rules, counts = build_rules(), Counter[tuple[str, str, str, str]]()
    cases = list(load(arguments.folder))
    secrets_of_all = {case.text.strip() for case in cases if case.is_secret}
    for case in cases:
        if not case.is_secret and case.text.strip() in secrets_of_all:
            continue  # an example for another rule
        half = "held-out" if is_held_out(case.file) and case.corpus != "contexts" else "open"
        found, is_whole = judge(case, rules)
        outcome = ("found" if found else "missed") if case.is_secret else ("false" if found else "quiet")
        keys = ((half, case.corpus, kind_of(case)), (half, "all", kind_of(case)))
        for key in keys:
            counts[(*key, outcome)] += 1
            counts[(*key, "whole")] += case.is_secret and is_whole
        wanted = not arguments.corpus or arguments.corpus == case.corpus
        if arguments.missed and wanted and half == "open" and outcome in ("missed", "false"):
            print(outcome, case.corpus, case.file, case.rule, repr(case.text[:300]), sep=" · ")
    show(counts)


def show(counts: Counter[tuple[str, str, str, str]]) -> None:
    """Print the counts as a table."""
    print("half      corpus          kind         secrets  recall   whole  precision  others  false")
    for half, corpus, kind in sorted({key[:3] for key in counts}):
        found, missed, false, quiet, whole = (
            counts[(half, corpus, kind, outcome)]
            for outcome in ("found", "missed", "false", "quiet", "whole")
        )
        shares = [part / max(1, of) for part, of in ((found, found + missed), (whole, found + missed))]
        precision = found / max(1, found + false)
        print(
            f"{half:9} {corpus:15} {kind:12} {found + missed:7} {shares[0]:7.3f} {shares[1]:7.3f}"
            f" {precision:10.3f} {false + quiet:7} {false:6}"
        )


if __name__ == "__main__":
    main()
