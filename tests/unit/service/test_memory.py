"""A VM that the host has no memory for is refused with a figure."""

from __future__ import annotations

import psutil
import pytest

from era_kernel.errors import HostMemoryError
from era_kernel.service.memory import VMM_MIB, available, check_host_memory


def test_what_is_available_is_no_more_than_the_host_says() -> None:
    host = psutil.virtual_memory().available >> 20
    assert 0 < available() <= host * 1.2


def test_too_much_is_refused_with_both_figures() -> None:
    wanted = available() * 2
    with pytest.raises(HostMemoryError) as caught:
        check_host_memory("python-00000000", wanted)
    assert str(wanted + VMM_MIB) in str(caught.value)
    assert "MiB to give" in str(caught.value)


def test_a_small_vm_is_not() -> None:
    check_host_memory("python-00000000", 128)
