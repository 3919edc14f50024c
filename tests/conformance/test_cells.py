"""What a user of a Python notebook sees, over a real VM, beside what all languages have alike (test_languages.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.notebook import Notebook, notebook

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(240)]

PNG = "b'\\x89PNG\\r\\n\\x1a\\n'"


@pytest.fixture(scope="module")
def book() -> Iterator[Notebook]:
    with notebook() as running:
        yield running


def test_output_arrives_while_the_cell_runs(book: Notebook) -> None:
    result = book.run("import time\nprint('first')\ntime.sleep(2)\nprint('second')")
    assert result.text() == "first\nsecond\n"
    assert result.times[0] < result.elapsed - 1.5


def test_both_streams_and_those_of_subprocesses_and_c_code_arrive_in_order(book: Notebook) -> None:
    result = book.run(
        "import ctypes, os, subprocess, sys\n"
        "print('python')\n"
        "subprocess.run(['sh', '-c', 'echo child; echo complaint >&2'])\n"
        "ctypes.CDLL(None).puts(b'from c')\n"
        "ctypes.CDLL(None).fflush(None)\n"
        "os.write(1, b'raw\\n')\n"
        "print('last')"
    )
    assert result.text() == "python\nchild\nfrom c\nraw\nlast\n"
    assert result.text("stderr") == "complaint\n"


def test_the_namespace_lasts_and_the_last_expression_is_shown(book: Notebook) -> None:
    book.run("answer = 6 * 7")
    result = book.run("answer")
    assert result.data == [{"text/plain": "42"}]
    assert result.outputs[0]["content"]["execution_count"] == result.reply["content"]["execution_count"]


def test_an_error_shows_the_cell_s_lines(book: Notebook) -> None:
    result = book.run("def f():\n    return 1 / 0\n\nf()")
    assert result.status == "error"
    assert (result.error["ename"], result.error["evalue"]) == ("ZeroDivisionError", "division by zero")
    trace = "\n".join(result.error["traceback"])
    assert "line 4" in trace
    assert "return 1 / 0" in trace
    assert "driver" not in trace
    assert "era_kernel" not in trace


def test_a_syntax_error_shows_where(book: Notebook) -> None:
    result = book.run("x = 1\ny = = 2")
    assert result.error["ename"] == "SyntaxError"
    trace = "\n".join(result.error["traceback"])
    assert "line 2" in trace
    assert "y = = 2" in trace


def test_input_and_getpass_ask_the_front_end(book: Notebook) -> None:
    result = book.run(
        "import getpass\nname = input('name? ')\nsecret = getpass.getpass()\nprint(name, secret)",
        answers=("Ada", "geheim"),
    )
    assert result.text() == "Ada geheim\n"


def test_input_without_a_front_end_that_answers_is_an_error(book: Notebook) -> None:
    assert book.run("input()").status == "error"


def test_an_interrupt_stops_a_question(book: Notebook) -> None:
    request = book.client.execute("input('name? ')", allow_stdin=True)
    assert book.client.get_stdin_msg(timeout=20)["content"]["prompt"] == "name? "
    book.manager.interrupt_kernel()
    reply = book.client.get_shell_msg(timeout=5)
    while reply["parent_header"]["msg_id"] != request:
        reply = book.client.get_shell_msg(timeout=5)
    assert reply["content"]["ename"] == "KeyboardInterrupt"


def test_an_interrupt_between_cells_hurts_nobody(book: Notebook) -> None:
    book.run("before = 1")
    for _ in range(5):
        book.client.control_channel.send(book.client.session.msg("interrupt_request"))
        assert book.client.get_control_msg(timeout=10)["msg_type"] == "interrupt_reply"
    assert book.value("before") == "1"


def test_completion_inspection_and_is_complete(book: Notebook) -> None:
    book.run("class Pear:\n    def juice(self, litres=1):\n        'Press the pear.'\npear = Pear()")
    code = "größe = 1; pear.jui"
    reply = book.client.complete(code, reply=True, timeout=20)["content"]
    assert [code[: reply["cursor_start"]] + match for match in reply["matches"]] == ["größe = 1; pear.juice"]
    found = book.client.inspect("pear.juice", 7, reply=True, timeout=20)["content"]
    assert found["found"]
    assert "Press the pear." in found["data"]["text/plain"]
    assert "litres=1" in found["data"]["text/plain"]
    book.client.is_complete("if True:")
    assert book.client.get_shell_msg(timeout=20)["content"] == {"status": "incomplete", "indent": "    "}


def test_html_comes_without_what_runs_in_it(book: Notebook) -> None:
    result = book.run(
        "class Table:\n    def _repr_html_(self): return '<b onclick=\"x()\">bold</b><script>x()</script>'\nTable()"
    )
    assert result.data[0]["text/html"] == "<b>bold</b>"
    assert "a script in text/html from the VM is not shown" in result.text("stderr")


def test_images_are_shown_and_a_script_is_dropped_with_a_note(book: Notebook) -> None:
    result = book.run(
        f"class Both:\n    def _repr_png_(self): return {PNG}\n    def _repr_html_(self): return '<script>x</script>'\n"
        "    def __repr__(self): return 'both'\nBoth()"
    )
    assert set(result.data[0]) == {"text/plain", "image/png"}
    assert "text/html from the VM is not shown" in result.text("stderr")


def test_user_expressions_are_answered(book: Notebook) -> None:
    reply = book.run("x = 5", user_expressions={"good": "x + 1", "bad": "1 / 0"}).reply["content"]
    assert reply["user_expressions"]["good"]["data"]["text/plain"] == "6"
    assert reply["user_expressions"]["bad"]["ename"] == "ZeroDivisionError"


def test_a_guest_cannot_reach_the_host(book: Notebook) -> None:
    assert book.value("__import__('os').listdir('/sys/class/net')") == "['lo']"
    assert book.value("__import__('os').path.exists('/dev/kvm')") == "False"


def test_restart_gives_a_fresh_namespace_in_the_same_vm() -> None:
    with notebook() as book:
        book.run("x = 1; open('/root/kept.txt', 'w').write('still here')")
        machine = book.value("open('/etc/machine-id').read() + open('/proc/sys/kernel/random/boot_id').read()")
        book.manager.restart_kernel(now=False)
        book.client.wait_for_ready(timeout=60)
        assert book.run("x").error["ename"] == "NameError"
        assert book.value("open('/root/kept.txt').read()") == "'still here'"
        assert book.value("open('/etc/machine-id').read() + open('/proc/sys/kernel/random/boot_id').read()") == machine


def test_two_notebooks_share_the_vm_and_not_the_namespace() -> None:
    boot = "open('/proc/sys/kernel/random/boot_id').read()"
    with notebook() as first, notebook() as second:
        first.run("x = 'first'")
        assert second.run("x").error["ename"] == "NameError"
        second.run("x = 'second'")
        assert first.value("x") == "'first'"
        assert first.value(boot) == second.value(boot)
        first.run("open('/tmp/shared', 'w').write('hello')")
        assert second.value("open('/tmp/shared').read()") == "'hello'"


def test_a_comm_that_a_front_end_opens_is_closed(book: Notebook) -> None:
    message = book.client.session.msg("comm_open", {"comm_id": "abc", "target_name": "jupyter.widget", "data": {}})
    book.client.shell_channel.send(message)
    while (answer := book.client.get_iopub_msg(timeout=20))["msg_type"] != "comm_close":
        pass
    assert answer["content"]["comm_id"] == "abc"
    assert book.value("1 + 1") == "2"
