"""JavaScript."""

from tests.conformance.samples.sample import Samples

NODE = Samples(
    language="node",
    prints="console.log('hello, world')",
    complains="console.error('test')",
    small="1+1",
    assign="let x = 41",
    use="x + 1",
    undefined="x is not defined",
    mixes="console.log('out1'); console.error('err1'); console.log('out2')",
    orders={
        "streams": "for (let n = 0; n < 5; n++) { console.log('out', n); console.error('err', n) }",
        "displays": "for (let n = 0; n < 5; n++) { console.log('out', n); display(n) }",
    },
    holds="console.log(`\n%era list`)",
    child="require('child_process').execSync('echo from a child', {stdio: 'inherit'}); undefined",
    megabytes="for (let n = 0; n < 125000; n++) console.log(String(n).padStart(79, '0'))",
    odd="console.log('é€😀\\0')",
    long_line="console.log('x'.repeat(1000000))",
    surrogate="const text = '\ud800'; console.log(text.length)",
    fails="const y = 41\n\nthrow new RangeError('no')",
    fails_as="RangeError",
    fails_where=":3",
    endless={
        "computing": "console.log('running'); while (true) {}",
        "computing later": "console.log('running'); await new Promise(r => setTimeout(r, 10)); while (true) {}",
        "sleeping": "console.log('running'); await new Promise(r => setTimeout(r, 600000))",
        "reading": (
            "require('child_process').execSync('rm -f silent && mkfifo silent')\n"
            "const silent = require('fs').openSync('silent', 'r+')\n"
            "console.log('running'); require('fs').readSync(silent, Buffer.alloc(1))"
        ),
        "waiting for a child": "console.log('running'); require('child_process').execSync('sleep 600')",
    },
    exits="console.log('bye'); process.exit(3)",
    outgrows="const kept = []; while (true) kept.push(Buffer.alloc(1 << 20, 1))",
    bombs="require('child_process').spawnSync('bash', ['-c', 'b() { b | b & }; b; wait'], {stdio: 'inherit'})",
    random=(
        "const crypto = require('crypto')\n"
        "const drawn = crypto.webcrypto.getRandomValues(new Uint32Array(4)).join('')\n"
        "console.log(Math.random(), crypto.randomUUID(), crypto.randomBytes(16).toString('hex'), drawn)\n"
        "console.log(crypto.randomInt(2 ** 47), crypto.randomUUID({disableEntropyCache: true}))\n"
        "console.log(crypto.generateKeyPairSync('ed25519').publicKey.export({format: 'jwk'}).x)"
    ),
    asks="console.log('hello', prompt('name? '))",
    complete=("1", "console.log('hello, world')", "function f(x) { return x * 2 }"),
    incomplete=("console.log(`hello", "function f(x) {", "for (let i = 0; i < 3; i++) {"),
    invalid=("let = = 7q", "x = = 2"),
    completes=(("'größe'; x.toFix", "'größe'; x.toFixed"), ("parseIn", "parseInt"), ("Math.ma", "Math.max")),
    inspects="parseInt",
    inspected="parseInt",
    results=(("1+2+3", "6"), ("[1, 2, 3].map(n => n * n)", "[ 1, 4, 9 ]")),
    displays={
        "image/png": "display.png(Buffer.from('iVBORw0KGgo=', 'base64'))",
        "text/html": "display.html('<b>x</b>')",
        "text/latex": "display.latex('$x$')",
    },
    shows={
        "text/html": "display.html('<b>x</b>')",
        "text/markdown": "display.markdown('**x**')",
        "image/svg+xml": "display.svg('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')",
        "image/png": "display.png(Buffer.from('iVBORw0KGgo=', 'base64'))",
        "application/json": "display.json({x: [1]})",
    },
    clears="display.clear()",
)
