"""Python."""

from tests.conformance.samples.sample import Samples

PYTHON = Samples(
    language="python",
    prints="print('hello, world')",
    complains="import sys; print('test', file=sys.stderr)",
    small="1+1",
    assign="x = 41",
    use="x + 1",
    undefined="'x'",
    mixes="import sys\nprint('out1', flush=True)\nprint('err1', file=sys.stderr, flush=True)\nprint('out2')",
    orders={
        "streams": "import sys\nfor n in range(5): print('out', n); print('err', n, file=sys.stderr)",
        "displays": "for n in range(5): print('out', n); display(n)",
    },
    holds="print('''\n%era list\n''', end='')",
    child="import subprocess; subprocess.run(['echo', 'from a child'])",
    megabytes="for n in range(125_000): print(f'{n:079d}')",
    odd="print('é€😀\\0')",
    long_line="print('x' * 1_000_000)",
    surrogate="text = '\ud800'; print(len(text))",
    fails="x = 41\n\nraise ValueError('no')",
    fails_as="ValueError",
    fails_where="line 3",
    endless={
        "computing": "print('running', flush=True)\nwhile True: pass",
        "printing": "import time; print('running', flush=True)\nwhile True: print('x'); time.sleep(0.001)",
        "sleeping": "import time; print('running', flush=True); time.sleep(600)",
        "reading": "import os; r, w = os.pipe(); print('running', flush=True); os.read(r, 1)",
        "waiting for a child": "import subprocess; print('running', flush=True); subprocess.run(['sleep', '600'])",
        "awaiting": "import asyncio; print('running', flush=True); await asyncio.sleep(600)",
    },
    exits="print('bye'); exit(3)",
    outgrows="kept = []\nwhile True: kept.append(bytearray(1 << 20))",
    bombs="import os\nwhile True: os.fork()",
    random=(
        "import os, random, secrets, ssl, uuid\n"
        "print(random.random(), random.Random().random(), uuid.uuid4(), secrets.token_hex(16), os.urandom(16).hex())\n"
        "print(ssl.RAND_bytes(16).hex())\n"
        "try: import numpy\n"
        "except ImportError: pass\n"
        "else: print(numpy.random.random(), numpy.random.default_rng().random())"
    ),
    asks="print('hello', input('name? '))",
    complete=("1", "print('hello, world')", "def f(x):\n  return x*2\n\n"),
    incomplete=("print('''hello", "def f(x):\n  x*2", "for i in range(3):"),
    invalid=("import = 7q", "x = = 2"),
    completes=(
        ("'größe'; x.bit_le", "'größe'; x.bit_length"),
        ("zi", "zip"),
        ("import sys; sys.version_i", "import sys; sys.version_info"),
    ),
    inspects="zip",
    inspected="zip",
    results=(("1+2+3", "6"), ("[n*n for n in range(1, 4)]", "[1, 4, 9]")),
    displays={
        "image/png": "class Image:\n    def _repr_png_(self): return b'\\x89PNG\\r\\n\\x1a\\n'\ndisplay(Image())",
        "text/latex": "class Formula:\n    def _repr_latex_(self): return '$x$'\ndisplay(Formula())",
        "text/html": "class Table:\n    def _repr_html_(self): return '<b>x</b>'\ndisplay(Table())",
    },
    shows={
        "text/html": "class Html:\n    def _repr_html_(self): return '<b>x</b>'\nHtml()",
        "text/markdown": "class Mark:\n    def _repr_markdown_(self): return '**x**'\nMark()",
        "image/svg+xml": (
            "class Svg:\n    def _repr_svg_(self): return '<svg xmlns=\"http://www.w3.org/2000/svg\"/>'\nSvg()"
        ),
        "image/png": "class Png:\n    def _repr_png_(self): return b'\\x89PNG\\r\\n\\x1a\\n'\nPng()",
        "application/json": "class Json:\n    def _repr_json_(self): return {'x': [1]}\nJson()",
    },
    clears="clear_output()",
)
