# Ruby's Net::HTTP: get the page.
require "net/http"

begin
  puts Net::HTTP.get(URI(ENV["URL"]))
rescue SystemCallError, IOError, Timeout::Error => error
  abort "#{error.class}: #{error.message}"
end
