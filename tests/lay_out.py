"""Copy what the suite needs, but not the package, so that the installed one is tested.

python tests/lay_out.py FOLDER
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ["tests", "example_site", "examples", "docs"]
FILES = [
    "manage.py",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
]


def lay_out(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in FOLDERS:
        ignore = shutil.ignore_patterns("__pycache__", "var", "static_root", "node_modules")
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
