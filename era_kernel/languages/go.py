"""Go."""

from era_kernel.languages.spec import LanguageSpec

# The driver is a program that the image's recipe compiles: only that image has it, and it refuses to run when it was
# compiled from other sources than this package's (guest/drivers/go/sources.go). Go cannot fork: its zygote executes
# drivers beforehand.
_DRIVER = "/usr/lib/era/driver-go"

GO = LanguageSpec(
    name="go",
    aliases=frozenset({"golang"}),
    display_name="Go (microVM)",
    version="1",
    public_image="docker.io/library/golang:1.22-bookworm",
    local_image="localhost/era/go",
    driver=(_DRIVER,),
    warm=(_DRIVER, "--warm"),
    # The public image has Go where no PATH of a guest leads.
    hello=(
        'cd "$(mktemp -d)" && printf \'package main\\nfunc main() { println("hello world") }\\n\' >main.go && '
        'PATH="$PATH:/usr/local/go/bin" go run main.go 2>&1'
    ),
    file_extension=".go",
    mimetype="text/x-go",
    pygments_lexer="go",
    codemirror_mode="go",
    line_comment="//",
)
