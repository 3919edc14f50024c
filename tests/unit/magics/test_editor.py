"""What is offered while a `%era` line is being typed."""

from __future__ import annotations

import pytest

from era_kernel.magics.editor import Completion, complete, help_for, typed_line


def vms() -> list[str]:
    return ["python-1", "go-1"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (" li", "list"),
        (" create --lang", "--language"),
        (" create --language py", "python"),
        (" create --network a", "allow_all"),
        (" stop --vm p", "python-1"),
        (" use g", "go-1"),
        (" help cre", "create"),
    ],
)
def test_what_may_follow(text: str, match: str) -> None:
    found = complete(text, 100, vms)
    assert match in found.matches
    assert found.end - found.start == len(text.split()[-1])


def test_nothing_follows_an_unknown_command() -> None:
    assert complete(" lst --", 3, vms) == Completion([], 1, 3)


def test_vms_are_asked_for_only_where_an_id_stands() -> None:
    def never() -> list[str]:
        raise AssertionError

    assert "--all" in complete(" stop --", 8, never).matches


@pytest.mark.parametrize(
    ("code", "line"),
    [("%era list", " list"), ("x\n%%era exec", " exec"), ("%erasmus", None), ("x = '%era l'", None), ("%era", None)],
)
def test_the_line_that_is_typed(code: str, line: str | None) -> None:
    assert typed_line(code, len(code)) == line


def test_help_is_the_commands() -> None:
    assert help_for(" exec --all").startswith("Usage: %era exec")
    assert help_for(" nothing").startswith("Usage: %era [OPTIONS] COMMAND")
