"""The law of the house: one direction of imports, small files, and who may know what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

import swapper
from django.apps import apps

import example_site
import wagtail_webhooks

from .public import PUBLIC


PACKAGE = "wagtail_webhooks"

#: A module imports only from rows above its own; members of one row do not import each other.
TIERS = [
    "exceptions conf schemas",
    "events retry addresses secrets clock mail patience scrub sql throttles",
    "transport selection",
    "connections",
    "sender payloads signatures",
    "credentials",
    "models",
    "queue attendance audit contract outbox_sql",
    "outbox",
    "incidents coalescing claim_sql deadlines",
    "claims",
    "jobs",
    "delivery",
    "result_sql pool",
    "results",
    "drain retention subjects",
    "relocations",
    "signal_handlers forms trials public_contract public_keys",
    "tasks",
    "checks testing",
    "admin management",
    "templatetags",
    "opportunities",
    "apps urls wagtail_hooks",
]
TIER = {unit: number for number, row in enumerate(TIERS) for unit in row.split()}

#: What Django and Wagtail find by themselves: nothing imports it.
ENTRANCES = {"opportunities", "apps", "urls", "wagtail_hooks"}

#: These work on values, so that they can be understood and tested without a database.
WITHOUT_DATABASE = {
    "addresses",
    "connections",
    "credentials",
    "events",
    "exceptions",
    "payloads",
    "retry",
    "schemas",
    "scrub",
    "secrets",
    "selection",
    "sender",
    "signatures",
    "throttles",
    "transport",
}

MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 50


@dataclass(frozen=True)
class Import:
    """One imported name; ``name`` is empty for ``import x.y``."""

    module: str
    name: str
    line: int

    @property
    def target(self) -> str:
        """The module that is meant: ``from . import queue`` means the module, not a name in it."""
        member = f"{self.module}.{self.name}" if self.name else self.module
        return member if member in MODULES else self.module

    @property
    def is_ours(self) -> bool:
        return self.module.split(".")[0] == PACKAGE


@dataclass(frozen=True)
class Module:
    root: Path
    path: Path

    @property
    def name(self) -> str:
        parts = self.path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def unit(self) -> str:
        return unit_of(self.name)

    @property
    def is_migration(self) -> bool:
        return "migrations" in self.name.split(".")

    @cached_property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, str(self.path))

    def imports(self) -> Iterator[Import]:
        """Wherever they stand: in functions and under TYPE_CHECKING too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, "", node.lineno)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield Import(self._absolute(node), alias.name, node.lineno)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        is_package = self.path.name == "__init__.py"
        base = self.name.split(".")
        base = base[: len(base) - node.level + is_package]
        return ".".join([*base, node.module] if node.module else base)


def unit_of(name: str) -> str:
    """The module or family directly in the package; empty for the package itself."""
    return name.split(".")[1] if "." in name else ""


def modules_of(package: ModuleType) -> dict[str, Module]:
    """Those of the package as it is installed, which may be a wheel."""
    folder = Path(package.__file__ or "").resolve().parent
    found = (Module(folder.parent, path) for path in sorted(folder.rglob("*.py")))
    return {module.name: module for module in found}


MODULES = modules_of(wagtail_webhooks)
HAND_WRITTEN = [module for module in MODULES.values() if not module.is_migration]
ALL_HAND_WRITTEN = [
    *HAND_WRITTEN,
    *(module for module in modules_of(example_site).values() if not module.is_migration),
]


def test_every_module_has_its_place_in_the_order() -> None:
    assert {module.unit for module in HAND_WRITTEN} - {""} <= set(TIER)


def test_a_module_imports_only_what_comes_before_it() -> None:
    wrong = [
        f"{module.name} line {found.line}: {found.target}"
        for module in HAND_WRITTEN
        for found in module.imports()
        if found.is_ours
        and (unit := unit_of(found.target)) != module.unit
        and TIER.get(unit, -1) >= TIER.get(module.unit, -1)
    ]
    assert wrong == []


def test_nothing_imports_what_django_discovers() -> None:
    wrong = [
        f"{module.name} line {found.line}: {found.target}"
        for module in HAND_WRITTEN
        for found in module.imports()
        if found.is_ours and (unit := unit_of(found.target)) in ENTRANCES and unit != module.unit
    ]
    assert wrong == []


def test_no_two_modules_import_each_other_in_a_ring() -> None:
    imported = {
        module.name: {found.target for found in module.imports() if found.is_ours} - {module.name}
        for module in HAND_WRITTEN
    }
    while leaves := [name for name, targets in imported.items() if not targets & imported.keys()]:
        for name in leaves:
            del imported[name]
    assert imported == {}


def test_opportunities_use_only_public_names_of_the_core() -> None:
    wrong = [
        f"{module.name} line {line}: {name}"
        for module in HAND_WRITTEN
        if module.unit == "opportunities"
        for name, line in core_names_used(module)
        if not is_public(name)
    ]
    assert wrong == []


def core_names_used(module: Module) -> Iterator[tuple[str, int]]:
    """``outbox.emit``, whether it was imported by itself or is reached through its module."""
    reached: dict[str, str] = {}
    for found in module.imports():
        if not found.is_ours or unit_of(found.target) == module.unit:
            continue
        if found.name and found.target != found.module:
            reached[found.name] = found.target
        else:
            name = f"{found.module}.{found.name}".rstrip(".")
            yield name.removeprefix(f"{PACKAGE}."), found.line
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            target = reached.get(node.value.id)
            if target is not None:
                yield f"{target}.{node.attr}".removeprefix(f"{PACKAGE}."), node.lineno


def is_public(dotted: str) -> bool:
    module, _, name = dotted.rpartition(".")
    return name in PUBLIC.get(module, ())


def test_only_the_queue_knows_django_q() -> None:
    knowing = {
        module.name
        for module in MODULES.values()
        for found in module.imports()
        if found.module.split(".")[0] == "django_q"
    }
    assert knowing == {f"{PACKAGE}.queue"}


def test_what_works_on_values_knows_no_database() -> None:
    wrong = [
        f"{module.name} line {found.line}: {found.module}"
        for module in HAND_WRITTEN
        if module.unit in WITHOUT_DATABASE
        for found in module.imports()
        if found.module.startswith("django.db")
    ]
    assert wrong == []


def test_the_core_holds_no_page() -> None:
    page = swapper.load_model("wagtailcore", "Page")
    models = apps.get_app_config(PACKAGE).get_models(include_auto_created=True)
    assert [model for model in models if issubclass(model, page)] == []


def test_no_file_is_too_long() -> None:
    lengths = {module.name: len(module.source.splitlines()) for module in ALL_HAND_WRITTEN}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{module.name}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for module in ALL_HAND_WRITTEN
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


def test_annotations_are_not_evaluated() -> None:
    annotated = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.AnnAssign)
    wrong = [
        module.name
        for module in ALL_HAND_WRITTEN
        if any(isinstance(node, annotated) for node in ast.walk(module.tree))
        and "__future__" not in {found.module for found in module.imports()}
    ]
    assert wrong == []
