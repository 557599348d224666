-- mr.docker_scan: what Docker runs on a server, asked in one round trip: `server:scan_docker()`.
--
-- The record tells the engine's state (`up`, `absent`, `down`, `denied`, `failed`), its versions, each container
-- with its state and health, and how old the images are. A server whose engine cannot be asked has no
-- numbers: never "0 containers".
local args = require "mr.args"
local answer = require "mr.docker_scan.answer"
local script = require "mr.docker_scan.script"

local engine = {}

local HINTS = {
  absent = "the stage `docker` installs it",
  down = "`systemctl start docker` starts it where systemd runs",
  failed = "`docker version` on the server says more",
  denied = "`-b` asks as root; or the login joins the group `docker`, which is as good as root",
}

-- Seconds after its last restart for which a container is not believed to be well.
local YOUNG = 60

-- Why a container needs somebody; nil for one that is well or was stopped on purpose.
local function trouble(one, now)
  if one.health == "unhealthy" then
    return "unhealthy"
  elseif one.state == "restarting" or one.state == "dead" then
    return one.state
  elseif one.is_oom_killed then
    return "killed for its memory"
  end
  -- What cannot stay up is up between two falls, too.
  local age = now and one.started and now - one.started
  if one.state == "running" and (one.restarts or 0) > 0 and age and age < YOUNG then
    return ("restarted, %d times by now"):format(one.restarts)
  end
  -- A policy wants it up, and it is not: it has given up, or was told to stop by hand (137, 143).
  local is_kept = one.restart_policy == "always" or one.restart_policy == "on-failure"
  if one.state == "exited" and is_kept and (one.exit_code or 0) ~= 0 then
    local code = one.exit_code
    return code ~= 137 and code ~= 143 and ("exited with %d"):format(code) or nil
  end
end

-- What follows from the lists.
local function sums(found)
  found.counts, found.restarts, found.unwell = {}, 0, mr.json.array {}
  for _, one in ipairs(found.containers) do
    found.counts[one.state] = (found.counts[one.state] or 0) + 1
    if one.health and one.health ~= "none" then
      found.counts[one.health] = (found.counts[one.health] or 0) + 1
    end
    found.restarts = found.restarts + (one.restarts or 0)
    local why = trouble(one, found.now)
    if why then
      table.insert(found.unwell, { name = one.name, why = why, restarts = one.restarts })
    end
  end
  local images = { count = #found.images, dangling = 0 }
  for _, image in ipairs(found.images) do
    images.dangling = images.dangling + (image.repository == "<none>" and 1 or 0)
    if image.created then
      images.newest = math.max(images.newest or image.created, image.created)
      images.oldest = math.min(images.oldest or image.created, image.created)
    end
  end
  found.images = images
end

-- Makes a whole record of what `answer.take` has gathered.
function engine.finish(found)
  if not found.state then
    error({
      kind = "script",
      message = "the server did not say what Docker runs on it",
      hint = "is `sh` a POSIX shell there?",
    }, 0)
  end
  found.hint = HINTS[found.state]
  local missed = {}
  for _, what in ipairs(found.missed) do
    missed[what] = true
  end
  found.missed, found.is_alone = nil, nil
  if found.state ~= "up" then
    found.containers, found.images = nil, nil
    return found
  end
  table.sort(found.containers, function(a, b)
    return a.name < b.name
  end)
  local created = {}
  for _, image in ipairs(found.images) do
    created[image.id] = image.created
  end
  for _, one in ipairs(found.containers) do
    one.image_created = created[one.image_id or ""]
  end
  sums(found)
  found.now = nil
  -- What could not be asked is unknown, not nothing.
  if missed.containers then
    found.containers, found.counts, found.restarts, found.unwell = nil, nil, nil, nil
  end
  if missed.images then
    found.images = nil
  end
  return found
end

-- The record in what the script printed. Raises when the markers are not there.
function engine.parse(output)
  local lines = "\n" .. output:gsub("\r\n", "\n") .. "\n"
  local _, first = lines:find("\n" .. script.first .. "\n", 1, true)
  local last = first and lines:find("\n" .. script.last .. "\n", first, true)
  local found = answer.new()
  for key, value in (last and lines:sub(first, last) or ""):gmatch "\n(%l+)=([^\n]*)" do
    answer.take(found, key, value)
  end
  return engine.finish(found)
end

-- The command's name on the servers.
function engine.command()
  return mr.config.commands.docker
end

-- Keeps in the inventory what was found there, as the stage env does; a mark is only ever set.
local function mark(s, found)
  local meta, new = s.meta, {}
  for key, is_there in pairs {
    docker_installed = found.state ~= "absent",
    docker_compose_installed = found.compose,
  } do
    if meta and is_there and meta[key] ~= true then
      new[key] = true
    end
  end
  if next(new) then
    s:meta_set(new)
  end
end

-- Asks a server or connection. opts.disk: how much disk Docker uses, too, which may take it a while.
-- opts.timeout: seconds.
function engine.of(s, opts)
  opts = args.checked("scan_docker", opts, { disk = true, timeout = true })
  local command = { "sh", "-s", "--", engine.command(), opts.disk and "yes" or "" }
  local said = s:capture(command, { stdin = script.text, timeout = opts.timeout or 60 })
  local found = engine.parse(said)
  if s.meta then
    mark(s, found)
  end
  return found
end

return engine
