# frozen_string_literal: true

require_relative "lookup"

module EraDriver
  # What a name at the cursor is.
  module Inspect
    WORD = /(?:@@|@|\$)?[\p{L}_][\p{Word}]*[?!]?/
    MOST = 2000

    module_function

    def reply(code, cursor)
      text = look(code, cursor) || look(code, call(code, cursor))
      { status: "ok", found: !text.nil?, data: text ? { "text/plain" => text } : {}, metadata: {} }
    end

    def look(code, cursor)
      before, word = at(code, cursor) if cursor
      word && describe(before, word)
    end

    # Where the name ends whose arguments the cursor is in, nil when it is in none.
    def call(code, cursor)
      code[0, cursor].match(/(?<=[\p{Word}?!])\([^()]*\z/)&.begin(0)
    end

    # The name that the cursor is in or behind, and what is before it.
    def at(code, cursor)
      start = cursor - code[0, cursor][/(?:@@|@|\$)?[\p{Word}]*[?!]?\z/].length
      word = code[start..][/\A#{WORD}/]
      [code[0, start], word]
    end

    def describe(before, word)
      case before
      when /&?\.\s*\z/ then method(Lookup.receiver($`), word)
      when /::\z/ then word.match?(/\A\p{Lu}/) ? value(Lookup.receiver($`[/\S*\z/] + "::" + word)) : method(Lookup.receiver($`), word)
      else value(Lookup.named(word)) || method(Lookup.main, word)
      end
    end

    def value(found)
      return nil if Lookup::NOTHING.equal?(found)
      return ancestry(found) if Module === found

      "#{Kernel.instance_method(:class).bind_call(found)}: #{Bundle.plain(found)[0, MOST]}"
    end

    def ancestry(found)
      "#{found.class.name.downcase} #{found.inspect}\nancestors: #{found.ancestors.first(12).map(&:inspect).join(", ")}"
    end

    def method(receiver, name)
      return nil if Lookup::NOTHING.equal?(receiver)

      found = Kernel.instance_method(:method).bind_call(receiver, name)
      place = found.source_location&.then { |file, line| "\ndefined in #{file}, line #{line}" }
      "#{name}(#{parameters(found)})\nmethod of #{found.owner.inspect}#{place}"
    rescue NameError
      nil
    end

    SHAPES = {
      req: "%s", opt: "%s = ...", rest: "*%s", keyreq: "%s:", key: "%s: ...", keyrest: "**%s", block: "&%s",
      nokey: "**nil"
    }.freeze

    def parameters(found)
      found.parameters.map { |kind, name| format(SHAPES.fetch(kind, "%s"), *name&.to_s || "_") }.join(", ")
    end
  end
end
