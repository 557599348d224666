-- mr.deploy.compose: a compose project from a local folder: rendered, checked on the server before
-- anything is put in place, brought up, and put back as it was when it does not become well.
--
-- The folder has docker-compose.yml (or compose.yaml) and whatever that needs, cache/ and assets/
-- among it. Files that end in .j2 or .tmpl are rendered with `values`, and lose that ending.
local args = require "mr.args"
local evidence = require "mr.deploy.evidence"
local history = require "mr.deploy.history"
local lease = require "mr.lease"
local native = require "mr.native"
local state = require "mr.state"
local compose = {}

local NAMES = { "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml" }
-- Larger files belong into an image or a volume.
local LIMIT = 16 * 1024 * 1024

-- Copies the project `$1` to `$2`, which is what there was.
local KEEP = [[
set -eu
rm -rf -- "$2"
[ ! -d "$1" ] || cp -a -- "$1" "$2"
]]

-- Brings the files of `$2` back to `$1`; data that the containers wrote beside them stays. The rest
-- of the arguments are the files of the new version, which go unless the old one had them.
local BACK = [[
set -eu
trap '' HUP PIPE
to=$1 from=$2
shift 2
for file in "$@"; do
  [ -e "$from/$file" ] || rm -f -- "$to/$file"
done
[ ! -d "$from" ] || cp -a -- "$from/." "$to/"
]]

local function local_file(path)
  local file, why = io.open(path, "rb")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  if not text then
    args.refuse(("cannot read `%s`: %s"):format(path, why or "it is a folder"))
  elseif #text > LIMIT then
    args.refuse(
      ("`%s` is larger than 16 MiB"):format(path),
      "mount a volume, or build it into the image"
    )
  end
  return text
end

