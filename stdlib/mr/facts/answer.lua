-- What the script of `mr.facts` printed, read as data: every key has a kind here, and a value that
-- does not fit its kind is left out. Unknown is nil, never a guess. Internal.
local script = require "mr.facts.script"

-- Kinds of values: each gives the value, or nil for what is none.
local function text(value)
  value = value:gsub("[%c\127]", ""):sub(1, 256)
  return utf8.len(value) and value ~= "" and value or nil
end

local function word(value)
  return #value <= 128 and value:match "^[%w][%w._+:~-]*$" or nil
end

local function path(value)
  return #value <= 1024 and utf8.len(value) and value:match "^/[^%c\127]*$" or nil
end

local function number(value)
  return #value <= 18 and value:match "^%d+$" and math.tointeger(tonumber(value)) or nil
end

-- A zone's name: `Europe/Berlin`, `Etc/GMT-3`.
local function zone(value)
  return #value <= 64 and value:match "^%a[%w_+/-]*$" or nil
end

-- Items of lists: each gives the item, or nil for what is none.
local function disk(value)
  local total, free, device, mount = value:match "^(%d+) (%d+) (/%S+) (/.*)$"
  if total and number(total) and number(free) and path(device) and path(mount) then
    return { device = device, mount = mount, total = number(total), free = number(free) }
  end
end

local function address(value)
  local interface, ip, prefix = value:match "^([%w.@_:-]+) ([%x.:]+)/?(%d*)$"
  if interface and #interface <= 64 and #ip <= 45 and ip:find "[.:]" then
    return {
      interface = interface:match "^[^@]*",
      address = ip,
      prefix = number(prefix),
      family = ip:find(":", 1, true) and "inet6" or "inet",
    }
  end
end

local function login(value)
  local name, uid, home, shell = value:match "^([^:%c]+):(%d+):([^:]*):([^:]*)$"
  if name and text(name) and number(uid) then
    return { name = text(name), uid = number(uid), home = path(home), shell = path(shell) }
  end
end

-- Which list an item goes to, and what it must be. A server cannot fill a list without end.
local MOST = 128
local LISTS = {
  mount = { "disks", disk },
  address = { "addresses", address },
  login = { "users", login },
}

-- Families by what ID_LIKE or ID says; else the id is its own family.
local FAMILIES = {
  { "debian", "debian" },
  { "rhel", "redhat" },
  { "fedora", "redhat" },
  { "suse", "suse" },
  { "arch", "arch" },
  { "alpine", "alpine" },
  { "bsd", "bsd" },
  { "macos", "darwin" },
}

local function family(id, like)
  for _, names in ipairs { like or "", id or "" } do
    for _, pair in ipairs(FAMILIES) do
      if names:find(pair[1], 1, true) then
        return pair[2]
      end
    end
  end
  return id
end

-- The address of the default route's interface.
local function default_address(found)
  for _, wanted in ipairs { "inet", "inet6" } do
    for _, at in ipairs(found.addresses) do
      if at.interface == found.interface and at.family == wanted then
        return at.address
      end
    end
  end
end

-- Where each key goes, and its kind. Sizes are bytes.
local KEYS = {
  os_id = { "os", "id", word },
  os_like = { "os", "like", text },
  os_name = { "os", "name", text },
  os_version = { "os", "version", text },
  kernel_name = { "kernel", "name", word },
  kernel_release = { "kernel", "release", word },
  arch = { nil, "arch", word },
  hostname = { nil, "hostname", word },
  user = { nil, "user", text },
  uid = { nil, "uid", number },
  home = { nil, "home", path },
  shell = { nil, "shell", path },
  cpu_count = { "cpu", "count", number },
  cpu_model = { "cpu", "model", text },
  memory_total = { "memory", "total", number },
  memory_available = { "memory", "available", number },
  swap_total = { "swap", "total", number },
  swap_free = { "swap", "free", number },
  uptime = { nil, "uptime", number },
  boot_id = { nil, "boot_id", word },
  timezone = { nil, "timezone", zone },
  interface = { nil, "interface", word },
  disk_total = { "disk", "total", number },
  disk_free = { "disk", "free", number },
  virtualization = { nil, "virtualization", word },
  init = { nil, "init", word },
  package_manager = { nil, "package_manager", word },
  docker_version = { "docker", "version", word },
  compose_version = { "docker", "compose", word },
}

local function place(key)
  local name = key:match "^command_([%w_]+)$"
  if name then
    return { "commands", name, path }
  end
  return KEYS[key]
end

-- The facts in what the script printed. The first value of a key counts; unknown keys and lines
-- of another shape are left out. Raises when the markers are not there.
local function parse(output)
  local lines = "\n" .. output:gsub("\r\n", "\n") .. "\n"
  local _, first = lines:find("\n" .. script.first .. "\n", 1, true)
  local last = first and lines:find("\n" .. script.last .. "\n", first, true)
  if not last then
    error({
      kind = "script",
      message = "the server did not answer with its facts",
      hint = "is `sh` a POSIX shell there, and does the user's shell start without a question?",
    }, 2)
  end
  local found = { os = {}, kernel = {}, cpu = {}, memory = {}, swap = {}, disk = {}, docker = {} }
  found.commands, found.folders = {}, {}
  found.disks, found.addresses, found.users = {}, {}, {}
  for key, value in lines:sub(first, last):gmatch "\n([%l%d_]+)=([^\n]*)" do
    local at = place(key)
    if key == "folder" then
      found.folders[value] = true
    end
    local into = at and (at[1] and found[at[1]] or found)
    if at and into[at[2]] == nil then
      into[at[2]] = at[3](value)
    end
    local list = LISTS[key]
    if list and #found[list[1]] < MOST then
      local items = found[list[1]]
      items[#items + 1] = list[2](value)
    end
  end
  found.os.family = family(found.os.id, found.os.like)
  found.os.like = nil
  found.address = default_address(found)
  return found
end

return parse
