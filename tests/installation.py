"""acode as it is installed: its scripts beside an interpreter, its packages where that looks for them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.conftest import PROJECT

SCRIPTS = ("acode", "acode-shim", "acode-hook")


def install(folder: Path) -> Path:
    """Lay out an installation of this checkout; return the folder of its scripts."""
    scripts = folder / "bin"
    scripts.mkdir(parents=True)
    for name in SCRIPTS:
        if (PROJECT / "bin" / name).exists():
            shutil.copy2(PROJECT / "bin" / name, scripts / name)
    (scripts / "python3").symlink_to(sys.executable)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (packages / "collector").symlink_to(PROJECT / "collector")
    for entry in map(Path, sys.path):
        if entry.name == "site-packages":
            for package in entry.iterdir():
                if not (packages / package.name).exists() and package.suffix not in (".pth", ".egg-link"):
                    (packages / package.name).symlink_to(package)
    return scripts
