"""What masks secrets in a bundle: the same rules as anywhere, whatever `runs.redact` says of the store."""

from __future__ import annotations

import os
from collections.abc import Callable

from collector.bundle.packing import Masking
from collector.config import load_config
from collector.workspace import Workspace


def masking_of(workspace: Workspace) -> tuple[Callable[[str], str], Callable[[], Masking]]:
    """Return what masks a text, and what makes a masker of one content.

    Raises:
        InputError: a rule in the settings is not understood.
    """
    from collector.redaction import StreamRedactor, build_rules, mask_text, secret_values

    config = load_config(workspace.root, os.environ)
    patterns, allow = config.get("runs.redactPatterns"), config.get("runs.redactAllow")
    names = config.get("runs.redactEnvironment")
    rules = build_rules(
        patterns if isinstance(patterns, dict) else {},
        allow if isinstance(allow, tuple) else (),
        secret_values(os.environ, names if isinstance(names, tuple) else ()),
    )
    return lambda text: mask_text(text, rules), lambda: StreamRedactor(rules)
