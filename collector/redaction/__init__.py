"""Secrets in text: found and masked, in one pass, in time that grows with the text alone.

What is a secret: values that are known to be (from the environment), in any of the forms programs print
them; keys and tokens whose format their maker publishes; private keys; passwords in addresses; and values
that are given to a name such as `password` or `api_key`. Nothing is a secret only because it looks random.

Line ends stay, whatever is masked: line n of the masked text is line n of the text.
"""

from __future__ import annotations

from collector.redaction.environment import secret_values
from collector.redaction.rules import Rules, build_rules
from collector.redaction.spans import Finding
from collector.redaction.stream import StreamRedactor, find_secrets, mask, mask_text

__all__ = [
    "Finding",
    "Rules",
    "StreamRedactor",
    "build_rules",
    "find_secrets",
    "mask",
    "mask_text",
    "secret_values",
]
