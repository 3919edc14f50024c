# frozen_string_literal: true

module EraDriver
  # An exception as Jupyter wants it: the lines of cells that led to it, none of ours.
  class Failure
    CELL = /\Acell \d+\z/
    MOST_LINES = 40 # of a recursion without end, its first and last ones
    MOST_CAUSES = 5
    MOST_TEXT = 100_000

    def initialize(error, sources)
      @error = error
      @sources = sources
    end

    # An interrupt has the name that front ends know it by.
    def content
      ename = @error.is_a?(Interrupt) ? "KeyboardInterrupt" : name(@error)
      { ename: ename, evalue: message(@error), traceback: traceback }
    rescue StandardError => e # the error's own methods may do anything
      { ename: "Exception", evalue: "(an error that cannot be told: #{e.class})", traceback: [] }
    end

    private

    def name(error)
      kind = error.class
      Text.utf8(Module.instance_method(:name).bind_call(kind) || Module.instance_method(:inspect).bind_call(kind))
    end

    def message(error)
      text = shortened(Text.utf8(error.message.to_s))
      error.is_a?(Interrupt) && text.empty? ? "the cell was interrupted" : text
    rescue Exception => e # the cell's own `message` may do anything
      "(its message cannot be told: #{e.class})"
    end

    def shortened(text)
      text.length > MOST_TEXT ? "#{text[0, MOST_TEXT]}..." : text
    end

    def traceback
      lines = describe(@error)
      cause = @error.cause
      MOST_CAUSES.times do
        break unless cause

        lines.push("caused by:", *describe(cause))
        cause = cause.cause
      end
      lines
    end

    def describe(error)
      ["#{name(error)}: #{message(error)}", *hints(error), *frames(error)]
    end

    # What did_you_mean and error_highlight say; before Ruby 3.2 that is in the message.
    def hints(error)
      return [] unless error.respond_to?(:detailed_message) && !error.is_a?(SyntaxError)

      told = Text.utf8(error.detailed_message(highlight: false).to_s).lines.drop([message(error).lines.size, 1].max)
      told.map(&:chomp).reject(&:empty?)
    rescue Exception
      []
    end

    def frames(error)
      found = (error.backtrace_locations || []).select { |each| CELL.match?(each.path.to_s) }
      return found.flat_map { |each| frame(each) } if found.size <= MOST_LINES

      half = MOST_LINES / 2
      left_out = "  ... #{found.size - (2 * half)} more ..."
      [*found.first(half).flat_map { |each| frame(each) }, left_out, *found.last(half).flat_map { |each| frame(each) }]
    end

    def frame(location)
      source = @sources.fetch(location.path, [])[location.lineno - 1]
      ["  #{location}", *("    #{source.strip[0, 200]}" if source)]
    end
  end
end
