"""What a client and a shim say to each other beyond the guest's own frames: JSON in CONTROL frames on stream 0."""

from __future__ import annotations

import msgspec

from era_kernel.errors import ProtocolError
from era_kernel.protocol.frames import FrameType, encode_frame


class Attach(msgspec.Struct, frozen=True, tag="attach"):
    """The first thing a client says."""

    protocol: int


class StatusRequest(msgspec.Struct, frozen=True, tag="status"):
    pass


class StopRequest(msgspec.Struct, frozen=True, tag="stop"):
    """Power the guest off; after `grace` seconds its VMM is ended."""

    grace: float


class Attached(msgspec.Struct, frozen=True, tag="attached"):
    """The shim's answer to Attach."""

    vm_id: str
    agent_version: str


class ShimStatus(msgspec.Struct, frozen=True, tag="status"):
    """`processes` counts live sessions and commands of all clients, `uptime` is the VM's in seconds."""

    processes: int
    uptime: float


class VmGone(msgspec.Struct, frozen=True, tag="gone"):
    """The last thing that a shim says. `stopped`: because somebody asked for it."""

    reason: str
    stopped: bool


ClientControl = Attach | StatusRequest | StopRequest
ShimControl = Attached | ShimStatus | VmGone

_client_decoder: msgspec.json.Decoder[ClientControl] = msgspec.json.Decoder(ClientControl)
_shim_decoder: msgspec.json.Decoder[ShimControl] = msgspec.json.Decoder(ShimControl)


def encode_control(message: ClientControl | ShimControl) -> bytes:
    """The whole frame."""
    return encode_frame(FrameType.CONTROL, 0, msgspec.json.encode(message))


def parse_client_control(payload: bytes) -> ClientControl:
    try:
        return _client_decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"A client sent a control message that is none: {error}") from error


def parse_shim_control(payload: bytes) -> ShimControl:
    try:
        return _shim_decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"The shim sent a control message that is none: {error}") from error
