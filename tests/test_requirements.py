"""Each requirement of the security review is named by the test that proves it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest


TESTS = Path(__file__).parent
REQUIREMENTS = [*(f"U{n}" for n in range(1, 9)), *(f"A{n}" for n in range(1, 26))]


def claims() -> set[str]:
    """The ids in names and docstrings of tests, of their classes and their files."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
                name = "" if isinstance(node, ast.Module) else node.name
                text = f"{name.replace('_', ' ')} {ast.get_docstring(node) or ''}"
                found.update(re.findall(r"\b[UA]\d{1,2}\b", text.upper()))
    return found


CLAIMS = claims()


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_a_test_proves_it(requirement: str) -> None:
    assert requirement in CLAIMS
