"""What a browser gets to see of a guest's rich output."""

from __future__ import annotations

import base64

import pytest

from era_kernel.kernel import policy

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"rest").decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0rest").decode()


def test_text_latex_and_images_are_published() -> None:
    data = {"text/plain": "1", "text/latex": "$x$", "image/png": PNG, "image/jpeg": JPEG}
    assert policy.filter_bundle(data, {}) == (data, {}, [])


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "text/markdown",
        "image/svg+xml",
        "application/javascript",
        "application/json",
        "application/vnd.jupyter.widget-view+json",
        "application/x-unheard-of",
        "TEXT/HTML",
        "text/plain; charset=x",
    ],
)
def test_everything_else_is_dropped_and_named(kind: str) -> None:
    kept, _, dropped = policy.filter_bundle({kind: "<script>alert(1)</script>", "text/plain": "t"}, {})
    assert kept == {"text/plain": "t"}
    assert dropped == [kind]


def test_a_bundle_with_nothing_left_says_so() -> None:
    kept, _, _ = policy.filter_bundle({"text/html": "<b>x</b>"}, {})
    assert kept == {"text/plain": "<text/html output, not shown>"}


@pytest.mark.parametrize(
    "value", ["", "!!!", base64.b64encode(b"<svg onload=x>").decode(), base64.b64encode(b"GIF89a").decode(), 5, ["x"]]
)
def test_an_image_that_is_none_is_dropped(value: object) -> None:
    kept, _, dropped = policy.filter_bundle({"image/png": value, "text/plain": "t"}, {})
    assert (kept, dropped) == ({"text/plain": "t"}, ["image/png"])


def test_an_image_cannot_smuggle_characters_beside_its_bytes() -> None:
    kept, _, _ = policy.filter_bundle({"image/png": PNG[:8] + '"><script>' + PNG[8:]}, {})
    assert set(kept.get("image/png", "")) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def test_of_metadata_only_image_sizes_are_kept() -> None:
    metadata = {"image/png": {"width": 5, "height": "x", "isolated": True}, "isolated": True, "text/plain": {"a": 1}}
    _, kept, _ = policy.filter_bundle({"image/png": PNG, "text/plain": "t"}, metadata)
    assert kept == {"image/png": {"width": 5}}


def test_long_text_is_cut() -> None:
    kept, _, _ = policy.filter_bundle({"text/plain": "x" * (policy.MAX_TEXT + 1)}, {})
    assert len(kept["text/plain"]) < policy.MAX_TEXT + 20


def test_only_a_short_display_id_gets_through() -> None:
    assert policy.filter_transient({"display_id": "a", "other": 1}) == {"display_id": "a"}
    assert policy.filter_transient({"display_id": 5}) == {}
    assert policy.filter_transient({"display_id": "a" * 1000}) == {}
