"""JupyterLab on loopback, with a folder, a configuration and a state of its own."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from era_kernel.templates.prune import templates
from era_kernel.templates.template import remove

HERE = Path(__file__).parent
ARTIFACTS = HERE.parents[1] / "artifacts"
START_SECONDS = 60.0
SCENARIO_SECONDS = 240.0
CLEAN_SECONDS = 60.0
PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
MEM = 272
"""MiB: not what anybody else has, so that a template has to be made under the eyes of the panel."""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address with the token, and the folder that it shows."""

    url: str
    folder: Path

    def run(self, scenario: str, cells: list[str], kernel: str = "era-python") -> None:
        """Run a scenario on a notebook of these cells; what it says when it fails is the test's error."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
        notebook.metadata.kernelspec = {"name": kernel, "display_name": kernel, "language": "python"}
        name = f"{scenario}.ipynb"
        nbformat.write(notebook, self.folder / name)
        ARTIFACTS.mkdir(exist_ok=True)
        environment = {**os.environ, "LAB_URL": self.url, "ARTIFACTS": str(ARTIFACTS), "NOTEBOOK": name}
        done = subprocess.run(
            ["node", str(HERE / f"{scenario}.js")],
            env=environment,
            timeout=SCENARIO_SECONDS,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def _forget_templates() -> None:
    for each in templates():
        if each.metadata.spec.mem == MEM:
            remove(each.folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not come up: {log.read_text()}")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    _forget_templates()
    folder, config = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("config")
    (config / "labconfig").mkdir()
    (config / "labconfig" / "page_config.json").write_text(json.dumps(PAGE_CONFIG))
    (config / "era_kernel_config.py").write_text(f"c.EraConfig.mem = {MEM}\n")
    port, token = _free_port(), secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={folder}"]
    places = {name: str(config / name.lower()) for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    state = {"AGENT_STATE_DIR": str(tmp_path_factory.mktemp("state"))}  # no VMs but the scenarios' own
    environment = {**os.environ, **places, **state, "JUPYTER_CONFIG_DIR": str(config)}
    log = config / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}/api?token={token}", server, log)
        yield Lab(f"http://127.0.0.1:{port}/lab?token={token}", folder)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)
        clean = [sys.executable, "-m", "era_kernel", "vm", "clean", "--all"]
        subprocess.run(clean, env=environment, timeout=CLEAN_SECONDS, check=False)
        _forget_templates()
