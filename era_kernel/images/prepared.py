"""An image with our agent and drivers under /.era, for VMMs that boot an image's own files.

Committed once for each base digest and each agent; `python -m era_kernel.images.prepared CONTAINER` fills a container:
a program of its own, because for a plain user mounting works only inside `buildah unshare`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from era_kernel import __version__, process
from era_kernel.errors import EraError, ImageError, ToolFailedError
from era_kernel.images.buildah import QUICK, find_image, working_container
from era_kernel.images.initramfs import GUEST, agent_binary
from era_kernel.progress import Report, Stage, Step

REPOSITORY = "localhost/era-krunvm"
AGENT = "/.era/agent"
FOLDERS = ("in", "out", "persist", "root", "tmp")
"""Guest folders that every VM has, whatever its image; those that an image has stay as they are."""

_COMMIT = 1800.0
_LOCK = 1800.0


def prepared_name(digest: str) -> str:
    """The reference of what is made of the image `digest` with this agent and these drivers. Raises ImageError."""
    made_of = hashlib.sha256(f"{digest} {__version__}".encode())
    for path in [agent_binary(), *sorted(_driver_files())]:
        made_of.update(f" {path.relative_to(GUEST)} {path.stat().st_mode} ".encode() + path.read_bytes())
    return f"{REPOSITORY}:{made_of.hexdigest()[:32]}"


def _driver_files() -> list[Path]:
    return [path for path in (GUEST / "drivers").rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def prepared_image(reference: str, digest: str, env: Mapping[str, str], lock_folder: Path, report: Report) -> str:
    """The prepared image's reference, made at first use. Raises ImageError, ToolError."""
    name = prepared_name(digest)
    if find_image(name, env) is not None:
        return name
    with FileLock(lock_folder / ".prepared.lock", timeout=_LOCK):
        if find_image(name, env) is None:
            report(Step(Stage.DISK, f"putting the agent into {reference}"))
            with working_container(digest, reference, env) as container:
                _commit(container, name, env, reference)
    return name


def probe_image(env: Mapping[str, str], lock_folder: Path) -> str:
    """An image with nothing but the agent, for a trial boot. Raises ImageError, ToolError."""
    name = prepared_name("scratch")
    with FileLock(lock_folder / ".prepared.lock", timeout=_LOCK):
        if find_image(name, env) is None:
            container = process.run(["buildah", "from", "scratch"], timeout=QUICK, env=env).stdout.strip()
            try:
                _commit(container, name, env, "nothing", "--no-shell")
            finally:
                process.run(["buildah", "rm", container], timeout=QUICK, env=env)
    return name


def _commit(container: str, name: str, env: Mapping[str, str], reference: str, *options: str) -> None:
    prefix = [] if os.geteuid() == 0 else ["buildah", "unshare", "--"]
    fill_command = [*prefix, sys.executable, "-P", "-m", "era_kernel.images.prepared", container, *options]
    python = {key: value for key, value in os.environ.items() if key.startswith("PYTHON")}
    try:
        process.run(fill_command, timeout=QUICK, env={**env, **python})
        process.run(["buildah", "commit", "--quiet", container, name], timeout=_COMMIT, env=env)
    except ToolFailedError as error:
        raise ImageError(
            f"The agent cannot be put into {reference}: {_said(error)}", "`buildah info` shows its storage."
        ) from error


def _said(error: ToolFailedError) -> str:
    return error.output.splitlines()[-1] if error.output else error.message


def fill(root: Path, *, needs_shell: bool) -> None:
    """Put agent, drivers and folders into an image's root. ImageError where it has no shell, or a link in our place."""
    if needs_shell and not any(os.path.lexists(root / shell) for shell in ("bin/sh", "usr/bin/sh")):
        raise ImageError("The image has no /bin/sh", "Choose an image with a shell.")
    for name in FOLDERS:
        folder = root / name
        if not os.path.lexists(folder):
            folder.mkdir()
            folder.chmod(0o1777 if name == "tmp" else 0o755)
    era = root / ".era"
    if os.path.lexists(era) and not stat.S_ISDIR(era.lstat().st_mode):
        raise ImageError("The image has a file /.era", "Choose another image.")
    shutil.rmtree(era, ignore_errors=True)
    era.mkdir(mode=0o755)
    era.chmod(0o755)
    shutil.copyfile(agent_binary(), era / "agent")
    (era / "agent").chmod(0o755)
    shutil.copytree(GUEST / "drivers", era / "drivers", ignore=shutil.ignore_patterns("__pycache__", ".*"))


def main(container: str, *options: str) -> None:
    root = Path(process.run(["buildah", "mount", container], timeout=QUICK).stdout.strip())
    try:
        fill(root, needs_shell="--no-shell" not in options)
    finally:
        process.run(["buildah", "umount", container], timeout=QUICK)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (EraError, OSError) as error:
        sys.exit(str(error))
