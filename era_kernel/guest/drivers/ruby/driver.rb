# frozen_string_literal: true

# The ruby driver: runs in the guest, evaluates cells, speaks Jupyter message contents on fds 3 and 4.
# Standard library only, Ruby 3.1 or newer. No local variables here: cells run in the top level's binding.

Encoding.default_external = Encoding::UTF_8

%w[order wire text interrupts failure display input cell complete inspect completeness loop].each do |part|
  require_relative "era_driver/#{part}"
end

EraDriver::Loop.new.run
