# frozen_string_literal: true

require "json"

module EraDriver
  # The driver's end of its two message pipes: `u32 length (big-endian) · UTF-8 JSON object`.
  class Wire
    MAX_MESSAGE = 64 << 20
    FIRST_FREE = 100
    SHOWING = %w[display_data update_display_data clear_output].freeze
    F_DUPFD_CLOEXEC = 1030 # Linux's; Fcntl of Ruby 3.1 does not know it

    def initialize(interrupts)
      @interrupts = interrupts
      @in = move(3, "rb")
      @out = move(4, "wb")
      @out.sync = true
      @lock = Mutex.new
      @owner = Process.pid
    end

    # The host's next message, nil when it has closed its end.
    def receive
      length = @in.read(4)
      return nil if length.nil? || length.bytesize < 4

      size = length.unpack1("N")
      refuse("announced a message of #{size} bytes") if size > MAX_MESSAGE
      text = @in.read(size)
      return nil if text.nil? || text.bytesize < size

      parse(text)
    end

    # Send a message whole: neither an interrupt nor the end of a thread may leave half of one in the pipe. A process that
    # a cell forked shares the pipe, its messages would cut into ours: it has none.
    def send(type, id, content)
      return unless ours?

      text = JSON.generate(Text.clean({ type: type, id: id, content: content }), max_nesting: 0).b
      raise ArgumentError, "that is too big to be shown: #{text.bytesize} bytes" if text.bytesize > MAX_MESSAGE

      @interrupts.hold do
        Thread.handle_interrupt(Object => :never) { @lock.synchronize { @out.write([text.bytesize].pack("N"), text) } }
      end
      Order.settle(@out) if SHOWING.include?(type)
    rescue Errno::EPIPE
      exit!(0) # nobody listens any more
    end

    # Is this the process that the host started, not one that a cell forked?
    def ours?
      @owner == Process.pid
    end

    private

    # To a high number that no program started by a cell inherits.
    def move(from, mode)
      old = IO.for_fd(from, mode)
      moved = IO.for_fd(old.fcntl(F_DUPFD_CLOEXEC, FIRST_FREE), mode)
      old.close
      moved
    rescue SystemCallError => e
      refuse("gave no pipe as fd #{from}: #{e.message}")
    end

    def parse(text)
      message = JSON.parse(Text.pair_surrogates(text.force_encoding(Encoding::UTF_8)), max_nesting: 100)
      fits = message.is_a?(Hash) && message["type"].is_a?(String) && message["id"].is_a?(String)
      fits && message["content"].is_a?(Hash) ? message : refuse("sent a message that is none")
    rescue JSON::ParserError, EncodingError, ArgumentError # the last: bytes that are no UTF-8
      refuse("sent a message that is none")
    end

    def refuse(why)
      warn("era ruby driver: the host #{why}")
      exit!(70)
    end
  end
end
