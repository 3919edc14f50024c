"""Make what a VM of a language starts from, where it is missing, and find out how guests run on this host."""

from __future__ import annotations

import sys
import time

from era_kernel.errors import EraError
from era_kernel.images import buildah, disk, guest_kernel, initramfs
from era_kernel.languages import find_language
from era_kernel.launchers.choose import choose_launcher
from era_kernel.service.create import new_record
from era_kernel.service.limits import check_request
from era_kernel.templates.obtain import obtain

STARTED = time.monotonic()


def say(line: str) -> None:
    print(f"[{time.monotonic() - STARTED:3.0f}s] {line}", flush=True)


def main() -> None:
    language = find_language(sys.argv[1])
    initramfs.initramfs(guest_kernel.guest_kernel(say), say)
    digest = buildah.resolve_image(language.local_image, say)
    disk.image_disk(language.local_image, digest, say)
    launcher = choose_launcher(None)
    say(f"guests run with {launcher.probe().detail}")
    request = check_request(language.name)
    obtain(launcher, new_record(request, launcher, language.local_image, digest), say)


try:
    main()
except EraError as error:
    sys.exit(f"error: {error}")
