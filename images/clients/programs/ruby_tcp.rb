# Ruby's TCPSocket: say hi, print the answer.
require "socket"

begin
  TCPSocket.open(ENV["SERVER"], ENV["PORT"]) do |socket|
    socket.write("hi")
    puts socket.readpartial(2048)
  end
rescue SystemCallError, IOError => error
  abort "#{error.class}: #{error.message}"
end
