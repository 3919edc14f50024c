# frozen_string_literal: true

require "ripper"
require "stringio"

module EraDriver
  # Where events of the running cell go; what a cell's own calls (`Era.display`, `gets`) reach the driver by.
  module Events
    class << self
      attr_accessor :wire, :input, :cell_id

      def emit(type, content)
        wire.send(type, cell_id.to_s, content)
        nil
      end
    end
  end

  # Runs cells, all in the top level's binding.
  class Cells
    def initialize(interrupts)
      @interrupts = interrupts
      @sources = {}
    end

    # Run a cell, send its events; the content of its reply. SystemExit comes out of here.
    def run(content)
      failure = nil
      Order.cell_begins
      begin
        @interrupts.allow { failure = guarded { execute(content) } }
      rescue Interrupt => e # that came as the cell was ending
        failure ||= Failure.new(e, @sources).content
      end
      flush
      return { status: "ok", user_expressions: expressions(content) } unless failure

      Events.emit("error", failure)
      { status: "error", user_expressions: {}, **failure }
    end

    private

    def execute(content)
      name = "cell #{content["execution_count"]}"
      code = Text.utf8(content["code"])
      @sources[name] = code.lines
      $0 = name # what programs compare with __FILE__, to run when they are not a library
      give_data(code)
      value = evaluate(code, name)
      return if content["silent"] || nil.equal?(value)

      Events.emit("execute_result", { data: Bundle.of(value), metadata: {} })
    end

    # What follows a cell's `__END__` is its DATA.
    def give_data(code)
      return unless code.match?(/^__END__$/)

      mark = Ripper.lex(code).find { |_, kind| kind == :on___end__ } or return
      Object.__send__(:remove_const, :DATA) if Object.const_defined?(:DATA, false)
      Object.const_set(:DATA, StringIO.new(code.lines.drop(mark.first.first).join))
    end

    def evaluate(code, name)
      TOPLEVEL_BINDING.eval(code, name, 1)
    end

    # The failure that a block ends with, nil for none.
    def guarded
      yield
      nil
    rescue SystemExit
      raise
    rescue Exception => e
      Failure.new(e, @sources).content
    end

    def expressions(content)
      (content["user_expressions"] || {}).to_h { |key, code| [key, expression(code)] }
    end

    def expression(code)
      shown = nil
      failure = guarded do
        @interrupts.allow { shown = Bundle.of(evaluate(Text.utf8(code), "user expression")) }
      end
      failure ? { status: "error", **failure } : { status: "ok", data: shown, metadata: {} }
    end

    def flush
      [$stdout, $stderr].each { |each| each.flush if each.respond_to?(:flush) }
    rescue IOError, SystemCallError
      nil # the cell closed it
    end
  end
end
