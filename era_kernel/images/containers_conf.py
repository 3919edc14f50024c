"""What buildah and krunvm are configured with: files under the state folder, exported to these two programs alone.

Whatever the user has exported already wins. The files: storage.conf (containers-storage.conf(5)), policy.json
(containers-policy.json(5): everything is rejected but the registries in use), registries.conf
(containers-registries.conf(5)). buildah takes the policy from an option only, so whoever pulls passes it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from era_kernel import process
from era_kernel.errors import StateFolderError, ToolFailedError
from era_kernel.languages import LANGUAGES

log = logging.getLogger(__name__)

STORAGE = ("CONTAINERS_STORAGE_CONF", "CONTAINERS_STORAGE_CONFIG", "STORAGE_CONF", "BUILDAH_STORAGE_CONF")
POLICY = ("CONTAINERS_POLICY",)
REGISTRIES = ("CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH")
DATA = "KRUNVM_DATA_DIR"
DEFAULT_REGISTRY = "docker.io"
_INFO = 60.0
_LOCK = 120.0
_INHERITED = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class ContainersFiles:
    """Where the files of a state folder are."""

    state: Path

    @property
    def folder(self) -> Path:
        return self.state / "containers"

    @property
    def storage(self) -> Path:
        return self.folder / "storage.conf"

    @property
    def policy(self) -> Path:
        return self.folder / "policy.json"

    @property
    def registries(self) -> Path:
        return self.folder / "registries.conf"

    @property
    def graph_root(self) -> Path:
        """On macOS where krunvm has buildah keep it, whatever is configured."""
        return macos_volume() / "root" if _is_macos() else self.folder / "storage"

    @property
    def run_root(self) -> Path:
        return macos_volume() / "runroot" if _is_macos() else self.folder / "run"

    @property
    def krunvm(self) -> Path:
        return self.state / "krunvm"


def macos_volume() -> Path:
    """The case-sensitive volume that krunvm uses on macOS."""
    return Path(os.environ.get("KRUNVM_VOLUME") or "/Volumes/krunvm")


def _is_macos() -> bool:
    return platform.system() == "Darwin"


def registry_of(image: str) -> str:
    """The registry that an image's reference names; a first part that is no host name means docker.io."""
    first, separator, _ = image.partition("/")
    is_host = bool(separator) and ("." in first or ":" in first or first == "localhost")
    return first if is_host else DEFAULT_REGISTRY


