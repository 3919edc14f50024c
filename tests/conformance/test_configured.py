"""What is configured reaches a kernel's VM, and what is wrong with it the notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from era_kernel.kernel.install import SPEC_FILE, install_spec, spec_name
from era_kernel.languages.python import PYTHON
from era_kernel.paths import StatePaths, open_state
from era_kernel.service.manager import Manager
from tests.conformance.notebook import notebook
from tests.unit.service.support import eventually, left_over

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration file, not there yet."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.delenv("JUPYTER_PREFER_ENV_PATH", raising=False)
    return tmp_path / "era_kernel_config.py"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StatePaths]:
    monkeypatch.setenv("AGENT_STATE_DIR", str(tmp_path / "state"))
    opened = open_state()
    try:
        yield opened
    finally:
        Manager(opened).clean(None)


def test_a_broken_file_is_told_in_the_cell(file: Path, state: StatePaths) -> None:
    file.write_text("c = get_config()\nc.EraConfig.mem = 'lots'\n")
    with notebook() as book:
        result = book.run("1 + 1")
        assert result.status == "error"
        assert result.error["ename"] == "Config"
        assert result.error["evalue"].startswith(f"{file}, line 2: mem is 'lots'. It has to be")
    assert left_over(state) == {}


def test_the_command_line_of_a_kernelspec_goes_before_the_file(
    file: Path, state: StatePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("c = get_config()\nc.EraConfig.cpu = 1\nc.EraConfig.mem = 1 << 30\n")
    install_spec(PYTHON, tmp_path / "kernels", sys.executable, temporary=True)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    spec = tmp_path / "kernels" / spec_name(PYTHON, temporary=True) / SPEC_FILE
    spec.write_text(spec.read_text().replace('"--temp"', '"--temp", "--EraConfig.mem=512"'))
    with notebook(spec.parent.name) as book:
        assert book.value("1 + 1") == "2"
        (view,) = Manager(state).list()
        assert view.record.spec.mem == 512
    assert eventually(lambda: left_over(state) == {}), left_over(state)
