"""The agent, built once a run, with sanitizers; drivers, executed and forked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from era_kernel.guest.build import compile_agent
from tests.unit.guest.agent_peer import AgentPeer
from tests.unit.guest.bash_driver import start_bash
from tests.unit.guest.driver_peer import DriverPeer, StartDriver, running_driver, start_cold
from tests.unit.guest.go_driver import GoProgram, build
from tests.unit.guest.node_driver import start_node
from tests.unit.guest.ruby_driver import start_ruby
from tests.unit.guest.warm_driver import Zygote

StartAgent = Callable[..., AgentPeer]


@pytest.fixture(scope="session")
def agent_binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # `cc` by name: musl's compiler, which a build prefers, has no sanitizers.
    return compile_agent(tmp_path_factory.mktemp("agent") / "era-agent", ["cc"], sanitize=True)


@pytest.fixture
def start_agent(agent_binary: Path) -> Iterator[StartAgent]:
    """Starts agents that end with the test; the sanitizers' words fail it."""
    peers: list[AgentPeer] = []

    def start(env: dict[str, str] | None = None, greet: bool = True) -> AgentPeer:
        peer = AgentPeer([agent_binary], env, greet)
        peers.append(peer)
        return peer

    yield start
    for peer in peers:
        peer.kill()


@pytest.fixture
def peer(start_agent: StartAgent) -> AgentPeer:
    """An agent that was resumed."""
    return start_agent()


@pytest.fixture(scope="module", params=["cold", "warm"])
def start_driver(request: pytest.FixtureRequest) -> Iterator[StartDriver]:
    """How a driver starts: executed, or as a spare of one zygote, which must make no difference."""
    if request.param == "cold":
        yield start_cold
        return
    with Zygote() as zygote:
        yield zygote.start_driver


@pytest.fixture(scope="session")
def go_driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled Go driver."""
    return build(tmp_path_factory.mktemp("go") / "driver")


@pytest.fixture(scope="module", params=["cold", "warm"])
def start_go(request: pytest.FixtureRequest, go_driver: Path) -> Iterator[StartDriver]:
    """How a Go driver starts: executed, or as a spare of one zygote, which must make no difference."""
    if request.param == "cold":
        yield GoProgram(go_driver)
        return
    with Zygote(["--warm"], interpreter=[str(go_driver)]) as zygote:
        yield zygote.start_driver


@pytest.fixture
def go_peer(start_go: StartDriver) -> Iterator[DriverPeer]:
    """A session of the Go driver."""
    with running_driver(start_go) as running:
        yield running


@pytest.fixture
def ruby_peer() -> Iterator[DriverPeer]:
    """A session of the Ruby driver."""
    with running_driver(start_ruby) as running:
        yield running


@pytest.fixture
def bash_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriverPeer]:
    """A session of the bash driver, which leaves its folder when it is killed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running_driver(start_bash) as running:
        yield running


@pytest.fixture
def node_peer() -> Iterator[DriverPeer]:
    """A session of the Node driver."""
    with running_driver(start_node) as running:
        yield running
