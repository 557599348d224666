-- group: a group and its members.
local refuse = require("mr.args").refuse
local names = require("mr.ops.system.names")
local reader = require("mr.ops.system.reader")

-- Arguments: name, gid, then users that must be there.
local LOOK = [[
name=$1 gid=$2
shift 2
say tool "$(tools)"
line=$(entry group "$name")
[ -z "$line" ] || say group "$line"
[ -z "$gid" ] || say owner "$(entry group "$gid" | cut -d: -f1)"
for user do [ -z "$(entry passwd "$user")" ] || say there "$user"; done
]]

local function read(text, o)
  local first, all = reader.parse(text)
  local is = {
    tool = first.tool,
    gid_owner = first.owner ~= "" and first.owner or nil,
    there = names.set(reader.lists(all).there),
    members = {},
  }
  if first.group then
    local name, gid, members = first.group:match("^([^:]+):[^:]*:(%d+):([^:]*)$")
    if name ~= o.name then
      error({ kind = "script", message = "the server's answer is about another group" }, 0)
    end
    is.exists, is.gid = true, math.tointeger(tonumber(gid))
    for member in members:gmatch("[^,]+") do
      table.insert(is.members, member)
    end
  end
  return is
end

-- The commands of each family of programs.
local TOOLS = {
  shadow = {
    add = function(o)
      local argv = { "groupadd" }
      if o.gid then
        table.move({ "-g", tostring(o.gid) }, 1, 2, #argv + 1, argv)
      end
      if o.system then
        argv[#argv + 1] = "-r"
      end
      argv[#argv + 1] = o.name
      return argv
    end,
    gid = function(o)
      return { "groupmod", "-g", tostring(o.gid), o.name }
    end,
    join = function(group, user)
      return { "gpasswd", "-a", user, group }
    end,
    leave = function(group, user)
      return { "gpasswd", "-d", user, group }
    end,
    remove = function(group)
      return { "groupdel", group }
    end,
  },
  busybox = {
    add = function(o)
      local argv = { "addgroup" }
      if o.gid then
        table.move({ "-g", tostring(o.gid) }, 1, 2, #argv + 1, argv)
      end
      if o.system then
        argv[#argv + 1] = "-S"
      end
      argv[#argv + 1] = o.name
      return argv
    end,
    gid = function()
      mr.fail(
        "busybox cannot change the number of a group",
        { hint = '`on:package("shadow")` before it brings `groupmod`' }
      )
    end,
    join = function(group, user)
      return { "addgroup", user, group }
    end,
    leave = function(group, user)
      return { "delgroup", user, group }
    end,
    remove = function(group)
      return { "delgroup", group }
    end,
  },
  pw = {
    add = function(o)
      local argv = { "pw", "groupadd", o.name }
      if o.gid then
        table.move({ "-g", tostring(o.gid) }, 1, 2, #argv + 1, argv)
      end
      return argv
    end,
    gid = function(o)
      return { "pw", "groupmod", o.name, "-g", tostring(o.gid) }
    end,
    join = function(group, user)
      return { "pw", "groupmod", group, "-m", user }
    end,
    leave = function(group, user)
      return { "pw", "groupmod", group, "-d", user }
    end,
    remove = function(group)
      return { "pw", "groupdel", group }
    end,
  },
}

-- Raises when something that the group needs is not there, nor would be.
local function demand(is, o, memory)
  local known = memory and memory.users or {}
  for _, user in ipairs(names.missing(o.members, is.there)) do
    if not known[user] then
      mr.fail(
        ("there is no user `%s`"):format(user),
        { hint = ('`on:user("%s")` before it makes one'):format(user) }
      )
    end
  end
  if o.gid and is.gid_owner and is.gid_owner ~= o.name then
    mr.fail(("the gid %d is that of `%s`"):format(o.gid, is.gid_owner))
  end
end

local function plan(is, o, memory)
  local tool = TOOLS[is.tool]
    or mr.fail(
      "the server has neither `groupadd`, `addgroup` nor `pw`",
      { hint = "`sudo = true` finds the programs of root" }
    )
  local changes, steps = {}, {}
  local function change(words, argv)
    changes[#changes + 1] = words
    steps[#steps + 1] = { run = argv }
  end
  local will = { tool = is.tool, there = is.there, exists = true, gid = o.gid or is.gid }
  if o.state == "absent" then
    if not is.exists then
      return nil
    end
    change("removed", tool.remove(o.name))
    will.exists, will.members = nil, {}
    return { changes = changes, steps = steps, will = will }
  end
  demand(is, o, memory)
  if not is.exists then
    change(o.gid and ("made, gid %d"):format(o.gid) or "made", tool.add(o))
  elseif o.gid and o.gid ~= is.gid then
    change(("gid %d -> %d"):format(is.gid, o.gid), tool.gid(o))
  end
  local leave = o.exact and names.missing(is.members, names.set(o.members)) or {}
  will.members = names.missing(is.members, names.set(leave))
  for _, user in ipairs(names.missing(o.members, names.set(is.members))) do
    change("member " .. user, tool.join(o.name, user))
    table.insert(will.members, user)
  end
  for _, user in ipairs(leave) do
    change("no longer member " .. user, tool.leave(o.name, user))
  end
  local makes = { groups = { o.name } }
  return changes[1] and { changes = changes, steps = steps, will = will, makes = makes } or nil
end

return {
  name = "group",
  summary = "A group and its members.",
  takes = { { "name", type = "string", help = "its name" } },
  options = {
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "should it be there?",
    },
    gid = { type = "integer", help = "its number" },
    system = { type = "boolean", default = false, help = "a new group gets a system number" },
    members = { type = "list", help = "users that it has as members" },
    exact = { type = "boolean", default = false, help = "no others are members" },
  },
  like = { ansible = "group", pyinfra = "server.group" },
  platforms = "Linux with shadow or busybox, FreeBSD",
  valid = function(o)
    names.check(o.name, "group")
    for _, user in ipairs(o.members or {}) do
      if type(user) ~= "string" then
        refuse("`members` must be a list of names")
      end
      names.check(user, "members")
    end
    if o.gid and (o.gid < 0 or o.gid > 4294967294) then
      refuse(("`gid` %d is out of range"):format(o.gid), "from 0 to 4294967294")
    end
    if o.exact and not o.members then
      refuse("`exact` needs `members`", "`members = {}` leaves none")
    end
  end,
  look = function(o)
    local args = { o.name, tostring(o.gid or "") }
    table.move(o.members or {}, 1, #(o.members or {}), #args + 1, args)
    return reader.look(LOOK, args)
  end,
  read = read,
  plan = function(is, o, _, memory)
    return plan(is, o, memory)
  end,
}
