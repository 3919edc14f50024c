"""Which value is in force, what gave it, and what is said of one that cannot be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.config import kinds
from era_kernel.config.arguments import take_arguments
from era_kernel.config.settings import Settings, rules
from era_kernel.config.sources import Found, in_force, look_up, setting
from era_kernel.config.traits import EraConfig
from era_kernel.errors import ConfigError

VARIABLES = tuple(rule.about.variable for rule in rules().values() if rule.about.variable)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Jupyter's strongest configuration folder. Nothing is configured but what a test says."""
    for variable in (*VARIABLES, "JUPYTER_NO_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    strong, weak = tmp_path / "strong", tmp_path / "weak"
    for each in (strong, weak):
        each.mkdir()
    monkeypatch.setattr("era_kernel.config.files.config_folders", lambda: [str(strong), str(weak)])
    take_arguments([])
    yield strong
    take_arguments([])


def write(folder: Path, text: str) -> Path:
    file = folder / "era_kernel_config.py"
    file.write_text(text)
    return file


def test_with_nothing_said_the_defaults_are_in_force() -> None:
    assert in_force() == Settings()
    assert {found.source for found in look_up().values()} == {"default"}


def test_each_source_goes_before_the_next(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = write(folder.parent / "weak", "c.EraConfig.log_level = 'info'\nc.EraConfig.mem = 300")
    assert look_up()["log_level"] == Found("info", str(weak))
    strong = write(folder, "c = get_config()\nc.EraConfig.log_level = 'debug'")
    assert look_up()["log_level"] == Found("debug", str(strong))
    assert look_up()["mem"] == Found(300, str(weak))
    take_arguments(["--EraConfig.log_level=warn", "--EraConfig.log_level=error"])
    assert look_up()["log_level"] == Found("error", "--EraConfig.log_level")
    monkeypatch.setenv("AGENT_LOG_LEVEL", "INFO")
    assert look_up()["log_level"] == Found("info", "AGENT_LOG_LEVEL")
    monkeypatch.setenv("AGENT_LOG_LEVEL", "")
    assert look_up()["log_level"].value == "error"


def test_an_option_of_the_kernel_s_goes_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_LOG_LEVEL", "info")
    take_arguments(["--log-level=debug", "--EraConfig.log_level=warn"], {"--log-level": "log_level"})
    assert look_up()["log_level"] == Found("debug", "--log-level")
    take_arguments(["--log-level"], {"--log-level": "log_level"})
    with pytest.raises(ConfigError, match="--log-level is ''"):
        in_force()


def test_json_says_the_same_and_is_stronger_than_python_beside_it(folder: Path) -> None:
    write(folder, "c.EraConfig.update(cpu=3, mem=300)")
    file = folder / "era_kernel_config.json"
    file.write_text(json.dumps({"EraConfig": {"mem": 400, "images": {"py": "a/b:c"}}}))
    assert (in_force().cpu, in_force().mem, in_force().images) == (3, 400, {"python": "a/b:c"})
    assert look_up()["mem"].source == str(file)


def test_a_file_may_be_a_program(folder: Path) -> None:
    write(folder, "for n in range(3):\n    c.EraConfig.cpu = n + 1\nc.EraConfig.images.update({'python': 'x'})\n")
    assert (in_force().cpu, in_force().images) == (3, {"python": "x"})


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("c.EraConfig.mem = 512\nfoo(\n", 2, "'(' was never closed"),
        ("c = get_config()\nc.EraConfig.mem = foo\n", 2, "NameError: name 'foo' is not defined"),
        ("import json\njson.loads('{')\n", 2, "Expecting property name"),
        ("\nraise SystemExit('gone')\n", 2, "SystemExit: gone"),
        ("# c.EraConfig.mem = 1\nc.EraConfig.mem = 'lots'\n# mem\n", 2, "mem is 'lots'. It has to be a whole number"),
        ("c.EraConfig.mem = 64\n", 1, "128 or more"),
        ("c.EraConfig.cpu = True\n", 1, "cpu is True"),
        ("c.EraConfig.persist = 'perhaps'\n", 1, "True or False"),
        ("c.EraConfig.images = {'cobol': 'x'}\n", 1, "known languages"),
        ("c.EraConfig.log_file = 3\n", 1, "has to be a path"),
        ("c.EraConfig.timeout = float('nan')\n", 1, "seconds above 0"),
        ("c.EraConfig.memory = 1\n", 1, "no setting 'memory'. Did you mean mem?"),
        ("c.EraConfg.mem = 1\n", 1, "only EraConfig is configured here"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line_that_names_file_and_line(
    folder: Path, text: str, line: int, said: str
) -> None:
    file = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        in_force()
    message = str(caught.value)
    assert message.startswith(f"{file}, line {line}: ")
    assert said in message
    assert "\n" not in message
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"EraConfig":\n {"mem": 1}}', 2),
        ("{\n\n,", 3),
        ('["x"]', None),
        ('{"EraConfig": 3}', 1),
        ('{"EraConfig": [1]}', 1),
        ("", 1),
    ],
)
def test_broken_json_is_told_the_same_way(folder: Path, text: str, line: int | None) -> None:
    file = folder / "era_kernel_config.json"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        in_force()
    assert str(caught.value).startswith(f"{file}, line {line}: " if line else str(file))


