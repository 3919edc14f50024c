"""Make what a VM of a language boots from, where it is missing, and find out how guests run on this host."""

from __future__ import annotations

import sys
import time

from era_kernel.errors import EraError
from era_kernel.images import buildah, disk, guest_kernel, initramfs
from era_kernel.languages import find_language
from era_kernel.launchers.choose import choose_launcher

STARTED = time.monotonic()


def say(line: str) -> None:
    print(f"[{time.monotonic() - STARTED:3.0f}s] {line}", flush=True)


def main() -> None:
    image = find_language(sys.argv[1]).local_image
    initramfs.initramfs(guest_kernel.guest_kernel(say), say)
    disk.image_disk(image, buildah.resolve_image(image, say), say)
    say(f"guests run with {choose_launcher(None).probe().detail}")


try:
    main()
except EraError as error:
    sys.exit(f"error: {error}")
