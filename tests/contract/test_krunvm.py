"""What holds between the registry and krunvm's own list, whoever changes either of them behind the other's back."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from era_kernel.errors import ImageError
from era_kernel.images.containers_conf import environment
from era_kernel.launchers.krunvm import Krunvm
from era_kernel.models import VmState
from era_kernel.paths import StatePaths
from era_kernel.process import run as run_tool
from era_kernel.service.files import put_file
from era_kernel.service.manager import Manager
from era_kernel.store.repository import VmRepository
from tests.contract.test_front_ends import ROOT
from tests.contract.test_front_ends import environment as environment_of
from tests.contract.test_launchers import run

pytestmark = [
    pytest.mark.vm,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("runtime", ["krunvm"], indirect=True, scope="module"),
]


def listed(state: StatePaths) -> set[str]:
    return set(Krunvm(state.root).list())


def test_two_creations_at_once_lose_none(manager: Manager, state: StatePaths) -> None:
    """krunvm itself writes its configuration without a lock."""
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: manager.create("python", mem=160).id, range(3)))
    assert set(made) <= listed(state)
    manager.clean(made)
    assert not set(made) & listed(state)


def test_a_vm_that_only_krunvm_knows_is_removed_there(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python")
    manager.stop([made.id])
    VmRepository(state).remove(made.id)
    manager.list()
    assert made.id in listed(state), "its folder is there: it is somebody's data"
    shutil.rmtree(state.vm(made.id).folder)
    manager.list()
    assert made.id not in listed(state)


def test_a_vm_of_somebody_elses_is_left_alone(manager: Manager, state: StatePaths) -> None:
    host = Krunvm(state.root)
    image = run_tool(["buildah", "from", "--name", "mine", "scratch"], timeout=60, env=host.env)
    assert image.stdout.strip() == "mine"
    run_tool(["buildah", "commit", "--quiet", "--rm", "mine", "localhost/mine"], timeout=60, env=host.env)
    host.run(["krunvm", "create", "--name", "mine", "localhost/mine"])
    manager.list()
    assert "mine" in listed(state)
    host.run(["krunvm", "delete", "mine"])


def test_a_vm_that_krunvm_lost_is_made_again(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python")
    manager.stop([made.id])
    Krunvm(state.root).run(["krunvm", "delete", made.id])
    assert manager.start(made.id).state is VmState.READY
    assert run(manager, made.id, "echo well") == (0, "well\n")
    manager.clean([made.id])


def test_memory_that_was_changed_is_there_at_the_next_start(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", mem=160)
    manager.stop([made.id])
    VmRepository(state).update(made.id, spec=msgspec.structs.replace(made.spec, mem=320))
    manager.start(made.id)
    total = int(run(manager, made.id, "grep MemTotal /proc/meminfo")[1].split()[1])
    assert 200 * 1024 < total <= 320 * 1024
    manager.clean([made.id])


def test_an_image_without_a_shell_makes_no_vm(manager: Manager, state: StatePaths) -> None:
    env = environment(state.root)
    before = listed(state)
    run_tool(["buildah", "from", "--name", "bare", "scratch"], timeout=60, env=env)
    run_tool(["buildah", "commit", "--quiet", "--rm", "bare", "localhost/era-test/bare"], timeout=60, env=env)
    # The launcher looks for images in the storage of AGENT_STATE_DIR.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENT_STATE_DIR", str(state.root))
        with pytest.raises(ImageError, match="no /bin/sh"):
            manager.create("python", image="localhost/era-test/bare")
    assert listed(state) == before


def test_volumes_that_vanished_are_made_again(
    manager: Manager, state: StatePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_ENABLE_GUEST_VOLUMES", "1")
    made = manager.create("python")
    paths = state.vm(made.id)
    source = state.root / "file"
    source.write_text("x")
    asyncio.run(put_file(paths, source))
    assert (paths.folder / "in/file").read_text() == "x"
    manager.stop([made.id])
    (paths.folder / "in/file").unlink()
    (paths.folder / "in").rmdir()
    manager.start(made.id)
    assert run(manager, made.id, "ls /in") == (0, "")
    manager.clean([made.id])


@pytest.mark.skipif(os.geteuid() != 0, reason="making the user namespace needs root; a plain user is in one anyway")
def test_it_works_with_powers_over_a_user_namespace_only(state: StatePaths, runtime: str) -> None:
    """As inside `buildah unshare`, where a plain user's krunvm runs: mounts, jail, network namespace."""
    era = [sys.executable, "-P", "-m", "era_kernel", "vm", "temp", "--language", "python", "--cmd", "echo hello"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.userns", *era],
        cwd=ROOT,
        env=environment_of(state, runtime),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr
