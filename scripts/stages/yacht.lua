-- yacht: a page on which a server's containers are seen and started. Whoever gets in is root there, so
-- it listens on the loopback interface unless told otherwise. Yacht is not maintained any more; the
-- stage `portainer` stands beside it.
local container = require "mr.container"

return container.stage({
  name = "yacht",
  summary = "Yacht, a page that shows containers; not maintained any more, see `portainer`.",
  marks = "yacht_installed",
  options = container.options({
    port = { type = "number", default = 9055, help = "on the server" },
    bind = { type = "string", default = "127.0.0.1", help = "address; `0.0.0.0` is all" },
    api_key = { type = "secret", help = "signs its logins and API keys (SECRET_KEY)" },
    admin_email = { type = "string", help = "its first login (ADMIN_EMAIL)" },
    volume = { type = "string", default = "yacht", help = "where it keeps its data" },
    socket = { type = "string", default = "/var/run/docker.sock", help = "of the engine" },
  }, { image = "selfhostedpro/yacht:latest", name = "yacht" }),

  prepare = function(_, o)
    container.port(o, "port", 8000)
  end,
}, function(_, o)
  return {
    name = o.name,
    image = o.image,
    ports = { container.port(o, "port", 8000) },
    volumes = { o.volume .. ":/config", o.socket .. ":/var/run/docker.sock" },
    env = { SECRET_KEY = o.api_key, ADMIN_EMAIL = o.admin_email },
    restart = "unless-stopped",
  }
end)
