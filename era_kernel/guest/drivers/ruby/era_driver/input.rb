# frozen_string_literal: true

module EraDriver
  # What a cell reads is asked of the notebook's user.
  class Input
    attr_accessor :allowed

    def initialize
      @answers = Queue.new
      @allowed = false
      @asking = Mutex.new
    end

    # An input_reply came (in the thread that reads).
    def answer(content)
      @answers << content
    end

    # A line without its end. IOError when the front end cannot be asked.
    def ask(prompt = "", password: false)
      raise IOError, "this cell cannot read input: the front end does not support input requests" unless @allowed

      @asking.synchronize do
        @answers.clear
        Events.emit("input_request", { prompt: prompt.to_s, password: password })
        answer = @answers.pop
        raise IOError, answer["error"].to_s if answer["error"]

        Text.utf8(answer["value"].to_s)
      end
    end
  end

  # STDIN's methods that read a line.
  module Asking
    def gets(*_separator, chomp: false)
      chomp ? Events.input.ask : "#{Events.input.ask}\n"
    end

    def readline(*separator, chomp: false) = gets(*separator, chomp: chomp)

    def getpass(prompt = "") = Events.input.ask(prompt, password: true)
  end
end

STDIN.extend(EraDriver::Asking)

# `gets` without a receiver reads the files of ARGV, of which a notebook has none, else $stdin.
module Kernel
  def gets(...) = $stdin.gets(...)

  def readline(...) = $stdin.readline(...)

  module_function :gets, :readline
end
