"""What every language's notebook does alike, over a real VM of each: tests/conformance/samples has the cells."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest

from era_kernel.languages import LANGUAGES
from tests.conformance.notebook import Message, Notebook, notebook
from tests.conformance.samples import SAMPLES, Samples

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

LONG = 120.0
BOMB_SECONDS = 10.0
AFTER_A_BOMB = 20.0
NAMED = re.compile(r"ran out of its 256 MiB|share of \d+ processes and threads is used up")
ENDLESS = [(name, kind) for name in LANGUAGES for kind in SAMPLES[name].endless]


@pytest.fixture(scope="module", params=list(LANGUAGES))
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def samples(language: str) -> Samples:
    return SAMPLES[language]


@pytest.fixture(scope="module")
def book(language: str) -> Iterator[Notebook]:
    with notebook(f"era-{language}") as running:
        yield running


def shown(book: Notebook, code: str) -> str:
    """The text that a cell shows, as a result or printed."""
    result = book.run(code)
    assert result.status == "ok", result.outputs
    return "".join(str(data["text/plain"]) for data in result.data) or result.text().strip()


def test_variables_last_from_cell_to_cell(book: Notebook, samples: Samples) -> None:
    book.run(samples.assign)
    assert shown(book, samples.use) == "42"
    assert book.run(samples.assign).status == "ok", "a cell can be run again"
    assert shown(book, samples.use) == "42"


def test_front_ends_are_told_which_version_it_is(book: Notebook, language: str) -> None:
    told = book.client.kernel_info(reply=True, timeout=20)["content"]["language_info"]
    spec = LANGUAGES[language]
    assert (told["name"], told["mimetype"], told["file_extension"]) == (spec.name, spec.mimetype, spec.file_extension)
    assert (told["pygments_lexer"], told["codemirror_mode"]) == (spec.pygments_lexer, spec.codemirror_mode)
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", told["version"])
    assert told["version"].startswith(f"{spec.version}.") or language == "node", "the image may have another Node"


def test_both_streams_come(book: Notebook, samples: Samples) -> None:
    result = book.run(samples.mixes)
    assert result.text() == "out1\nout2\n"
    assert result.text("stderr") == "err1\n"


@pytest.mark.parametrize("kind", ["streams", "displays"])
def test_what_is_printed_and_shown_comes_in_order(book: Notebook, samples: Samples, kind: str) -> None:
    """Where a driver has a hand in what cells print; bash and programs that are started write by themselves."""
    if kind not in samples.orders:
        pytest.skip(f"{samples.language} promises no order of {kind}")
    came = [each["content"] for each in book.run(samples.orders[kind]).outputs]
    texts = [each["text"] if "text" in each else each["data"]["text/plain"] for each in came]
    assert texts == [text for n in range(5) for text in (f"out {n}\n", f"err {n}\n" if kind == "streams" else f"{n}")]


def test_what_a_child_prints_is_seen(book: Notebook, samples: Samples) -> None:
    assert book.run(samples.child).text() == "from a child\n"


def test_ten_megabytes_come_whole(book: Notebook, samples: Samples) -> None:
    result = book.run(samples.megabytes, timeout=LONG)
    assert result.text() == "".join(f"{n:079d}\n" for n in range(125_000))


def test_odd_text_comes_as_it_is(book: Notebook, samples: Samples) -> None:
    assert book.run(samples.odd).text() == "é€😀\0\n"
    assert book.run(samples.long_line).text() == "x" * 1_000_000 + "\n"


def test_a_lone_surrogate_breaks_nothing(book: Notebook, samples: Samples) -> None:
    pack = book.client.session.pack
    book.client.session.pack = lambda content: json.dumps(content, default=str).encode()  # as browsers do, by escapes
    try:
        book.run(samples.surrogate)
        book.client.complete(samples.surrogate, 1, reply=True, timeout=20)
        book.client.inspect(samples.surrogate, 1, reply=True, timeout=20)
        book.client.is_complete(samples.surrogate)
        book.client.get_shell_msg(timeout=20)
    finally:
        book.client.session.pack = pack
    book.run(samples.assign)
    assert shown(book, samples.use) == "42"


def test_an_error_names_the_cell_s_line_and_none_of_ours(book: Notebook, samples: Samples) -> None:
    result = book.run(samples.fails)
    assert result.status == "error"
    trace = "\n".join(result.error["traceback"])
    assert samples.fails_as in f"{result.error['ename']} {result.error['evalue']}"
    assert samples.fails_where in trace
    assert "/.era/" not in trace
    book.run(samples.assign)
    assert shown(book, samples.use) == "42"


@pytest.mark.parametrize("text", range(6))
def test_a_cell_that_is_no_code_is_an_error_and_no_more(book: Notebook, samples: Samples, text: int) -> None:
    code = ["\0", "%", ")" * 10_000, "(" * 10_000, "é€😀" * 100, *samples.invalid][text]
    book.run(code, timeout=LONG)
    book.run(samples.assign)
    assert shown(book, samples.use) == "42"


def test_a_cell_may_hold_nothing_or_very_much(book: Notebook, language: str, samples: Samples) -> None:
    mark = LANGUAGES[language].line_comment
    for nothing in ("", " \n\n", f"{mark} only this", f"\n{mark} größe 😀\n"):
        result = book.run(nothing)
        assert (result.status, result.outputs) == ("ok", []), nothing
    much = f"{mark} {'much ' * 20}\n" * 20_000
    assert book.run(much + samples.assign, timeout=LONG).status == "ok"
    assert shown(book, samples.use) == "42"


@pytest.mark.parametrize("kind", sorted({kind for _, kind in ENDLESS}))
def test_an_interrupt_ends_a_cell_within_a_second_and_keeps_variables(
    book: Notebook, samples: Samples, kind: str
) -> None:
    if kind not in samples.endless:
        pytest.skip(f"{samples.language} has no such cell")
    book.run(samples.assign)
    interrupted = 0.0

    def interrupt(message: Message) -> None:
        nonlocal interrupted
        if not interrupted and "running" in str(message["content"].get("text")):
            time.sleep(0.3)
            interrupted = time.monotonic()
            book.manager.interrupt_kernel()

    result = book.run(samples.endless[kind], on_output=interrupt)
    assert interrupted
    assert time.monotonic() - interrupted < 1.0
    assert result.error["ename"] == "KeyboardInterrupt"
    assert shown(book, samples.use) == "42"


def test_each_language_is_interrupted_where_it_computes_sleeps_and_reads() -> None:
    for samples in SAMPLES.values():
        assert {"computing", "sleeping", "reading"} <= set(samples.endless), samples.language


def test_a_question_is_answered_by_the_front_end(book: Notebook, samples: Samples) -> None:
    if not samples.asks:
        pytest.skip(f"{samples.language} asks nothing")
    assert book.run(samples.asks, answers=("Ada",)).text().strip().endswith("hello Ada")
    assert book.run(samples.asks).status == "error", "nobody can answer"
    book.run(samples.assign)
    assert shown(book, samples.use) == "42"


def test_the_host_takes_its_commands_and_nothing_else(book: Notebook, samples: Samples) -> None:
    comment = LANGUAGES[samples.language].line_comment
    result = book.run(f"{comment} %era help\n%era help use\n\n{samples.prints}")
    assert result.status == "ok", result.outputs
    assert result.text().startswith("Usage: %era use")
    assert result.text().endswith("hello, world\n")
    below = book.run(f"{samples.prints}\n%era list")
    assert below.text().startswith("hello, world\n")
    assert any(f"{samples.language}-" in data.get("text/plain", "") for data in below.data)
    held = book.run(f"%era help use\n{samples.holds}")
    assert held.text().endswith("\n%era list\n"), "a string that holds it is left alone"


def test_completion_knows_what_there_is(book: Notebook, samples: Samples) -> None:
    book.run(samples.assign)
    for text, whole in samples.completes:
        reply = book.client.complete(text, reply=True, timeout=20)["content"]
        assert whole in [text[: reply["cursor_start"]] + match for match in reply["matches"]], (text, reply)


def test_inspection_tells_of_what_there_is(book: Notebook, samples: Samples) -> None:
    if samples.inspects:
        found = book.client.inspect(samples.inspects, len(samples.inspects), reply=True, timeout=20)["content"]
        assert samples.inspected in found["data"]["text/plain"]
    book.run(samples.assign)
    text = f'"größe"; {samples.looks}'
    live = book.client.inspect(text, len(text), reply=True, timeout=20)["content"]
    assert "41" in live["data"]["text/plain"]
    nothing = book.client.inspect("no_such_name_anywhere", 5, reply=True, timeout=20)["content"]
    assert not nothing["found"]


ARRIVES = {
    "text/html": ("text/html", "<b>x</b>"),
    "text/markdown": ("text/html", "<p><strong>x</strong></p>\n"),
    "image/svg+xml": ("text/html", '<img alt="drawing" src="data:image/svg+xml;base64,'),
    "image/png": ("image/png", "iVBORw0KGgo="),
    "application/json": ("application/json", {"x": [1]}),
}


@pytest.mark.parametrize("kind", ARRIVES)
def test_rich_output_arrives_as_what_is_harmless(book: Notebook, samples: Samples, kind: str) -> None:
    (data,) = book.run(samples.shows[kind]).data
    arrived, content = ARRIVES[kind]
    assert data["text/plain"]
    if isinstance(content, str):
        assert data[arrived].startswith(content)
    else:
        assert data[arrived] == content


def test_half_a_block_waits_for_the_rest(book: Notebook, samples: Samples) -> None:
    for status, cells in {
        "complete": samples.complete,
        "incomplete": samples.incomplete,
        "invalid": samples.invalid,
    }.items():
        for code in cells:
            book.client.is_complete(code)
            assert book.client.get_shell_msg(timeout=20)["content"]["status"] == status, code


def test_exit_ends_the_session_and_the_next_cell_gets_a_fresh_one(book: Notebook, samples: Samples) -> None:
    book.run(samples.assign)
    result = book.run(samples.exits)
    assert result.text() == "bye\n"
    assert "exit status 3" in result.error["evalue"]
    assert is_fresh(book, samples)


def is_fresh(book: Notebook, samples: Samples) -> bool:
    result = book.run(samples.use)
    if not samples.undefined:
        return "42" not in result.text()
    return result.status == "error" and samples.undefined in result.error["evalue"]


def test_memory_that_runs_out_is_named(book: Notebook, samples: Samples) -> None:
    result = book.run(samples.outgrows, timeout=LONG)
    assert "he VM ran out of its 256 MiB" in result.error["evalue"]
    book.run(samples.assign, timeout=LONG)
    assert shown(book, samples.use) == "42"


def test_an_exit_after_a_program_for_which_memory_ran_out_is_no_lack_of_memory(
    book: Notebook, samples: Samples
) -> None:
    if not samples.eats:
        pytest.skip(f"{samples.language} has no such cell")
    book.run(samples.eats, timeout=LONG)
    assert "exit status 3" in book.run(samples.exits).error["evalue"]
    book.run(samples.assign, timeout=LONG)
    assert shown(book, samples.use) == "42"


def test_a_fork_bomb_is_named_and_ended(book: Notebook, samples: Samples) -> None:
    """By itself, by the agent, by lack of memory, or by the interrupt that comes after BOMB_SECONDS."""
    request = book.client.execute(samples.bombs)
    started = time.monotonic()
    interrupted = False
    told = ""
    while not ((message := book.next_iopub(1.0)) and is_end_of(request, message)):
        assert time.monotonic() < started + LONG, "the fork bomb's cell did not end"
        told += words_of(message)
        if not interrupted and time.monotonic() > started + BOMB_SECONDS:
            book.manager.interrupt_kernel()
            interrupted = True
    while book.client.get_shell_msg(timeout=20)["parent_header"].get("msg_id") != request:
        pass
    deadline = time.monotonic() + AFTER_A_BOMB
    while (result := book.run(samples.child, timeout=AFTER_A_BOMB)).text() != "from a child\n" or not NAMED.search(
        told
    ):
        told += "".join(map(words_of, result.outputs))
        assert time.monotonic() < deadline, f"programs run again: {result.outputs}; the user is told: {told}"
    book.run(samples.assign)
    assert shown(book, samples.use) == "42"


def words_of(message: Message | None) -> str:
    """What a message tells the user by an error or on a stream."""
    content = {} if message is None else message["content"]
    return str(content.get("evalue", "")) + str(content.get("text", ""))


def is_end_of(request: str, message: Message) -> bool:
    if message["msg_type"] != "status" or message["parent_header"].get("msg_id") != request:
        return False
    return bool(message["content"]["execution_state"] == "idle")


def test_a_restart_gives_a_fresh_session_soon(book: Notebook, samples: Samples) -> None:
    book.run(samples.assign)
    book.manager.restart_kernel(now=False)
    book.client.wait_for_ready(timeout=60)
    assert is_fresh(book, samples)


def test_two_sessions_share_no_luck(language: str, book: Notebook, samples: Samples) -> None:
    """Sessions come out of one template or zygote, and must not print the same number."""
    with notebook(f"era-{language}") as other:
        drawn, drawn_there = shown(book, samples.random).split(), shown(other, samples.random).split()
        assert len(drawn) == len(drawn_there) > 0
        assert not set(drawn) & set(drawn_there)
