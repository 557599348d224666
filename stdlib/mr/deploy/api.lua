-- mr.deploy.api: what `s:docker()` can besides docker's own verbs: deploy, rollback, deploys.
local args = require "mr.args"
local compose = require "mr.deploy.compose"
local history = require "mr.deploy.history"
local native = require "mr.native"
local run = require "mr.deploy.run"
local spec = require "mr.deploy.spec"
local api = {}

-- Brings a version of an app up beside the one that serves, and lets it serve once it is well.
function api.deploy(d, given)
  local o, s = spec.decode(given), native.docker_server(d)
  return (o.compose and compose or run).deploy(s, d, o)
end

-- Lets the version serve again that did before; opts.to names another one that is kept.
function api.rollback(d, given, opts)
  opts = args.decode("rollback", { to = { type = "string", help = "the deployment" } }, opts)
  return run.rollback(native.docker_server(d), d, spec.decode(given, true), opts.to)
end

-- What was deployed there, oldest first.
function api.deploys(d, app, opts)
  return history.of(native.docker_server(d), app, opts)
end

return api
