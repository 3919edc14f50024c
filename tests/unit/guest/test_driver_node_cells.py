"""Cells of the Node driver: what persists, what they show, their errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from era_kernel.protocol import driver
from tests.unit.guest.driver_peer import DriverPeer, running_driver
from tests.unit.guest.node_driver import start_node

pytestmark = pytest.mark.timeout(60)


def test_it_says_that_it_is_ready(node_peer: DriverPeer) -> None:
    assert isinstance(node_peer.ready, driver.Ready)
    assert int(node_peer.ready.content.language_version.split(".")[0]) >= 18


def test_names_persist_and_can_be_declared_again(node_peer: DriverPeer) -> None:
    node_peer.run("const a = 1; let b = 2; class C { get() { return 3 } }; function f() { return 4 }; var v = 5")
    assert node_peer.value("[a, b, new C().get(), f(), v]") == "[ 1, 2, 3, 4, 5 ]"
    node_peer.run("const a = 10; let b = 20; class C { get() { return 30 } }; function f() { return 40 }")
    assert node_peer.value("[a, b, new C().get(), f(), v]") == "[ 10, 20, 30, 40, 5 ]"


@pytest.mark.parametrize(
    ("before", "code", "value"),
    [
        ("let a = 1", "const a = 2; a", "2"),
        ("function a() {}", "const a = 2; a", "2"),
        ("var a = 1", "let a = 2; a", "2"),
        ("let a = 1", "var a = 2; a", "2"),
        ("class a {}", "const a = class { m() { return 3 } }; new a().m()", "3"),
        ("let a = 1, b = 2; var c = 3", "const { a, b } = { a: 10, b: 20 }; let c = 30; [a, b, c]", "[ 10, 20, 30 ]"),
        ("let a = 1, n = 0", "n++; const a = n, f = () => { const a = 'inner'; return a }; a + f()", "'1inner'"),
    ],
)
def test_names_can_be_declared_again_by_another_keyword(
    node_peer: DriverPeer, before: str, code: str, value: str
) -> None:
    node_peer.run(before)
    assert node_peer.value(code) == value


@pytest.mark.parametrize(("before", "code"), [("const a = 1", "let a = 2"), ("let a = 1", "function a() {}")])
def test_what_cannot_be_declared_again_is_told(node_peer: DriverPeer, before: str, code: str) -> None:
    node_peer.run(before)
    error = node_peer.run(code).only(driver.ErrorEvent)
    assert error.evalue == "Identifier 'a' has already been declared"
    assert error.traceback[-1].startswith("An earlier cell declared a by another keyword")


@pytest.mark.parametrize("code", ["let a = 1; let a = 2", "let a = 1; eval('let b; let b')"])
@pytest.mark.parametrize("before", ["1", "let a = 0, b = 0", "var a = 0, b = 0"])
def test_a_name_that_is_declared_twice_at_once_is_an_error(node_peer: DriverPeer, before: str, code: str) -> None:
    node_peer.run(before)
    error = node_peer.run(code).only(driver.ErrorEvent)
    assert error.evalue.endswith("has already been declared")
    assert "earlier cell" not in "".join(error.traceback)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("1 + 1", "2"),
        ("{ a: 1, b: 2 }", "{ a: 1, b: 2 }"),
        ("{a: 1}", "{ a: 1 }"),
        ("{\n  a: await Promise.resolve(1),\n}\n", "{ a: 1 }"),
        ("{ let a = 2; a * 2 }", "4"),
        ("-0", "-0"),
        ("'a'", "'a'"),
        ("null", "null"),
        ("10n ** 20n", "100000000000000000000n"),
        ("await new Promise(r => setTimeout(r, 20, 'later'))", "'later'"),
        ("Promise.resolve(3)", "Promise { 3 }"),
        ("new Map([[1, {a: 2}]])", "Map(1) { 1 => { a: 2 } }"),
        ("({get a() { throw 1 }})", "{ a: [Getter] }"),
        ("require('path').basename('/a/b')", "'b'"),
        ("(await import('node:path')).basename('/a/b')", "'b'"),
        ("import p, {basename as b} from 'path'\nb('/a/b') + p.sep", "'b/'"),
        ("import * as p from 'path'; p.sep", "'/'"),
        ("\"import('x')\"", "\"import('x')\""),
    ],
)
def test_the_last_expression_is_shown(node_peer: DriverPeer, expression: str, shown: str) -> None:
    assert node_peer.value(expression) == shown


@pytest.mark.parametrize("code", ["", "// only this", "undefined", "const x = 1", "void 0", "if (false) 1"])
def test_what_has_no_value_shows_nothing(node_peer: DriverPeer, code: str) -> None:
    answer = node_peer.run(code)
    assert (answer.events, answer.reply.status) == ([], "ok")


def test_a_cell_may_declare_names_that_the_driver_needs(node_peer: DriverPeer) -> None:
    names = ("Array", "Atomics", "Buffer", "Error", "JSON", "Map", "Object", "Promise", "Set", "String", "process")
    node_peer.run("".join(f"const {name} = 1; " for name in names) + "let setTimeout = 1, performance = 2, URL = 3")
    assert node_peer.value("[process, JSON, performance]") == "[ 1, 1, 2 ]"
    node_peer.run("console.log('printed'); display.html('x')").only(driver.DisplayData)
    assert node_peer.stdout(b"\n") == b"printed\n"
    assert node_peer.run("x.y").reply.ename == "ReferenceError"
    assert node_peer.request("complete_request", code="perf", cursor_pos=4).reply.matches == ["performance"]
    request = node_peer.start("for (;;) {}")
    node_peer.interrupt()
    assert node_peer.answer(request).reply.ename == "KeyboardInterrupt"


def test_silent_shows_no_result(node_peer: DriverPeer) -> None:
    assert node_peer.run("1", silent=True).events == []


def test_files_of_the_working_directory(node_peer: DriverPeer, tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text("module.exports = {one: 1}")
    (tmp_path / "two.mjs").write_text("export const two = 2")
    node_peer.run(f"process.chdir({str(tmp_path)!r})")
    assert node_peer.value("require('./one').one + (await import('./two.mjs')).two") == "3"


def test_user_expressions(node_peer: DriverPeer) -> None:
    answer = node_peer.run("let x = 2", user_expressions={"a": "x + 1", "b": "y"})
    found = answer.reply.user_expressions
    assert found["a"]["data"] == {"text/plain": "3"}
    assert found["b"]["ename"] == "ReferenceError"


def test_an_error_tells_the_lines_that_led_to_it(node_peer: DriverPeer) -> None:
    node_peer.run("function f() {\n  throw new RangeError('no')\n}")
    answer = node_peer.run("1\nf()")
    error = answer.only(driver.ErrorEvent)
    assert (answer.reply.status, error.ename, error.evalue) == ("error", "RangeError", "no")
    assert error.traceback == ["RangeError: no", "    at f (In[1]:2:9)", "    at In[2]:2:1"]


@pytest.mark.parametrize(
    ("code", "ename", "first"),
    [
        ("class Mine extends Error {}; throw new Mine('no')", "Mine", "Mine: no"),
        ("require('assert')(1 === 2)", "AssertionError", "AssertionError [ERR_ASSERTION]: false == true"),
        ("require('fs').readFileSync({})", "TypeError", "TypeError [ERR_INVALID_ARG_TYPE]: The "),
        ("throw Object.assign(new Error('a'), {cause: new Error('b')})", "Error", "Error: a"),
    ],
)
def test_an_error_has_the_name_of_its_class(node_peer: DriverPeer, code: str, ename: str, first: str) -> None:
    error = node_peer.run(code).only(driver.ErrorEvent)
    assert error.ename == ename
    assert error.traceback[0].startswith(first)
    assert "node:inspector" not in "\n".join(error.traceback)


def test_the_errors_of_several_promises_are_told(node_peer: DriverPeer) -> None:
    code = "Promise.any([Promise.reject(new Error('first')), Promise.reject(new RangeError('second'))])"
    told = "\n".join(node_peer.run(f"await {code}").only(driver.ErrorEvent).traceback)
    assert "Error: first" in told
    assert "RangeError: second" in told
    node_peer.run(f"{code}; 1")
    node_peer.stderr(b"RangeError: second")


@pytest.mark.parametrize(
    "code", ["console.log(new Error('x'))", "console.log(new Error('x').stack)", "console.trace('x')"]
)
def test_a_stack_that_is_printed_ends_with_the_cell(node_peer: DriverPeer, code: str) -> None:
    node_peer.run(code + "; console.log('end'); console.error('end')")
    printed = node_peer.stdout(b"end\n") + node_peer.stderr(b"end\n")
    assert b"    at In[1]:1:" in printed
    assert b"driver" not in printed
    assert b"node:" not in printed


@pytest.mark.parametrize(
    "code",
    [
        "`${(await import('path')).sep}`",
        "/\"/.test('\"'); (await import('path')).sep",
        "'import(x)'; a = 4 / 2; /[/'\"]/.test(`'`); b = 1 / 2; (await import('path')).sep // import('y')",
        "1; import {sep as s} from 'path'; s",
        "import größe, * as alles from 'path'; größe.sep || alles",
        "const nested = `a ${`b ${'c'} import('d')`} import('e')`; (await import('path')).sep",
    ],
)
def test_what_is_an_import_is_one(node_peer: DriverPeer, code: str) -> None:
    assert node_peer.value(code) == "'/'"


def test_an_import_over_lines_leaves_the_others_where_they_are(node_peer: DriverPeer) -> None:
    error = node_peer.run("import {\n  sep,\n  basename as b,\n} from 'path'\nnope").only(driver.ErrorEvent)
    assert error.traceback[-1] == "    at In[1]:5:1"
    assert node_peer.value("b('/x/y') + sep") == "'y/'"


def test_json_is_imported(node_peer: DriverPeer, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"a": 1}')
    node_peer.run(f"process.chdir({str(tmp_path)!r})")
    assert node_peer.value("import data from './data.json' with {type: 'json'}; data.a") == "1"
    assert node_peer.value("(await import('./data.json', {with: {type: 'json'}})).default.a") == "1"


def test_an_error_of_the_parser_tells_its_place(node_peer: DriverPeer) -> None:
    error = node_peer.run("1\nlet = = 7").only(driver.ErrorEvent)
    assert error.traceback[:3] == ["In[1]:2:7", "let = = 7", "      ^"]


@pytest.mark.parametrize("code", ["throw 5", "await Promise.reject(5)"])
def test_anything_can_be_thrown(node_peer: DriverPeer, code: str) -> None:
    error = node_peer.run(code).only(driver.ErrorEvent)
    assert (error.ename, error.evalue) == ("Uncaught", "5")


@pytest.mark.parametrize(
    "code", ["Promise.reject(new Error('late')); 0", "setTimeout(() => { throw new Error('late') }, 1); 0"]
)
def test_what_fails_later_is_told_and_ends_nothing(node_peer: DriverPeer, code: str) -> None:
    assert node_peer.run(code).reply.status == "ok"
    assert b"In[1]:1" in node_peer.stderr(b"In[1]")
    assert node_peer.value("1 + 1") == "2"


def test_random_numbers_are_numbers(node_peer: DriverPeer) -> None:
    code = "const all = Array.from({length: 1e5}, Math.random); "
    check = "[all.every(n => n >= 0 && n < 1), Math.abs(all.reduce((a, b) => a + b) / 1e5 - 0.5) < 0.01]"
    assert node_peer.value(code + check) == "[ true, true ]"


def test_two_sessions_have_different_random_numbers(node_peer: DriverPeer) -> None:
    with running_driver(start_node) as other:
        assert other.value("Math.random()") != node_peer.value("Math.random()")
