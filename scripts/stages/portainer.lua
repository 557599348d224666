-- portainer: a page on which a server's containers are seen and managed, kept by its makers. Whoever
-- gets in is root there, so it listens on the loopback interface unless told otherwise; its first
-- visitor within minutes of its start sets the password.
local container = require "mr.container"

return container.stage({
  name = "portainer",
  summary = "Portainer, a page that shows and manages containers.",
  marks = "portainer_installed",
  options = container.options({
    port = { type = "number", default = 9443, help = "on the server, for https" },
    bind = { type = "string", default = "127.0.0.1", help = "address; `0.0.0.0` is all" },
    volume = { type = "string", default = "portainer_data", help = "where it keeps its data" },
    socket = { type = "string", default = "/var/run/docker.sock", help = "of the engine" },
  }, { image = "portainer/portainer-ce:lts", name = "portainer" }),

  prepare = function(_, o)
    container.port(o, "port", 9443)
  end,
}, function(_, o)
  return {
    name = o.name,
    image = o.image,
    ports = { container.port(o, "port", 9443) },
    volumes = { o.volume .. ":/data", o.socket .. ":/var/run/docker.sock" },
    restart = "unless-stopped",
  }
end)
