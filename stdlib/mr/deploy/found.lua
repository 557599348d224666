-- mr.deploy.found: what there is of an app on a server, told from the labels and names of its
-- containers and from what the proxy leads to. Nothing else is remembered, so a run that broke off
-- leaves nothing that the next one cannot see. Pure, but for `containers`.
local found = {}

found.APP, found.DEPLOY = "machineroom.app", "machineroom.deploy"
found.SPEC, found.PORT = "machineroom.spec", "machineroom.port"
found.KEEP = "machineroom.keep"

-- The name of a version; while it has proven nothing yet it ends in `-next`, and in `-trial` when it
-- never will serve.
function found.name(app, deploy)
  return app .. "-" .. deploy
end

local function version_of(container)
  local labels = container.labels or {}
  return {
    name = container.name,
    id = container.id,
    deploy = labels[found.DEPLOY] or container.name,
    spec = labels[found.SPEC],
    port = math.tointeger(tonumber(labels[found.PORT] or "")),
    image = container.image,
    image_id = container.image_id,
    state = container.state,
    is_running = container.state == "running" or container.state == "restarting",
    is_next = container.name:find "%-next$" ~= nil,
    is_trial = container.name:find "%-trial$" ~= nil,
    started = container.started or container.created or 0,
  }
end

-- Sorts containers into { serving, kept, halves, extra }: what serves (it may be down), stopped
-- versions with the last that served first, what has proven nothing, and what still runs beside.
-- `record` is the proxy's, when the app is behind one.
function found.judge(containers, record)
  local versions, is = {}, { kept = {}, halves = {}, extra = {} }
  for i, container in ipairs(containers) do
    versions[i] = version_of(container)
  end
  table.sort(versions, function(a, b)
    if a.started ~= b.started then
      return a.started > b.started
    end
    return a.deploy > b.deploy
  end)
  for _, version in ipairs(versions) do
    if record and version.deploy == record.deploy then
      is.serving = version
    end
  end
  for _, version in ipairs(versions) do
    local is_half = version.is_next or version.is_trial
    if not (is.serving or record or is_half) and version.is_running then
      is.serving = version
    end
  end
  for _, version in ipairs(versions) do
    if version == is.serving then -- has its place
    elseif version.is_next or version.is_trial then
      table.insert(is.halves, version)
    elseif version.is_running then
      table.insert(is.extra, version)
    else
      table.insert(is.kept, version)
    end
  end
  return is
end

-- The containers of an app. Reads only.
function found.containers(d, app)
  return d:ps { all = true, filter = { label = found.APP .. "=" .. app } }
end

return found
