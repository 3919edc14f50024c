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

  # STDIN's methods that read text, as long as the cell has put nothing else in its place. Nobody types an end of file into a
  # notebook: one answer is the whole of what `read` and `readlines` get.
  module Asking
    PLACE = STDIN.stat.then { |it| [it.dev, it.ino] }
    private_constant :PLACE

    def gets(*, chomp: false)
      return super unless asks?

      chomp ? Events.input.ask : "#{Events.input.ask}\n"
    end

    def readline(*separator, **options) = gets(*separator, **options) || raise(EOFError, "end of file reached")

    def read(*length) = length.compact.empty? && asks? ? gets : super

    def readlines(*, **options) = asks? ? [gets(**options)] : super

    def each_line(*, **options)
      return super unless block_given? && asks?

      loop { yield gets(**options) }
    end
    alias each each_line

    def getpass(prompt = "") = Events.input.ask(prompt, password: true)

    private

    def asks?
      PLACE == stat.then { |it| [it.dev, it.ino] }
    rescue IOError, SystemCallError
      false
    end
  end

  # ARGF reads the files of ARGV, else $stdin.
  module AskingFiles
    %i[gets readline read readlines each_line].each do |name|
      define_method(name) do |*arguments, **options, &block|
        return super(*arguments, **options, &block) unless ARGV.empty? && file.equal?(STDIN)

        $stdin.public_send(name, *arguments, **options, &block)
      end
    end
  end
end

STDIN.extend(EraDriver::Asking)
ARGF.extend(EraDriver::AskingFiles)

# `gets` without a receiver reads the files of ARGV, of which a notebook has none, else $stdin.
module Kernel
  def gets(...) = $stdin.gets(...)

  def readline(...) = $stdin.readline(...)

  def readlines(...) = $stdin.readlines(...)

  module_function :gets, :readline, :readlines
end
