# frozen_string_literal: true

require "ripper"

module EraDriver
  # Is a cell all there, or does it go on in a next line?
  class Completeness < Ripper
    OPEN = /unexpected end-of-input|unexpected end of file|unterminated|meets end of file|can't find string|end-of-file/
    OPENS = /(\bdo|\{|\[|\(|\bthen|\belse|\bbegin|\bensure)(\s*\|[^|]*\|)?\s*\z|\A\s*(def|class|module|if|unless|while|until|case|for|begin|else|elsif|when|in|rescue|ensure)\b/

    def self.reply(code)
      status = new(code).status
      { status: status, indent: status == "incomplete" ? indent(code) : "" }
    end

    def self.indent(code)
      line = code.lines.map(&:chomp).reject { |each| each.strip.empty? }.last.to_s
      line[/\A[ \t]*/] + (OPENS.match?(line) ? "  " : "")
    end

    # The first error tells: after it the parser guesses.
    def status
      parse
      return "complete" unless @first || error?

      OPEN.match?(@first.to_s) ? "incomplete" : "invalid"
    end

    private

    def on_parse_error(message, *)
      @first ||= message
    end

    def compile_error(message)
      @first ||= message
    end
    alias on_assign_error on_parse_error
  end
end
