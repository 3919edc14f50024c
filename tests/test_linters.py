"""Linters and types are part of the ordinary test run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "setup_scripts").rglob("*.sh"))


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        ["shellcheck", "-x", ".ci/run", *SCRIPTS],
    ],
    ids=["ruff", "format", "mypy", "shellcheck"],
)
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_clean(command: list[str]) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_go_is_clean() -> None:
    folder = ROOT / "era_kernel/guest/drivers/go"
    unformatted = subprocess.run(["gofmt", "-l", folder], capture_output=True, text=True, timeout=60, check=True)
    assert unformatted.stdout == ""
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}
    vetted = subprocess.run(["go", "vet", "."], cwd=folder, env=env, capture_output=True, text=True, timeout=100)
    assert vetted.returncode == 0, vetted.stderr
    scripts = subprocess.run(["shellcheck", folder / "build.sh"], capture_output=True, text=True, timeout=60)
    assert scripts.returncode == 0, scripts.stdout


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "file", sorted((ROOT / "era_kernel/guest/drivers/ruby").rglob("*.rb")), ids=lambda file: file.name
)
def test_ruby_has_no_warnings(file: Path) -> None:
    checked = subprocess.run(["ruby", "-wc", file], capture_output=True, text=True, timeout=60, check=False)
    assert (checked.stdout, checked.stderr) == ("Syntax OK\n", "")
