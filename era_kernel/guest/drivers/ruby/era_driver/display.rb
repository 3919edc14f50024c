# frozen_string_literal: true

module EraDriver
  # Mime bundles of values.
  module Bundle
    METHODS = {
      "text/html" => :to_html, "text/markdown" => :to_markdown, "text/latex" => :to_latex,
      "image/svg+xml" => :to_svg, "image/png" => :to_png, "image/jpeg" => :to_jpeg
    }.freeze
    BINARY = %w[image/png image/jpeg].freeze

    module_function

    def of(value)
      METHODS.each_with_object({ "text/plain" => plain(value) }) do |(mime, method), data|
        shown = call(value, method)
        data[mime] = encode(mime, shown) if shown.is_a?(String)
      end
    end

    def plain(value)
      Text.utf8(value.inspect.to_s)
    rescue NoMethodError => e
      raise unless e.name == :inspect && e.receiver.equal?(value) # else its own `inspect` is wrong

      "#<#{Kernel.instance_method(:class).bind_call(value)}>"
    end

    def encode(mime, data)
      BINARY.include?(mime) ? [data].pack("m0") : data
    end

    # What a value shows itself as; one that fails to is shown in the other ways.
    def call(value, method)
      return nil unless Object === value && value.respond_to?(method)

      value.public_send(method)
    rescue StandardError => e
      warn("#{method} of a #{value.class}: #{e.message} (#{e.class})")
      nil
    end
  end
end

# What cells show things with.
module Era
  class << self
    # Show a value in all the ways that it knows. With a `display_id`, `update: true` shows it where that one was shown.
    def display(value, metadata: {}, display_id: nil, update: false)
      show(EraDriver::Bundle.of(value), metadata, display_id, update)
    end

    # Show a mime bundle, its binary ones as base64 text.
    def show(data, metadata = {}, display_id = nil, update = false)
      transient = display_id ? { display_id: display_id.to_s } : {}
      type = update ? "update_display_data" : "display_data"
      EraDriver::Events.emit(type, { data: data, metadata: metadata, transient: transient })
    end

    def html(text) = show({ "text/html" => text.to_s, "text/plain" => "<HTML>" })

    def markdown(text) = show({ "text/markdown" => text.to_s, "text/plain" => text.to_s })

    def latex(text) = show({ "text/latex" => text.to_s, "text/plain" => text.to_s })

    def svg(text) = show({ "image/svg+xml" => text.to_s, "text/plain" => "<SVG>" })

    # Show the bytes of a PNG image.
    def png(bytes) = show({ "image/png" => [bytes].pack("m0"), "text/plain" => "<PNG>" })

    # Show the bytes of a JPEG image.
    def jpeg(bytes) = show({ "image/jpeg" => [bytes].pack("m0"), "text/plain" => "<JPEG>" })

    def json(value) = show({ "application/json" => value, "text/plain" => EraDriver::Bundle.plain(value) })

    # Empty the cell's output, with `wait` when the next output comes.
    def clear_output(wait: false) = EraDriver::Events.emit("clear_output", { wait: wait ? true : false })
  end
end
