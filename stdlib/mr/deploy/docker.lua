-- mr.deploy.docker: several calls of docker as one script on the server, in which `d` is docker as
-- the login reaches it. Internal: what is pasted into such a text goes through mr.quote.
local native = require "mr.native"
local docker = {}

-- Runs it and gives what it printed; `shown` is what messages call it.
function docker.script(d, text, shown)
  return native.docker_script(d, text, shown)
end

return docker
