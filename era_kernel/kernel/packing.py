"""Jupyter messages as JSON, three to eight times as fast as by jupyter_client without orjson."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from jupyter_client.jsonutil import json_default
from jupyter_client.session import json_packer

from era_kernel.text import whole

_encoder = msgspec.json.Encoder(enc_hook=json_default)


def pack(content: Any) -> bytes:
    """A part of a message; what this encoder does not take is left to jupyter_client's.

    Half a surrogate pair becomes U+FFFD: clients in Python could not save it.
    """
    try:
        return _encoder.encode(content)
    except UnicodeEncodeError:
        return whole(json.dumps(content, default=json_default, ensure_ascii=False)).encode()
    except (TypeError, ValueError):
        packed: bytes = json_packer(content)
        return packed
