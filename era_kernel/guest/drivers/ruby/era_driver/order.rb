# frozen_string_literal: true

module EraDriver
  # What a cell prints and shows, in the order in which it does so. The agent reads stdout, stderr and messages from a pipe
  # each. What was printed before a message it sends before that, and knows no other order. So what is shown, and what is
  # printed on stderr, is waited for: until the agent has read it.
  module Order
    FIONREAD = 0x541B # Linux's
    LIMIT = 0.2 # seconds: a host that reads so slowly is not waited for
    PAUSE = 0.00005
    FREE = 1.0 # a cell waits for so many seconds, and for this share of its time
    SHARE = 0.2

    @since = @spent = 0.0

    class << self
      attr_accessor :ractors # was there one?

      def cell_begins
        @since = now
        @spent = 0.0
      end

      # Run a block that prints on stderr.
      def complain
        settle(STDOUT)
        yield
      ensure
        settle(STDERR)
      end

      # Wait until the agent has read what is in a pipe.
      def settle(pipe)
        start = now
        return if @spent > FREE + (SHARE * (start - @since))

        sleep(PAUSE) while holds?(pipe) && now - start < LIMIT
        @spent += now - start
      end

      private

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

      def holds?(pipe)
        count = [0].pack("i")
        pipe.ioctl(FIONREAD, count)
        count.unpack1("i").positive?
      rescue IOError, SystemCallError
        false # the cell has closed it, or put something else in its place
      end
    end
  end

  # Printing on stderr: all of an IO's methods that do it call this one.
  module OrderedErrors
    def write(*) = Order.complain { super }
  end

  # `warn` and Ruby's own warnings do not. Once there was a Ractor, Ruby warns of some things (a constant that gets another
  # value) while it holds a lock that each change of threads needs: whoever waits there waits for ever.
  module OrderedWarnings
    def warn(message, *, **)
      Order.ractors = true if Ractor.current == MAIN && ractors?(message)
      return super if Ractor.current != MAIN || Order.ractors

      Order.complain { super }
    end

    private

    MAIN = Ractor.current
    private_constant :MAIN

    # Ruby warns of the first one, unless it was told not to.
    def ractors?(message)
      Ractor.count > 1 || !Warning[:experimental] || message.include?("Ractor is experimental")
    end
  end
end

STDERR.extend(EraDriver::OrderedErrors)
Warning.prepend(EraDriver::OrderedWarnings)
