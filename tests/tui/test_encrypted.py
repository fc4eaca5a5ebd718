"""Encrypted runs in the inspector: as any other with the key, and a clear word without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from acode_tui.source.open import Unreadable, open_interleaved, open_path
from collector.encryption.key import format_key, new_key
from collector.keys.encryption_keys import VARIABLE
from tests.conftest import Acode
