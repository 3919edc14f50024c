"""Errors are one line with a remedy, and survive being sent to another process."""

from __future__ import annotations

import inspect
import pickle

import pytest

from era_kernel import errors
from era_kernel.errors import BootError, EraError, ToolFailedError, UnknownVmError, UsageError


def test_message_and_remedy_are_one_line() -> None:
    assert str(EraError("It broke.", "Mend it.")) == "It broke. Mend it."
    assert str(EraError("It\n broke")) == "It broke"


def test_usage_errors_end_with_2_all_others_with_1() -> None:
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, EraError):
            assert kind.exit_status == (2 if issubclass(kind, UsageError) else 1)


@pytest.mark.parametrize(
    "error",
    [
        EraError("m", "r"),
        UnknownVmError("python-0"),
        ToolFailedError("m", "r", 3, "output"),
        BootError("m", "r", "console"),
    ],
)
def test_fields_survive_pickling(error: EraError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