def test_bytes_that_are_no_text_are_told(folder: Path) -> None:
    (folder / "era_kernel_config.py").write_bytes(b"\xff\xfe\0")
    with pytest.raises(ConfigError, match="era_kernel_config"):
        in_force()


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("AGENT_LOG_LEVEL", "loud", "AGENT_LOG_LEVEL is 'loud'. It has to be debug, info, warn or error."),
        ("AGENT_ENABLE_GUEST_VOLUMES", "perhaps", "(in a variable 1 or 0)"),
        ("AGENT_STATE_DIR", "~nobody-of-that-name/x", "has to be a path"),
    ],
)
def test_what_is_wrong_in_a_variable_names_it(
    variable: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigError) as caught:
        in_force()
    assert said in str(caught.value)


def test_an_argument_that_is_no_setting_is_told_with_the_nearest() -> None:
    take_arguments(["--EraConfig.mme=512"])
    with pytest.raises(ConfigError, match=r"EraConfig\.mme: there is no setting 'mme'\. Did you mean mem"):
        setting("cpu")


def test_arguments_are_taken_out_of_the_command_line() -> None:
    aliases = {"--log-level": "log_level"}
    line = ["-f", "x", "--EraConfig.mem=512", "--log-level", "debug", "--debug", "--", "--EraConfig.cpu=2"]
    assert take_arguments(line, aliases) == ["-f", "x", "--debug", "--", "--EraConfig.cpu=2"]
    assert (setting("mem"), setting("log_level"), setting("cpu")) == (512, "debug", 1)


def test_there_is_a_trait_with_help_for_each_setting() -> None:
    traits = EraConfig.class_traits(config=True)
    assert {name for name, trait in traits.items() if trait.help and not name.startswith("_")} - {"log"} == set(rules())
    assert all(rule.name in EraConfig.class_get_help() for rule in rules().values())


@pytest.mark.parametrize("name", rules())
def test_the_text_that_is_shown_means_the_value(name: str) -> None:
    rule = rules()[name]
    if rule.default is not None:
        assert rule.about.kind.check(rule.about.kind.show(rule.default)) == rule.default


@given(st.integers(0, 1 << 50))
def test_a_size_that_is_shown_means_the_same_number(size: int) -> None:
    text = kinds.SIZE.show(size)
    if len(text) <= 12:
        assert kinds.SIZE.check(text) == size


@given(st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.booleans(), st.binary(), st.lists(st.text())))
def test_any_value_is_taken_or_refused_as_one_that_cannot_be(value: object) -> None:
    for rule in rules().values():
        try:
            found = rule.about.kind.check(value)
        except ValueError:
            continue
        assert rule.about.kind.check(found) == found


def test_the_folder_that_we_are_started_in_configures_nothing(tmp_path: Path) -> None:
    """It may be a stranger's notebook's: a file there must not run on the host."""
    write(tmp_path, "open('ran', 'w')")
    code = "from era_kernel.config.sources import in_force; print(in_force().mem)"
    subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, timeout=60, check=True)
    assert not (tmp_path / "ran").exists()


def test_without_a_file_traitlets_is_not_imported() -> None:
    code = (
        "import sys; from era_kernel.config.sources import in_force; in_force(); sys.exit('traitlets' in sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-P", "-c", code], env={**os.environ, "JUPYTER_CONFIG_DIR": "/nowhere"}, timeout=60, check=True
    )
