"""Python."""

from era_kernel.languages.spec import LanguageSpec

PYTHON = LanguageSpec(
    name="python",
    aliases=frozenset({"py", "python3"}),
    display_name="Python (microVM)",
    version="3",
    public_image="docker.io/library/python:3.11-slim",
    local_image="localhost/era/python",
    driver=("python3", "-I", "/.era/drivers/python/driver.py"),
    warm=("python3", "-I", "/.era/drivers/python/driver.py", "--warm"),
    hello="python3 -c \"print('hello world')\"",
    file_extension=".py",
    mimetype="text/x-python",
    pygments_lexer="ipython3",
    codemirror_mode={"name": "ipython", "version": 3},
    line_comment="#",
)
