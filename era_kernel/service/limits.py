"""What may be asked for: checked whole before anything is made."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import psutil

from era_kernel.config.settings import MIN_MEM
from era_kernel.config.sources import in_force
from era_kernel.errors import LimitError, UsageError
from era_kernel.languages import LanguageSpec, find_language
from era_kernel.models import Network, Purpose, VmSpec

MIB = 1 << 20

# The grammar of an image reference: https://pkg.go.dev/github.com/distribution/reference
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_TAG = r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}"
_DIGEST = r"[a-zA-Z][a-zA-Z0-9]*(?:[-_+.][a-zA-Z][a-zA-Z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"(?P<name>(?:{_DOMAIN}/)?{_PART}(?:/{_PART})*)(?::{_TAG})?(?:@{_DIGEST})?")
_NAME_LIMIT = 255


@dataclass(frozen=True)
class Request:
    """A VM that may be made: all of it is checked. `image` None: the language's default one. `mem` in MiB."""

    language: LanguageSpec
    image: str | None
    cpu: int
    mem: int
    network: Network
    persist: bool
    purpose: Purpose

    def spec(self, image: str) -> VmSpec:
        return VmSpec(self.language.name, image, self.cpu, self.mem, self.network, self.persist)


def check_request(
    language: str,
    *,
    image: str | None = None,
    cpu: int | None = None,
    mem: int | None = None,
    network: str | None = None,
    persist: bool | None = None,
    purpose: Purpose = Purpose.USER,
) -> Request:
    """What is None is as configured; a VM for one owner has no persistent disk unless asked for.

    Raises UnknownLanguageError, LimitError, UsageError, each with what would be right; ConfigError.
    """
    spec = find_language(language)
    usual = in_force()
    wanted = Request(
        spec,
        usual.images.get(spec.name) if image is None else image,
        usual.cpu if cpu is None else cpu,
        usual.mem if mem is None else mem,
        check_network(usual.network if network is None else network),
        (usual.persist and purpose is not Purpose.TEMP) if persist is None else persist,
        purpose,
    )
    if wanted.image is not None:
        check_reference(wanted.image)
    check_cpu(wanted.cpu)
    check_mem(wanted.mem)
    return wanted


def check_reference(image: str) -> None:
    """UsageError unless `image` is written as an image reference is."""
    match = _REFERENCE.fullmatch(image)
    if match is None or len(match["name"]) > _NAME_LIMIT:
        raise UsageError(
            f"{image!r} is no image reference", "Write NAME, NAME:TAG or HOST/NAME:TAG, such as python:3.11-slim."
        )


def check_cpu(cpu: int) -> None:
    """LimitError unless the host has `cpu` vCPUs to give."""
    most = os.cpu_count() or 1
    if not 1 <= cpu <= most:
        raise LimitError(f"{cpu} vCPUs cannot be had", f"This host gives from 1 to {most}.")


def check_mem(mem: int) -> None:
    """LimitError unless a guest boots with `mem` MiB and the host has them."""
    most = psutil.virtual_memory().total // MIB
    if not MIN_MEM <= mem <= most:
        raise LimitError(f"{mem} MiB of memory cannot be had", f"This host gives from {MIN_MEM} to {most} MiB.")


def check_network(network: str) -> Network:
    try:
        return Network(network)
    except ValueError:
        known = " or ".join(Network)
        raise UsageError(f"Unknown network {network!r}", f"Choose {known}.") from None


def check_timeout(timeout: float) -> None:
    """UsageError unless `timeout` is a time limit in seconds."""
    if not 0 < timeout < float("inf"):
        raise UsageError(f"A time limit of {timeout} s cannot be kept", "Give a number of seconds above 0.")
