"""Ports that listen before ZMQ is imported, and are ZMQ's afterwards."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from era_kernel.kernel.listen import CHANNELS, Listeners, listen_early


def free_ports(count: int) -> list[int]:
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


@pytest.fixture
def connection() -> dict[str, Any]:
    return {"transport": "tcp", "ip": "127.0.0.1", **dict(zip(CHANNELS, free_ports(len(CHANNELS)), strict=True))}


def listening(tmp_path: Path, connection: object) -> Listeners:
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(connection))
    return listen_early(["-f", str(file), "--language", "python"])


@pytest.fixture
def listeners(tmp_path: Path, connection: dict[str, Any]) -> Iterator[Listeners]:
    found = listening(tmp_path, connection)
    yield found
    for listener in found.values():
        listener.close()


def test_every_channel_s_port_listens(listeners: Listeners, connection: dict[str, Any]) -> None:
    assert list(listeners) == [connection[channel] for channel in CHANNELS]
    for port in listeners:
        socket.create_connection(("127.0.0.1", port), 1).close()


def test_what_came_early_reaches_zmq(listeners: Listeners) -> None:
    port, listener = listeners.popitem()
    with zmq.Context() as context, context.socket(zmq.DEALER) as front_end, context.socket(zmq.ROUTER) as kernel:
        front_end.connect(f"tcp://127.0.0.1:{port}")
        front_end.send(b"early")
        kernel.use_fd = listener.detach()
        kernel.bind(f"tcp://127.0.0.1:{port}")
        assert kernel.poll(5000)
        assert kernel.recv_multipart()[1:] == [b"early"]


@pytest.mark.parametrize(
    "change",
    [{"transport": "ipc"}, {"ip": "not an address"}, {"shell_port": "none"}, {"shell_port": 0, "iopub_port": None}],
)
def test_what_cannot_be_listened_on_is_left_to_the_application(
    tmp_path: Path, connection: dict[str, Any], change: dict[str, Any]
) -> None:
    assert listening(tmp_path, {**connection, **change}) == {}


def test_a_port_in_use_is_left_to_the_application(tmp_path: Path, connection: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", connection["shell_port"])):
        assert connection["shell_port"] not in listening(tmp_path, connection)


@pytest.mark.parametrize("argv", [[], ["-f"], ["-f", "/nowhere/connection.json"], ["--help"]])
def test_other_command_lines_are_left_to_the_application(argv: list[str]) -> None:
    assert listen_early(argv) == {}