def exports(files: ContainersFiles, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to add to `environ`. Of a group of aliases, all mean the file that the user exported in any."""
    added: dict[str, str] = {}
    for names, ours in ((STORAGE, files.storage), (POLICY, files.policy), (REGISTRIES, files.registries)):
        theirs = next((environ[name] for name in names if environ.get(name)), str(ours))
        added |= {name: environ.get(name) or theirs for name in names}
    added[DATA] = environ.get(DATA) or str(files.krunvm)
    return added


def environment(state: Path, registries: Iterable[str] = ()) -> dict[str, str]:
    """The whole environment for buildah and krunvm; the files are written where they are missing or have changed.

    `registries`: those in use beside the languages' own. Raises StateFolderError, ToolError.
    """
    files = ContainersFiles(state)
    theirs = os.environ
    base = {name: theirs[name] for name in _INHERITED if name in theirs}
    base |= {name: value for name, value in theirs.items() if name.lower() in _PROXIES}
    base |= {name: value for name, value in theirs.items() if name.startswith(("BUILDAH_", "CONTAINERS_", "REGISTRY_"))}
    try:
        _write_files(files, theirs, registries)
    except OSError as error:
        raise StateFolderError(
            f"{files.folder} cannot be written: {error.strerror}", "Set AGENT_STATE_DIR to a writable folder."
        ) from error
    exported = exports(files, theirs)
    # krunvm keeps its list of VMs below this folder (confy), without a lock: one list for each state folder.
    return {**base, **exported, "XDG_CONFIG_HOME": f"{exported[DATA]}/config"}


def _write_files(files: ContainersFiles, theirs: Mapping[str, str], registries: Iterable[str]) -> None:
    for folder in (files.folder, Path(theirs.get(DATA) or files.krunvm)):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(files.folder / ".lock", timeout=_LOCK):
        if not files.storage.exists() and not any(theirs.get(name) for name in STORAGE):
            _write(files.storage, _storage(files))
        in_use = {registry_of(language.public_image) for language in LANGUAGES.values()} | set(registries)
        _write(files.policy, policy(in_use | accepted(files.policy)))
        _write(files.registries, registries_conf())


def _write(file: Path, text: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if file.read_text() == text:
            return
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(text)
    draft.replace(file)


def policy(registries: Iterable[str]) -> str:
    """The text of policy.json: what lies in the storage, and what comes from these registries; nothing else."""
    accept = [{"type": "insecureAcceptAnything"}]
    remote = dict.fromkeys(sorted(set(registries) - {"localhost"}), accept)
    rules = {
        "default": [{"type": "reject"}],
        "transports": {"docker": remote, "containers-storage": {"": accept}},
    }
    return json.dumps(rules, indent=2) + "\n"


def accepted(file: Path) -> set[str]:
    """The registries that a policy.json of ours accepts already."""
    try:
        rules = json.loads(file.read_text())
        return set(rules["transports"]["docker"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def registries_conf() -> str:
    """The text of registries.conf: a reference without a registry means Docker's, as krunvm's users are used to."""
    return f'unqualified-search-registries = ["{DEFAULT_REGISTRY}"]\nshort-name-mode = "permissive"\n'


def storage_conf(files: ContainersFiles, driver: str, others: Iterable[str] = ()) -> str:
    """The text of storage.conf. `others`: stores of other owners whose images are seen, and never written."""
    lines = [
        "[storage]",
        f"driver = {json.dumps(driver)}",
        f"graphroot = {json.dumps(str(files.graph_root))}",
        f"runroot = {json.dumps(str(files.run_root))}",
        f"rootless_storage_path = {json.dumps(str(files.graph_root))}",
        "",
        "[storage.options]",
        f"additionalimagestores = {json.dumps(list(others))}",
    ]
    if driver == "overlay":
        # Without this option a mount of the store on itself stays behind.
        lines += ["", "[storage.options.overlay]", 'skip_mount_home = "true"']
    return "\n".join(lines) + "\n"


def _storage(files: ContainersFiles) -> str:
    """With overlay where buildah can mount one on the state folder's file system, else vfs."""
    default = _store()
    root = default.get("GraphRoot", "")
    if _overlay_works(files):
        readable = default.get("GraphDriverName") == "overlay" and root and root != str(files.graph_root)
        return storage_conf(files, "overlay", [root] if readable else [])
    log.warning("Overlays cannot be mounted in %s: images are stored with the slower driver vfs", files.folder)
    return storage_conf(files, "vfs")


def _store() -> dict[str, Any]:
    """buildah's own store, by `buildah info`."""
    try:
        store = json.loads(process.run(["buildah", "info"], timeout=_INFO).stdout)["store"]
    except (ToolFailedError, ValueError, KeyError):
        return {}
    return store if isinstance(store, dict) else {}


def _overlay_works(files: ContainersFiles) -> bool:
    trial = files.folder / "storage.trial.conf"
    _write(trial, storage_conf(files, "overlay"))
    try:
        process.run(["buildah", "info"], timeout=_INFO, env={**os.environ, STORAGE[0]: str(trial)})
    except ToolFailedError as error:
        log.info("the storage driver overlay does not work: %s", error)
        return False
    else:
        return True
    finally:
        trial.unlink(missing_ok=True)


_ROOTS = re.compile(r'^\s*(graphroot|runroot)\s*=\s*"(.*)"\s*$', re.MULTILINE)
_OTHERS = re.compile(r"^\s*additionalimagestores\s*=\s*(\[.*\])\s*$", re.MULTILINE)


def storage_folders(environ: Mapping[str, str]) -> tuple[list[Path], list[Path]]:
    """(folders that buildah writes, folders that it only reads) by the storage.conf that `environ` names."""
    text = Path(environ[STORAGE[0]]).read_text()
    roots = [Path(value) for _, value in _ROOTS.findall(text)]
    found = _OTHERS.search(text)
    return roots, [Path(each) for each in json.loads(found[1])] if found else []
