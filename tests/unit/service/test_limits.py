"""What may be asked for, and what is said when it may not."""

from __future__ import annotations

import os

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.errors import LimitError, UnknownLanguageError, UsageError
from era_kernel.models import Network, Purpose, VmSpec
from era_kernel.service.limits import check_reference, check_request, check_timeout

HOST_MEM = psutil.virtual_memory().total >> 20


def test_an_alias_means_the_language() -> None:
    request = check_request("PY", cpu=1, mem=512, network="allow_all", persist=True, purpose=Purpose.TEMP)
    assert request.spec("image") == VmSpec("python", "image", 1, 512, Network.ALLOW_ALL, True)
    assert request.purpose is Purpose.TEMP


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(UnknownLanguageError, match=r"'cobol'.*python"):
        check_request("cobol")


@pytest.mark.parametrize("cpu", [0, -1, (os.cpu_count() or 1) + 1])
def test_vcpus_that_the_host_has_not(cpu: int) -> None:
    with pytest.raises(LimitError, match=rf"{cpu} vCPUs.*from 1 to {os.cpu_count()}"):
        check_request("python", cpu=cpu)


@pytest.mark.parametrize("mem", [127, 0, -5, HOST_MEM + 1])
def test_memory_that_the_host_has_not(mem: int) -> None:
    with pytest.raises(LimitError, match=rf"{mem} MiB.*from 128 to {HOST_MEM} MiB"):
        check_request("python", mem=mem)


def test_the_limits_themselves_may_be_asked_for() -> None:
    assert check_request("python", cpu=os.cpu_count() or 1, mem=HOST_MEM).mem == HOST_MEM
    assert check_request("python", mem=128).mem == 128


@pytest.mark.parametrize("network", ["", "NONE", "all", "bridge"])
def test_an_unknown_network_names_the_known_ones(network: str) -> None:
    with pytest.raises(UsageError, match="none or allow_all"):
        check_request("python", network=network)


GOOD = [
    "python",
    "python:3.11-slim",
    "docker.io/library/python:3.11-slim",
    "localhost/era/python",
    "localhost:5000/a/b:c",
    "[::1]:5000/x",
    "HOST.example/a__b/c-d/e.f",
    "a@sha256:" + "0" * 64,
    "a:tag@sha256:" + "f" * 64,
]


@pytest.mark.parametrize("image", GOOD)
def test_image_references(image: str) -> None:
    check_reference(image)


BAD = [
    *("", " ", "Python", "a b", "a:", ":tag", "a@sha256:12", "/a", "a/", "a//b", "../a", "a:b:c", "é", "a\n", "a\0b"),
    *("-v", "--all", "docker://a", "oci-archive:/tmp/x.tar", "a:" + "t" * 129, "a/" * 128 + "a"),
]


@pytest.mark.parametrize("image", BAD)
def test_what_is_no_image_reference(image: str) -> None:
    with pytest.raises(UsageError, match="no image reference"):
        check_request("python", image=image)


@given(st.text(max_size=40) | st.text("ab-_.:/@[]", max_size=60))
def test_a_reference_is_never_an_option_nor_leaves_a_folder(image: str) -> None:
    try:
        check_reference(image)
    except UsageError:
        return
    assert not image.startswith("-")
    assert ".." not in image
    assert image.isascii()
    assert image.isprintable()


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_time_limits_that_cannot_be_kept(timeout: float) -> None:
    with pytest.raises(UsageError):
        check_timeout(timeout)
