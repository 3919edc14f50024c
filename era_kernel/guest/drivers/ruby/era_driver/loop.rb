# frozen_string_literal: true

module EraDriver
  # The main thread's loop: a request, its reply. A thread of its own reads, so that the host's end is seen at once.
  class Loop
    def initialize
      $stdout.sync = true
      $stderr.sync = true
      @interrupts = Interrupts.new
      @wire = Events.wire = Wire.new(@interrupts)
      @input = Events.input = Input.new
      @cells = Cells.new(@interrupts)
      @requests = Queue.new
      @seeded = false
    end

    def run
      Thread.new { read }.tap { |reader| reader.report_on_exception = false }
      @wire.send("ready", "", { language_version: RUBY_VERSION, driver: "ruby" })
      loop { handle(@requests.pop) }
    end

    private

    def read
      while (message = @wire.receive)
        if message["type"] == "input_reply"
          @input.answer(message["content"]) if message["id"] == Events.cell_id
        else
          @requests << message
        end
      end
      exit!(0)
    end

    def handle(message)
      id, content = message.values_at("id", "content")
      case message["type"]
      when "execute_request" then execute(id, content)
      when "complete_request" then answer("complete_reply", id) { Complete.reply(*cursor(content)) }
      when "inspect_request" then answer("inspect_reply", id) { Inspect.reply(*cursor(content)) }
      when "is_complete_request" then answer("is_complete_reply", id) { Completeness.reply(Text.utf8(content["code"])) }
      when "reseed" then reseed(id, content)
      end
    end

    # A driver that was started ahead of its session shares what the guest knew then.
    def execute(id, content)
      srand(Random.new_seed) unless @seeded
      @seeded = true
      Events.cell_id = id
      @input.allowed = content["allow_stdin"] == true
      reply = @cells.run(content)
      exit!(0) unless @wire.ours? # a process that the cell forked, at the cell's end

      conclude(id, reply)
    end

    def conclude(id, reply)
      @wire.send("execute_reply", id, reply)
    rescue ArgumentError # too big: only the user's expressions can be
      @wire.send("execute_reply", id, { **reply, user_expressions: {} })
    end

    def reseed(id, content)
      srand(Integer(content["entropy"].to_s, 16, exception: false) || Random.new_seed)
      @seeded = true
      @wire.send("reseed_reply", id, {})
    end

    EMPTY = {
      "complete_reply" => { status: "ok", matches: [], cursor_start: 0, cursor_end: 0, metadata: {} },
      "inspect_reply" => { status: "ok", found: false, data: {}, metadata: {} },
      "is_complete_reply" => { status: "unknown", indent: "" }
    }.freeze

    # The editor's questions look at the cells' own objects, whose methods may fail.
    def answer(type, id)
      reply = begin
        @interrupts.allow { yield }
      rescue StandardError, ScriptError, Interrupt, SystemStackError
        EMPTY.fetch(type)
      end
      @wire.send(type, id, reply)
    end

    def cursor(content)
      code = Text.utf8(content["code"])
      [code, content["cursor_pos"].to_i.clamp(0, code.length)]
    end
  end
end
