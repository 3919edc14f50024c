# frozen_string_literal: true

require_relative "lookup"

module EraDriver
  # Completions of the names of live objects. Positions are code points, as a String's are.
  module Complete
    KEYWORDS = %w[
      BEGIN END alias and begin break case class def defined? do else elsif end ensure false for if in module next nil not
      or redo rescue retry return self super then true undef unless until when while yield
    ].freeze
    WORD = /(?:@@|@|\$)?[\p{L}_]?[\p{Word}]*[?!]?\z/
    MOST = 1000

    module_function

    def reply(code, cursor)
      before = code[0, cursor]
      word = before[WORD]
      names = candidates(before[0...(before.length - word.length)], word)
      matches = names.map { |each| Text.utf8(each.to_s) }.select { |each| each.start_with?(word) && plain?(each) }
      { status: "ok", matches: matches.uniq.sort.first(MOST), cursor_start: cursor - word.length, cursor_end: cursor,
        metadata: {} }
    end

    def candidates(before, word)
      case before
      when /&?\.\s*\z/ then methods(Lookup.receiver($`))
      when /::\z/ then members(Lookup.receiver($`))
      when /(?<!:):\z/ then word.empty? ? [] : Symbol.all_symbols.map(&:name)
      else free(word)
      end
    end

    def methods(value)
      Lookup::NOTHING.equal?(value) ? [] : Lookup.methods_of(value)
    end

    def members(value)
      return [] unless Module === value

      Module.instance_method(:constants).bind_call(value) + methods(value)
    end

    # Names without a receiver.
    def free(word)
      case word
      when /\A@@/ then Object.class_variables
      when /\A@/ then Lookup.main.instance_variables
      when /\A\$/ then global_variables
      else
        main = Lookup.main
        TOPLEVEL_BINDING.local_variables + main.methods + main.private_methods + Object.constants + KEYWORDS
      end
    end

    # Operators are no names to complete.
    def plain?(name)
      name.match?(/\A(?:@@|@|\$)?[\p{L}_][\p{Word}]*[?!=]?\z/) && !name.end_with?("=")
    end
  end
end
