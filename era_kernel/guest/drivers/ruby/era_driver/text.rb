# frozen_string_literal: true

module EraDriver
  # Text that JSON can carry.
  module Text
    module_function

    # The same with each text in it valid UTF-8; other values stay.
    def clean(value)
      case value
      when String then utf8(value)
      when Symbol then utf8(value.name)
      when Array then value.map { |each| clean(each) }
      when Hash then value.to_h { |key, each| [utf8(key.to_s), clean(each)] }
      else value
      end
    end

    ESCAPE = /\\(?:u[dD][89abAB]\h\h\\u[dD][c-fC-F]\h\h|u[dD][89a-fA-F]\h\h|.)/m
    LONE = /\A\\u[dD][89a-fA-F]\h\h\z/

    # JSON without its lone surrogates, with which Ruby's parser loses the character that follows.
    def pair_surrogates(json)
      return json unless json.match?(/\\u[dD][89a-fA-F]/)

      json.gsub(ESCAPE) { |escape| LONE.match?(escape) ? '\\ufffd' : escape }
    end

    # Bytes of no text become U+FFFD: a lone surrogate of a browser's cell, an image that was printed.
    def utf8(text)
      text = String.new(text, encoding: Encoding::UTF_8) if text.encoding == Encoding::BINARY
      text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub("\u{fffd}")
    rescue EncodingError
      String.new(text, encoding: Encoding::UTF_8).scrub("\u{fffd}")
    end
  end
end
