"""JavaScript."""

from era_kernel.languages.spec import LanguageSpec

# Node cannot fork: the driver is started ahead. It makes its seeds when it is first asked for numbers.
_DRIVER = ("node", "/.era/drivers/node/driver.js")

NODE = LanguageSpec(
    name="node",
    aliases=frozenset({"javascript", "js"}),
    display_name="JavaScript (microVM)",
    version="20",
    public_image="docker.io/library/node:20-slim",
    local_image="localhost/era/node",
    driver=_DRIVER,
    warm=_DRIVER,
    hello="node -e 'console.log(\"hello world\")'",
    file_extension=".js",
    mimetype="text/javascript",
    pygments_lexer="javascript",
    codemirror_mode="javascript",
    line_comment="//",
)
