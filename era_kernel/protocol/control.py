"""What a client and a shim say to each other beyond the guest's own frames: JSON in CONTROL frames on stream 0."""

from __future__ import annotations

import msgspec

from era_kernel.errors import ProtocolError
from era_kernel.protocol.frames import FrameType, encode_frame


class Attach(msgspec.Struct, frozen=True, tag="attach"):
    """The first thing a client says. `token`, its own secret, gives it its processes back in a VM that goes on."""

    protocol: int
    token: str


class StatusRequest(msgspec.Struct, frozen=True, tag="status"):
    pass


class StopRequest(msgspec.Struct, frozen=True, tag="stop"):
    """Stop the VM, with its memory saved if `keep` and that works, else by powering it off.

    After `grace` seconds its VMM is ended.
    """

    grace: float
    keep: bool = False


class Attached(msgspec.Struct, frozen=True, tag="attached"):
    """The shim's answer to Attach.

    `resumed`: the client's processes of before the VM was saved, which are its own again: by stream, what credit the
    client has for each of their inputs. If that is not what it thinks, bytes of it were lost.
    """

    vm_id: str
    agent_version: str
    resumed: dict[int, dict[int, int]] = {}


class ShimStatus(msgspec.Struct, frozen=True, tag="status"):
    """`processes` counts live sessions and commands of all clients, `sessions` those of them that are sessions;
    `uptime` is the VM's in seconds.
    """

    processes: int
    uptime: float
    sessions: int = 0


class VmGone(msgspec.Struct, frozen=True, tag="gone"):
    """The last thing that a shim says. `stopped`: because somebody asked for it; `saved`: processes go on later."""

    reason: str
    stopped: bool
    saved: bool = False


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
