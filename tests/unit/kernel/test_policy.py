"""What a browser gets to see of a guest's rich output."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from era_kernel.kernel import policy

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"rest").decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0rest").decode()


def raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def shown(data: object, metadata: object) -> tuple[dict[str, object], dict[str, object], list[str]]:
    return policy.filter_bundle(raw(data), raw(metadata))


def transient(value: object) -> dict[str, str]:
    return policy.filter_transient(raw(value))


def test_text_latex_and_images_are_published() -> None:
    data = {"text/plain": "1", "text/latex": "$x$", "image/png": PNG, "image/jpeg": JPEG}
    assert shown(data, {}) == (data, {}, [])


@pytest.mark.parametrize("kind", ["text/html", "application/javascript"])
def test_what_only_runs_is_dropped_and_named(kind: str) -> None:
    kept, _, dropped = shown({kind: "<script>alert(1)</script>", "text/plain": "t"}, {})
    assert (kept, dropped) == ({"text/plain": "t"}, [kind])


@pytest.mark.parametrize(
    ("kind", "text", "html"),
    [
        ("text/html", "<b onclick=x>a</b>", "<b>a</b>"),
        ("text/markdown", "*a* <b>", "<p><em>a</em> &lt;b&gt;</p>\n"),
        ("image/svg+xml", "<svg/>", '<img alt="drawing" src="data:image/svg+xml;base64,PHN2Zy8+">'),
    ],
)
def test_markup_becomes_harmless_html(kind: str, text: str, html: str) -> None:
    assert shown({kind: text, "text/plain": "t"}, {}) == ({"text/html": html, "text/plain": "t"}, {}, [])


def test_of_several_kinds_of_markup_the_first_that_can_be_shown_is() -> None:
    data = {"image/svg+xml": "<svg/>", "text/markdown": "*m*", "text/html": "<script>x</script>"}
    assert shown(data, {})[0] == {"text/html": "<p><em>m</em></p>\n"}
    assert shown({**data, "text/html": "<i>h</i>"}, {})[0] == {"text/html": "<i>h</i>"}


def test_a_script_beside_html_is_named() -> None:
    kept, _, dropped = shown({"text/html": "<p>chart</p><SCRIPT>draw()</SCRIPT>"}, {})
    assert (kept, dropped) == ({"text/html": "<p>chart</p>"}, ["a script in text/html"])


def test_json_is_published_unless_it_nests_too_deep() -> None:
    deep: list[object] = []
    for _ in range(policy.MAX_JSON_DEPTH):
        deep = [deep]
    assert shown({"application/json": {"a": [1, None]}}, {})[0] == {"application/json": {"a": [1, None]}}
    assert shown({"application/json": deep, "text/plain": "t"}, {})[0] == {"text/plain": "t"}
    far = Raw(b'{"application/json":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    assert policy.filter_bundle(far, raw({}))[0] == {"text/plain": "<output of another type, not shown>"}


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.jupyter.widget-view+json",
        "application/x-new",
        "TEXT/HTML",
        "text/plain; charset=x",
        "image/gif",
    ],
)
def test_any_other_type_is_dropped(kind: str) -> None:
    kept, _, _ = shown({kind: "<script>alert(1)</script>", "text/plain": "t"}, {})
    assert kept == {"text/plain": "t"}
    assert shown({kind: "x"}, {})[0] == {"text/plain": "<output of another type, not shown>"}


def test_a_bundle_with_nothing_left_says_so() -> None:
    kept, _, _ = shown({"application/javascript": "x"}, {})
    assert kept == {"text/plain": "<application/javascript, not shown>"}


@pytest.mark.parametrize(
    "value", ["", "!!!", base64.b64encode(b"<svg onload=x>").decode(), base64.b64encode(b"GIF89a").decode(), 5, ["x"]]
)
def test_an_image_that_is_none_is_dropped(value: object) -> None:
    kept, _, dropped = shown({"image/png": value, "text/plain": "t"}, {})
    assert (kept, dropped) == ({"text/plain": "t"}, ["image/png"])


def test_an_image_cannot_smuggle_characters_beside_its_bytes() -> None:
    kept, _, _ = shown({"image/png": PNG[:8] + '"><script>' + PNG[8:]}, {})
    assert set(str(kept.get("image/png", ""))) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    )


def test_of_metadata_only_image_sizes_are_kept() -> None:
    metadata = {"image/png": {"width": 5, "height": "x", "isolated": True}, "isolated": True, "text/plain": {"a": 1}}
    _, kept, _ = shown({"image/png": PNG, "text/plain": "t"}, metadata)
    assert kept == {}, "a size that is none spoils its image's sizes"
    _, kept, _ = shown({"image/png": PNG}, {"image/png": {"width": 5, "isolated": True}, "isolated": True})
    assert kept == {"image/png": {"width": 5}}


def test_long_text_is_cut() -> None:
    kept, _, _ = shown({"text/plain": "x" * (policy.MAX_TEXT + 1)}, {})
    assert len(str(kept["text/plain"])) == policy.MAX_TEXT


def test_what_is_far_too_long_is_not_even_decoded() -> None:
    kept, _, dropped = shown({"text/plain": "x" * (4 * policy.MAX_TEXT), "text/latex": "y"}, {})
    assert (kept, dropped) == ({"text/latex": "y"}, ["text/plain"])


def test_only_a_short_display_id_gets_through() -> None:
    assert transient({"display_id": "a", "other": 1}) == {"display_id": "a"}
    assert transient({"display_id": 5}) == {}
    assert transient({"display_id": "a" * 1000}) == {}


def test_user_expressions_go_through_the_same_filter() -> None:
    found = policy.filter_expressions(
        raw(
            {
                "good": {"status": "ok", "data": {"text/plain": "1", "text/html": "<script>"}, "metadata": {"x": 1}},
                "bad": {"status": "error", "ename": "E", "evalue": "v", "traceback": ["t"], "more": 1},
            }
        )
    )
    assert found == {
        "good": {"status": "ok", "data": {"text/plain": "1"}, "metadata": {}},
        "bad": {"status": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
    }
    assert policy.filter_expressions(raw([1])) == {}
    assert policy.filter_expressions(raw({"a": {"status": 5}})) == {}


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_gives_only_what_may_be_shown(value: object) -> None:
    kept, metadata, _ = shown(value, value)
    assert set(kept) <= {"text/plain", "text/latex", "image/png", "image/jpeg"}
    assert all(isinstance(each, str) for each in kept.values())
    assert set(metadata) <= {"image/png", "image/jpeg"}
    transient(value)
    policy.filter_expressions(raw(value))
