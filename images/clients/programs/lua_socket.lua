-- LuaSocket: say hi, print the answer.
local socket = require("socket")

local function check(value, error)
  if not value then
    io.stderr:write(error, "\n")
    os.exit(1)
  end
  return value
end

local connection = check(socket.connect(os.getenv("SERVER"), os.getenv("PORT")))
check(connection:send("hi"))
print(check(connection:receive(3)))
