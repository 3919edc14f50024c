"""`era config`, and what is configured under the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from era_kernel.commands.table import vm
from era_kernel.config.settings import rules
from tests.unit.cli.support import Era


@pytest.fixture
def file(era: Era) -> Path:
    """The user's configuration file, not there yet."""
    folder = Path(era.env["HOME"]) / ".jupyter"
    folder.mkdir(parents=True)
    return folder / "era_kernel_config.py"


def test_each_setting_is_shown_with_what_gave_it(era: Era, file: Path) -> None:
    file.write_text("c.EraConfig.timeout = 5\nc.EraConfig.mem = 300\n")
    ended = era("config", "--json", "--log-level", "info", "--EraConfig.mem=512")
    assert (ended.status, ended.stderr) == (0, "")
    found = json.loads(ended.stdout)
    assert list(found) == list(rules())
    assert found["mem"] == {"value": 512, "from": "--EraConfig.mem"}
    assert found["timeout"] == {"value": 5.0, "from": str(file)}
    assert found["log_level"] == {"value": "info", "from": "--log-level"}
    assert found["state_dir"] == {"value": str(era.state), "from": "AGENT_STATE_DIR"}
    assert found["cpu"] == {"value": 1, "from": "default"}
    lines = era("config").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["Setting", *rules()]
    assert lines[list(rules()).index("timeout") + 1].split() == ["timeout", "5", str(file)]


def test_the_usual_folders_are_shown_by_their_names(era: Era) -> None:
    era.env |= {"AGENT_STATE_DIR": "", "ERA_CACHE_DIR": ""}
    found = json.loads(era("config", "--json").stdout)
    for name in ("state_dir", "cache_dir"):
        assert found[name]["from"] == "default"
        assert found[name]["value"].startswith("/")


@pytest.mark.parametrize("command", [("config",), ("vm", "list"), ("vm", "create", "--language", "python")])
def test_a_broken_file_is_one_line_and_status_2(era: Era, file: Path, command: tuple[str, ...]) -> None:
    file.write_text("c = get_config()\nc.EraConfig.mem = \n")
    ended = era(*command)
    assert (ended.status, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"era: {file}, line 2: SyntaxError: ")
    assert ended.stderr.count("\n") == 1


def test_a_broken_file_does_not_hide_the_help(era: Era, file: Path) -> None:
    file.write_text("(")
    assert era("vm", "create", "--help").status == 0


def test_commands_obey_what_is_configured(toy_era: Era, file: Path) -> None:
    file.write_text("c.EraConfig.timeout = 0.5\nc.EraConfig.log_level = 'info'\n")
    log = file.with_name("log")
    ended = toy_era("vm", "temp", "--language", "python", "--cmd", "sleep 20", env={"AGENT_LOG_FILE": str(log)})
    assert ended.status == 124
    assert log.exists()
    assert toy_era("vm", "temp", "--language", "python", "--cmd", "sleep 1", "--timeout", "20").status == 0


def test_an_argument_of_a_command_in_a_guest_is_left_alone(toy_era: Era) -> None:
    ended = toy_era("vm", "exec", "--vm", "python-0000000a", "--cmd", "echo --EraConfig.mem=1")
    assert ended.stdout == "--EraConfig.mem=1\n"


def test_the_help_shows_the_real_defaults() -> None:
    shown = {"cpu": "1", "mem": "256", "network": "none", "timeout": "30"}
    for name, text in shown.items():
        assert rules()[name].about.kind.show(rules()[name].default) == text
    for command in ("create", "temp", "exec"):
        for option in vm.commands[command].params:
            if option.name in shown:
                assert getattr(option, "show_default", "") == f"{shown[option.name]}, or EraConfig.{option.name}"
