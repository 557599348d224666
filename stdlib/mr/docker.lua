-- Methods of every Docker that are written in Lua. Internal.
local methods = {}

-- Brings a version of an app up beside the one that serves, and lets it serve once it is well. See
-- mr.deploy.run.
function methods.deploy(d, given)
  return require("mr.deploy.api").deploy(d, given)
end

-- Lets the version serve again that did before.
function methods.rollback(d, given, opts)
  return require("mr.deploy.api").rollback(d, given, opts)
end

-- What was deployed there, oldest first.
function methods.deploys(d, app, opts)
  return require("mr.deploy.api").deploys(d, app, opts)
end

return methods
