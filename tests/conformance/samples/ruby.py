"""Ruby."""

from tests.conformance.samples.sample import Samples

RUBY = Samples(
    language="ruby",
    prints="puts 'hello, world'",
    complains="warn 'test'",
    small="1+1",
    assign="x = 41",
    use="x + 1",
    undefined="x",
    mixes="puts 'out1'; warn 'err1'; puts 'out2'",
    orders={
        "streams": '5.times { |n| puts "out #{n}"; warn "err #{n}" }; nil',
        "displays": '5.times { |n| puts "out #{n}"; Era.display(n) }; nil',
    },
    holds='puts "\n%era list\n"',
    child="system('echo from a child')",
    megabytes="125_000.times { |n| puts n.to_s.rjust(79, '0') }",
    odd='puts "é€😀\\0"',
    long_line="puts 'x' * 1_000_000",
    surrogate="text = '\ud800'; puts text.length",
    fails="x = 41\n\nraise ArgumentError, 'no'",
    fails_as="ArgumentError",
    fails_where=":3",
    endless={
        "computing": "puts 'running'\nloop {}",
        "sleeping": "puts 'running'\nsleep 600",
        "reading": "r, w = IO.pipe; puts 'running'; r.read(1)",
        "waiting for a child": "puts 'running'; system('sleep 600')",
    },
    exits="puts 'bye'; exit 3",
    outgrows="kept = []; loop { kept << 'x' * (1 << 20) }",
    bombs="loop { fork }",
    random=(
        "require 'securerandom'\n"
        "puts rand, Random.rand, Random.new.rand, Random.new_seed, SecureRandom.hex, SecureRandom.uuid\n"
        "puts [*1..100].shuffle.join, SecureRandom.random_number"
    ),
    asks="print 'name? '; puts \"hello #{gets.chomp}\"",
    complete=("1", "puts 'hello, world'", "def f(x)\n  x * 2\nend"),
    incomplete=("puts 'hello", "def f(x)", "3.times do |n|", "text = <<~END\n  hello"),
    invalid=("def = 7q", "x = = 2"),
    completes=(("'größe'; x.bit_le", "'größe'; x.bit_length"), ("Comparab", "Comparable"), ("sran", "srand")),
    inspects="puts",
    inspected="puts",
    results=(("1+2+3", "6"), ("(1..3).map { |n| n * n }", "[1, 4, 9]")),
    displays={
        "image/png": 'class Image; def to_png = "\\x89PNG\\r\\n\\x1a\\n".b; end; Era.display(Image.new)',
        "text/html": "Era.html('<b>x</b>')",
        "text/latex": "class Formula; def to_latex = '$x$'; end; Era.display(Formula.new)",
    },
    shows={
        "text/html": "class Html; def to_html = '<b>x</b>'; end; Html.new",
        "text/markdown": "class Mark; def to_markdown = '**x**'; end; Mark.new",
        "image/svg+xml": "class Svg; def to_svg = '<svg xmlns=\"http://www.w3.org/2000/svg\"/>'; end; Svg.new",
        "image/png": 'class Png; def to_png = "\\x89PNG\\r\\n\\x1a\\n".b; end; Png.new',
        "application/json": "Era.json({x: [1]})",
    },
    clears="Era.clear_output",
)
