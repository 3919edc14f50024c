# frozen_string_literal: true

module EraDriver
  # SIGINT: an Interrupt in the main thread, while a cell runs and at no other time.
  class Interrupts
    def initialize
      @running = false
      @held = 0
      @pending = false
      listen
      # Ruby would make exceptions of these, which would end the cell alone.
      %w[TERM HUP].each { |name| trap(name, "SYSTEM_DEFAULT") }
    end

    # Anew at each cell: an earlier one may have put a handler of its own.
    def listen
      trap("INT") { interrupt }
    end

    # Run a block that may be interrupted; the Interrupt comes out of here.
    def allow
      listen
      @pending = false
      @running = true
      yield
    ensure
      @running = false
    end

    # Run a block of the main thread that must end first; an interrupt that came meanwhile follows it.
    def hold
      return yield unless Thread.current == Thread.main

      @held += 1
      begin
        yield
      ensure
        @held -= 1
        release if @held.zero?
      end
    end

    private

    def interrupt
      return unless @running

      @pending = true
      release if @held.zero?
    end

    def release
      return unless @pending && @running

      @pending = false
      raise Interrupt, ""
    end
  end
end
