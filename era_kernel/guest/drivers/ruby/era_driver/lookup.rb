# frozen_string_literal: true

module EraDriver
  # Finds the object that a text in a cell means, without running anything of it: names and plain literals only.
  module Lookup
    NOTHING = Object.new.freeze
    # What an Array or a Hash stands behind, and an index or a block does not.
    START = /(?:\A|[=(,\[{;\n]|=>|%[wi])\s*/
    LITERALS = [
      [/["']\z/, ""],
      [/#{START}(?<list>\[(?:[^\[\]]|\g<list>)*\])\z/, []],
      [/#{START}(?<hash>\{(?:[^{}]|\g<hash>)*\})\z/, {}],
      [/(?<![\p{Word}.])\d[\d_]*\z/, 0],
      [/(?<![\p{Word}.])\d[\d_]*\.\d+\z/, 0.0]
    ].freeze
    LONGEST = 500 # characters of a receiver: the patterns take their time
    NAME = /((?:@@|@|\$)?[\p{L}_][\p{Word}]*(?:::[\p{Lu}][\p{Word}]*)*)\z/

    module_function

    # The object that `text` ends with, NOTHING when that cannot be told.
    def receiver(text)
      text = text.rstrip.slice(-LONGEST..) || text.rstrip
      _, value = LITERALS.find { |pattern, _| pattern.match?(text) }
      return value unless value.nil?

      name = text[NAME, 1]
      before = name ? text[0...-name.length] : ""
      name && !before.match?(/[.:]\z/) ? named(name) : NOTHING
    end

    def named(name)
      case name
      when "self" then main
      when "nil" then nil
      when "true" then true
      when "false" then false
      when /\A@/ then variable(name)
      when /\A\$/ then global_variables.include?(name.to_sym) ? TOPLEVEL_BINDING.eval(name) : NOTHING
      when /\A\p{Lu}/ then constant(name)
      else local(name)
      end
    end

    def local(name)
      TOPLEVEL_BINDING.local_variable_defined?(name) ? TOPLEVEL_BINDING.local_variable_get(name) : NOTHING
    end

    def variable(name)
      main.instance_variable_defined?(name) ? main.instance_variable_get(name) : NOTHING
    rescue NameError
      NOTHING
    end

    # An autoload would run a file: what is not loaded is not there.
    def constant(path)
      path.split("::").reduce(Object) do |scope, name|
        return NOTHING unless Module === scope && scope.const_defined?(name) && !scope.autoload?(name)

        scope.const_get(name)
      end
    end

    def main
      TOPLEVEL_BINDING.receiver
    end

    def methods_of(value)
      Kernel.instance_method(:public_methods).bind_call(value)
    end
  end
end
