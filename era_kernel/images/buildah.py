"""OCI images, by buildah: found, pulled, mounted. buildah keeps its own storage; what the user exported for it wins."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from era_kernel import process
from era_kernel.errors import ImageError, ToolFailedError
from era_kernel.progress import Report, Stage, Step

QUICK = 120.0
PULL = 1800.0
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_CONTAINER = re.compile(r"era-(\d+)-[0-9a-f]{8}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


Environment = Mapping[str, str] | None
"""What buildah runs with: None is our own environment."""


def find_image(reference: str, env: Environment = None) -> str | None:
    """The digest (sha256:…, of the image's configuration, which names all its layers) of a local image, or None.

    Raises ToolMissingError, ImageError for what is no reference and for an image that no guest here can run.
    """
    if not reference or reference.startswith("-"):
        raise ImageError(f"{reference!r} is no image reference", _REFERENCE)
    try:
        text = process.run(["buildah", "inspect", "--type", "image", reference], timeout=QUICK, env=env).stdout
    except ToolFailedError as error:
        if _is_absent(error.output):
            return None
        if "invalid reference format" in error.output:
            raise ImageError(f"{reference!r} is no image reference", _REFERENCE) from error
        raise ImageError(f"buildah cannot look at {reference}: {_last_line(error)}", _STORAGE) from error
    image = json.loads(text)
    oci = image.get("OCIv1") or {}
    _check_platform(reference, str(oci.get("os", "")), str(oci.get("architecture", "")))
    digest = f"sha256:{image['FromImageID']}"
    if not _DIGEST.fullmatch(digest):
        raise ImageError(f"buildah gives {reference} the strange id {digest}", "`buildah version` may be too old.")
    return digest


_REFERENCE = "One looks like docker.io/library/python:3.11-slim."
_STORAGE = "`buildah info` shows whether its storage works."


def _is_absent(text: str) -> bool:
    return "image not known" in text or "does not exist" in text or "unable to find" in text.lower()


def _last_line(error: ToolFailedError) -> str:
    return error.output.splitlines()[-1] if error.output else error.message


def _check_platform(reference: str, system: str, architecture: str) -> None:
    ours = _ARCHITECTURES.get(platform.machine(), platform.machine())
    if (system and system != "linux") or (architecture and architecture != ours):
        raise ImageError(f"{reference} is an image for {system}/{architecture}, not linux/{ours}", "Choose another.")


def resolve_image(reference: str, report: Report, env: Environment = None, policy: Path | None = None) -> str:
    """The digest of an image, pulled when it is not here, as far as `policy` lets. Raises ToolMissingError, ImageError.

    `policy`: a containers-policy.json(5).
    """
    digest = find_image(reference, env)
    if digest is not None:
        return digest
    if reference.startswith("localhost/"):
        language = reference.rpartition("/")[2].partition(":")[0]
        raise ImageError(
            f"There is no image {reference}", f"`bash setup_scripts/images/debian.sh {language}` builds it."
        )
    report(Step(Stage.IMAGE, f"pulling {reference}"))
    try:
        rules = [] if policy is None else ["--signature-policy", str(policy)]
        process.run(["buildah", "pull", "--quiet", *rules, reference], timeout=PULL, env=env)
    except ToolFailedError as error:
        raise ImageError(
            f"{reference} cannot be pulled: {_last_line(error)}",
            "Check its name and the network; where no registry can be reached, "
            "`bash setup_scripts/images/debian.sh python` builds an image to use instead.",
        ) from error
    digest = find_image(reference, env)
    if digest is None:
        raise ImageError(f"buildah pulled {reference}, and it is not there", _STORAGE)
    return digest


@contextlib.contextmanager
def working_container(digest: str, reference: str, env: Environment = None) -> Iterator[str]:
    """A buildah container of a local image, by digest, removed afterwards; gives its name. Raises ImageError.

    Its name tells whose it is, so that what a killed process left is removed by the next one.
    """
    _remove_orphans(env)
    name = f"era-{os.getpid()}-{secrets.token_hex(4)}"
    command = ["buildah", "from", "--pull-never", "--name", name, digest.removeprefix("sha256:")]
    try:
        process.run(command, timeout=QUICK, env=env)
    except ToolFailedError as error:
        raise ImageError(
            f"The image {reference} ({digest[:19]}) is no longer in buildah's storage", "Pull or build it again."
        ) from error
    try:
        yield name
    finally:
        with contextlib.suppress(ToolFailedError):
            process.run(["buildah", "rm", name], timeout=QUICK, env=env)


def _remove_orphans(env: Environment) -> None:
    """Containers of ours whose process is no more."""
    listing = ["buildah", "containers", "--noheading", "--format", "{{.ContainerName}}"]
    names = process.run(listing, timeout=QUICK, env=env)
    for name in names.stdout.split():
        match = _CONTAINER.fullmatch(name)
        if match and not psutil.pid_exists(int(match[1])):
            with contextlib.suppress(ToolFailedError):
                process.run(["buildah", "rm", name], timeout=QUICK, env=env)
