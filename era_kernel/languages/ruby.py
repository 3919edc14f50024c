"""Ruby."""

from era_kernel.languages.spec import LanguageSpec

RUBY = LanguageSpec(
    name="ruby",
    aliases=frozenset({"rb"}),
    display_name="Ruby (microVM)",
    version="3",
    public_image="docker.io/library/ruby:3.2-slim",
    local_image="localhost/era/ruby",
    driver=("ruby", "/.era/drivers/ruby/driver.rb"),
    warm=("ruby", "/.era/drivers/ruby/driver.rb"),
    hello="ruby -e \"puts 'hello world'\"",
    file_extension=".rb",
    mimetype="text/x-ruby",
    pygments_lexer="ruby",
    codemirror_mode="ruby",
    line_comment="#",
)
