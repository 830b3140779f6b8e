"""Our code gives the signatures of the vectors, and others' code gives and takes the same."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import svix

from tests.runtimes import EXAMPLES, csharp, need, node_folder
from wagtail_webhooks.signatures import prove
from wagtail_webhooks.signatures.ed25519 import is_signed_by, public_key_of

from .cases import FOLDER, Case, cases, rows


every_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)


def test_the_vectors_cover_what_receivers_meet() -> None:
    found = cases()
    assert any(len(case.body) == 262_144 for case in found)
    assert any(len(case.secrets) == 2 and len(case.private_keys) == 2 for case in found)
    assert any(not case.is_text for case in found)
    assert any(case.body == b"" for case in found)


@every_case
def test_our_code_gives_these_signatures(case: Case) -> None:
    keys = [*case.secrets, *case.private_keys]
    headers = prove(case.signable, keys, ["ed25519", "github"])
    assert headers == {
        "webhook-id": case.id,
        "webhook-timestamp": str(case.timestamp),
        "webhook-signature": " ".join([*case.v1, *case.v1a]),
        "X-Hub-Signature-256": case.github,
    }
    assert [public_key_of(key) for key in case.private_keys] == case.public_keys


@every_case
def test_our_code_takes_its_own_v1a_and_no_other(case: Case) -> None:
    for key in case.public_keys:
        taken = [is_signed_by(key, case.signable, signature) for signature in case.v1a]
        assert taken.count(True) == 1


@every_case
@pytest.mark.parametrize("library", [standardwebhooks, svix], ids=["standardwebhooks", "svix"])
def test_the_libraries_of_python_give_the_same(case: Case, library: Any) -> None:
    if not case.is_text:  # they sign text alone
        with pytest.raises(UnicodeDecodeError):
            case.body.decode()
        return
    at = datetime.fromtimestamp(case.timestamp, tz=timezone.utc)
    signed = [library.Webhook(key).sign(case.id, at, case.body.decode()) for key in case.secrets]
    assert signed == case.v1


def test_node_gives_and_takes_the_same(shared_folder: Path) -> None:
    found = ask_node(shared_folder, rows())
    for case, said in zip(cases(), found, strict=True):
        if case.is_text:
            assert said["standardwebhooks"] == case.v1, case.name
            assert said["svix"] == case.v1, case.name
        assert said["github"] == case.github, case.name
        fits = [[n == m for n in range(len(case.v1a))] for m in range(len(case.public_keys))]
        assert said["v1a"] == fits, case.name


def test_node_takes_no_other(shared_folder: Path) -> None:
    tampered = [{**row, "id": row["id"] + "x"} for row in rows()]
    for row, said in zip(tampered, ask_node(shared_folder, tampered), strict=True):
        assert not set(said["svix"]) & set(row["v1"])
        assert not any(map(any, said["v1a"]))


def test_php_takes_them_and_no_other() -> None:
    need("php")
    environment = {**os.environ, "WEBHOOKS_EXAMPLES": str(EXAMPLES)}
    command = ["php", str(FOLDER / "run.php")]
    assert_judges(lambda lines: run(command, lines, environment), ["v1", "v1a"])


def test_csharp_takes_them_and_no_other(shared_folder: Path) -> None:
    program = csharp(shared_folder, FOLDER / "Run.cs", EXAMPLES / "csharp" / "Verify.cs")
    assert_judges(lambda lines: run(["mono", str(program)], lines), ["v1"])


def assert_judges(ask: Callable[[list[str]], list[str]], kinds: list[str]) -> None:
    for case in cases():
        good, bad = [], []
        for kind in kinds:
            keys = case.secrets if kind == "v1" else case.public_keys
            signed = case.v1 if kind == "v1" else case.v1a
            others = [f"v1,{sha256(case.body).hexdigest()}="] if kind == "v1" else []
            for key, signature in zip(keys, signed, strict=True):
                good.append(case.line(kind, [key], [*others, signature]))
                bad.append(case.line(kind, [key], [signature], body=case.body + b" "))
        if len(case.secrets) > 1:
            good.append(case.line("v1", case.secrets[1:], case.v1))
            bad.append(case.line("v1", case.secrets[1:], case.v1[:1]))
        good += [case.line("v1", case.secrets, case.v1, age=age) for age in (-300, 300)]
        bad += [case.line("v1", case.secrets, case.v1, age=age) for age in (-301, 301)]
        bad += [
            case.line("v1", keys, signatures)
            for keys in ([], ["whsec_"], ["whsec_!"], ["whsec_AAAA"])
            for signatures in (case.v1, ["v1,"], [], ["v1a," + case.v1[0][3:]])
        ]
        bad.append(case.line("v1", case.secrets, []))
        assert ask([*good, *bad]) == ["yes"] * len(good) + ["no"] * len(bad), case.name


def ask_node(shared: Path, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    folder = node_folder(shared)
    environment = {**os.environ, "WEBHOOKS_NODE_MODULES": str(folder)}
    lines = [json.dumps(one) for one in asked]
    said = run(["node", str(FOLDER / "run.mjs")], lines, environment)
    return [json.loads(line) for line in said]


def run(command: list[str], lines: list[str], env: dict[str, str] | None = None) -> list[str]:
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(command, input=text, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