-- The files of the local project as they are to be on the server, { path, text, mode }, and its
-- folders; sorted.
function compose.rendered(folder, values)
  local root = native.absolute(native.local_path(folder))
  local list, dirs, has_file = {}, {}, false
  for _, entry in ipairs(native.local_tree(root)) do
    if entry.kind == "dir" then
      dirs[#dirs + 1] = entry.path ~= "" and entry.path or nil
    else
      local path, text = entry.path, local_file(root .. "/" .. entry.path)
      local plain = path:match "^(.+)%.j2$" or path:match "^(.+)%.tmpl$"
      if plain then
        path, text = plain, mr.template(text, values, { name = entry.path })
      end
      list[#list + 1] = { path = path, text = text, mode = entry.mode }
      for _, name in ipairs(NAMES) do
        has_file = has_file or path == name
      end
    end
  end
  if not has_file then
    args.refuse(
      ("`%s` has no docker-compose.yml"):format(folder),
      "or compose.yaml, or one of them ending in .j2"
    )
  end
  table.sort(list, function(a, b)
    return a.path < b.path
  end)
  table.sort(dirs)
  return list, dirs
end

-- What the containers of the project that are not well have to say for themselves.
local function evidence_of(d, project)
  local told = nil
  for _, container in ipairs(mr.try(project.ps, project) or {}) do
    local is_well = container.state == "running" and container.health ~= "unhealthy"
    if not is_well or container.health == "starting" then
      told = told or evidence.gather(d, container.name)
    end
  end
  if not told then
    local logs = mr.try(project.logs, project, { tail = 40 })
    local text = logs and mr.text.trim((logs.stdout or "") .. (logs.stderr or "")) or ""
    told = { log = text ~= "" and mr.text.lines(text:sub(-8000)) or nil }
  end
  return told
end

-- Writes all files below `root` by operations, so that the run shows each change; gives how many
-- changed.
local function put(on, root, files, dirs)
  on:dir(root)
  for _, dir in ipairs(dirs) do
    on:dir(root .. "/" .. dir)
  end
  local changed = 0
  for _, file in ipairs(files) do
    local result = on:file(root .. "/" .. file.path, { content = file.text, mode = file.mode })
    if result.status ~= "ok" then
      changed = changed + 1
    end
  end
  return changed
end

-- The same without a word, for the look at what compose makes of it.
local function stage(s, root, files, dirs, sudo)
  s:script(
    'set -eu\nrm -rf -- "$1"\nmkdir -p -- "$1"\ncd -- "$1"\nshift\n[ $# = 0 ] || mkdir -p -- "$@"',
    {
      args = { root, table.unpack(dirs) },
      sudo = sudo,
    }
  )
  for _, file in ipairs(files) do
    s:write(root .. "/" .. file.path, file.text, { sudo = sudo, mode = file.mode })
  end
end

local function values_of(s, o)
  local values = {}
  for key, value in pairs(vars) do
    values[key] = value
  end
  for key, value in pairs(o.values or {}) do
    values[key] = value
  end
  values.app, values.server = o.app, { id = s.id, host = s.host, meta = s.meta, tags = s.tags }
  return values
end

local function up(project, o)
  return mr.try(project.up, project, {
    wait = true,
    wait_timeout = o.timeout,
    remove_orphans = true,
  })
end

-- The new project does not become well: what there was comes back, and the error has the evidence.
local function back(c, project, files, err)
  local told = evidence_of(c.d, project)
  local names = {}
  for i, file in ipairs(files) do
    names[i] = file.path
  end
  c.s:log(("`%s` is not well: brings back what there was"):format(c.o.app))
  c.s:script(BACK, { args = { c.root, c.former, table.unpack(names) }, sudo = c.sudo })
  local _, failure
  if c.was then
    _, failure = up(project, c.o)
  else
    _, failure = mr.try(project.down, project, {})
  end
  error({
    kind = "docker",
    reason = "unhealthy",
    message = ("`%s` is not well: %s; %s"):format(
      c.o.app,
      err.message,
      failure and "and what there was does not come back: " .. failure.message
        or (c.was and "what there was is back" or "it is down again")
    ),
    hint = err.hint,
    evidence = told,
    server = c.s.id,
  }, 0)
end

local function work(c)
  local s, d, o = c.s, c.d, c.o
  local files, dirs = compose.rendered(o.compose, values_of(s, o))
  local function project_at(folder)
    return d:compose { folder = folder, project = o.project or o.app }
  end
  local step = o.on_step or function() end
  if not s.check then
    step("check", s)
    local staged = c.root .. ".next"
    stage(s, staged, files, dirs, c.sudo)
    -- Before anything changes: what compose itself does not understand is refused.
    project_at(staged):config()
    s:script(KEEP, { args = { c.root, c.former }, sudo = c.sudo })
    s:run({ "rm", "-rf", "--", staged }, { sudo = c.sudo })
  end
  c.was = s:test({ "test", "-d", c.root }, { sudo = c.sudo })
  step("put", s)
  local changed = put(s:ops { sudo = c.sudo }, c.root, files, dirs)
  local project = project_at(c.root)
  if s.check then
    if changed > 0 then
      project:up { wait = true }
    end
    return { status = changed > 0 and "changed" or "ok", files = changed }
  end
  if o.pull == "always" then
    step("pull", s)
    mr.try(project.pull, project)
  end
  local before = mr.json.encode(c.ids(project))
  step("up", s)
  local _, err = up(project, o)
  if err and (err.kind == "docker" or err.kind == "exit" or err.kind == "script") then
    back(c, project, files, err)
  elseif err then
    error(err, 0)
  end
  local is_same = changed == 0 and before == mr.json.encode(c.ids(project))
  return { status = is_same and "ok" or "changed", files = changed }
end

-- The ids of its containers: the same ones as before mean that nothing happened.
local function ids(project)
  local list = mr.json.array {}
  for _, container in ipairs(mr.try(project.ps, project) or {}) do
    list[#list + 1] = tostring(container.id) .. tostring(container.state)
  end
  table.sort(list)
  return list
end

-- Deploys the compose project that `o` (decoded by mr.deploy.spec) names.
function compose.deploy(s, d, o)
  local at = state.of(s, o.sudo)
  local below = mr.config.remote_workspace:gsub("^~/", "")
  local workspace = below:sub(1, 1) == "/" and below or at.home .. "/" .. below
  local root = o.folder or workspace .. "/" .. o.app
  if root:sub(1, 1) ~= "/" then
    root = workspace .. "/" .. root
  end
  args.value(root, { type = "path" }, "`deploy`: `folder`")
  local c =
    { s = s, d = d, o = o, root = root, former = root .. ".former", sudo = o.sudo, ids = ids }
  local what = ("deploy of %s"):format(o.app)
  return lease.with(s, o.app, { ttl = 120, what = what, sudo = o.sudo }, function()
    local result, err = mr.try(work, c) ---@type any, any
    if not s.check and (err or (result and result.status == "changed")) then
      history.add(s, {
        app = o.app,
        action = "compose",
        outcome = err and "failed" or "ok",
        message = err and err.message or nil,
      }, o.sudo)
    end
    if err or not result then
      error(err, 0)
    end
    result.app, result.action, result.server = o.app, "compose", s.id
    return setmetatable(result, {
      __name = "DeployResult",
      __tostring = function(self)
        return ("%s %s, %d files changed"):format(self.app, self.status, self.files)
      end,
    })
  end)
end

return compose
