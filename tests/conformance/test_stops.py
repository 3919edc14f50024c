"""A notebook whose VM is stopped goes on with its next cell, variables and all."""

from __future__ import annotations

from pathlib import Path

import pytest

from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager
from tests.conformance.notebook import Message, notebook

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(240)]


def stop(state: Path, *, power_off: bool = False) -> None:
    manager = Manager(StatePaths(state))
    (outcome,) = manager.stop([manager.kernel_vm("python").id], power_off=power_off)
    assert outcome.error is None


def test_the_next_cell_brings_the_vm_back_with_the_variables(state_dir: Path) -> None:
    with notebook() as book:
        book.run("import itertools\ncounter = itertools.count(40)\nnext(counter)")
        for expected in ("41", "42"):
            stop(state_dir)
            result = book.run("next(counter)", timeout=60)
            assert (result.status, result.data) == ("ok", [{"text/plain": expected}])
        stop(state_dir)
        assert book.run("print(input())", timeout=60, answers=("hello",)).text("stdout") == "hello\n"


def test_a_cell_that_ran_says_that_the_vm_was_stopped_and_the_next_finds_its_variables(state_dir: Path) -> None:
    with notebook() as book:

        def strike(message: Message) -> None:
            if "running" in str(message["content"].get("text")):
                stop(state_dir)

        cell = "kept = 42\nprint('running', flush=True)\nimport time; time.sleep(120)"
        result = book.run(cell, timeout=60, on_output=strike)
        assert result.status == "error"
        assert "was stopped" in str(result.error["evalue"])
        assert book.run("kept", timeout=60).data == [{"text/plain": "42"}]


def test_a_vm_that_was_powered_off_comes_back_without_them(state_dir: Path) -> None:
    with notebook() as book:
        book.run("gone = 1")
        stop(state_dir, power_off=True)
        result = book.run("gone", timeout=60)
        assert result.error["ename"] == "NameError"
        assert "a fresh one, without its variables" in result.text("stderr"), "it is said why"
        assert book.run("1").text("stderr") == "", "once"


def test_two_notebooks_find_each_its_own(state_dir: Path) -> None:
    with notebook() as first, notebook() as second:
        first.run("who = 'first'")
        second.run("who = 'second'")
        stop(state_dir)
        assert second.run("who", timeout=60).data == [{"text/plain": "'second'"}]
        assert first.run("who", timeout=60).data == [{"text/plain": "'first'"}]
