-- user: an account, its groups, shell, home and password.
--
-- Works with useradd and usermod, with the adduser of busybox, and with FreeBSD's pw. A hash of a
-- password goes in over standard input; what the server holds is compared, never shown.
local refuse = require("mr.args").refuse
local names = require("mr.ops.system.names")
local reader = require("mr.ops.system.reader")
local tools = require("mr.ops.system.user_tools")

-- Arguments: name, uid, then groups that must be there.
local LOOK = [[
name=$1 uid=$2
shift 2
say tool "$(tools)"
line=$(entry passwd "$name")
if [ -n "$line" ]; then
  say passwd "$line"
  say group "$(entry group "$(echo "$line" | cut -d: -f4)" | cut -d: -f1)"
  { getent group 2>/dev/null || cat /etc/group; } | awk -F: -v n="$name" '{
    c = split($4, m, ",")
    for (i = 1; i <= c; i++) if (m[i] == n) { print "member =" $1; break }
  }'
  [ ! -d "$(echo "$line" | cut -d: -f6)" ] || say home yes
fi
for file in /etc/shadow /etc/master.passwd; do
  [ -r "$file" ] || continue
  say shadow "$(awk -F: -v n="$name" '$1 == n { print $2; exit }' "$file")"
  break
done
[ -z "$uid" ] || say owner "$(entry passwd "$uid" | cut -d: -f1)"
[ -z "$(entry group "$name")" ] || say own yes
for group do [ -z "$(entry group "$group")" ] || say there "$group"; done
]]

local function look(o)
  local args = { o.name, tostring(o.uid or "") }
  args[3] = o.group
  table.move(o.groups or {}, 1, #(o.groups or {}), #args + 1, args)
  return reader.look(LOOK, args)
end

-- Is there a hash behind the marks that lock it? `*` and `!` alone are none.
local function hash_of(field)
  local hash = field:gsub("^%*LOCKED%*", ""):gsub("^!+", "")
  return (hash:find("^[$_]") or hash:find("^[%w./]+$") and #hash == 13) and hash or nil
end

local function read(text, o)
  local first, all = reader.parse(text)
  all = reader.lists(all)
  local is = {
    tool = first.tool,
    own_group = first.own ~= nil,
    uid_owner = first.owner ~= "" and first.owner or nil,
    there = names.set(all.there),
    groups = all.member,
  }
  if first.shadow and first.passwd then
    local hash = hash_of(first.shadow)
    is.hash = hash and mr.secret(hash)
    is.knows_hash = true
    is.locked = first.shadow:find("^[!*]") ~= nil
  end
  if first.passwd then
    local name, uid, gid, comment, home, shell =
      first.passwd:match("^([^:]+):[^:]*:(%d+):(%d+):([^:]*):([^:]*):([^:]*)$")
    if name ~= o.name then
      error({ kind = "script", message = "the server's answer is about another user" }, 0)
    end
    is.exists, is.uid, is.gid = true, math.tointeger(tonumber(uid)), gid
    is.comment, is.home, is.shell = comment, home, shell
    is.group = first.group ~= "" and first.group or gid
    is.has_home = first.home ~= nil
  end
  return is
end

-- Raises when what the account needs is not there, nor would be by what check mode left out.
local function demand(is, o, memory)
  local known = memory and memory.groups or {}
  local wanted = { o.group }
  table.move(o.groups or {}, 1, #(o.groups or {}), #wanted + 1, wanted)
  for _, group in ipairs(names.missing(wanted, is.there)) do
    if not known[group] then
      mr.fail(
        ("there is no group `%s`"):format(group),
        { hint = ('`on:group("%s")` before it makes one'):format(group) }
      )
    end
  end
  if o.uid and is.uid_owner and is.uid_owner ~= o.name then
    mr.fail(("the uid %d is that of `%s`"):format(o.uid, is.uid_owner))
  end
  if (o.password_hash or o.locked ~= nil) and is.exists and not is.knows_hash then
    mr.fail("cannot read the server's password hashes", { hint = "`sudo = true` reads as root" })
  end
end

-- The password's step and words; `is` may be an account that is only about to be made.
local function password(plan, is, o)
  local will = plan.will
  local lock = o.locked
  local wanted = o.password_hash and mr.secret(o.password_hash)
  if wanted and is.hash ~= wanted then
    -- A new password leaves an account locked that was, unless the caller says otherwise.
    local locked = lock or (lock == nil and is.hash ~= nil and is.locked)
    plan.changes[#plan.changes + 1] = is.hash and "password changed" or "password set"
    plan.steps[#plan.steps + 1] = tools.of(is).password(o, locked)
    if lock and not is.locked then
      plan.changes[#plan.changes + 1] = "locked"
    end
    will.hash, will.locked = wanted, locked
    return
  end
  if lock == true and not is.locked or lock == false and is.locked and is.hash then
    plan.changes[#plan.changes + 1] = lock and "locked" or "unlocked"
    plan.steps[#plan.steps + 1] = { run = tools.of(is).lock(o.name, lock) }
    will.locked = lock
  end
end

local function made(is, o)
  local will = {}
  for key, value in pairs(is) do
    will[key] = value
  end
  will.exists, will.knows_hash, will.locked = true, true, true
  will.uid, will.comment = o.uid, o.comment or ""
  will.home, will.shell = o.home or ("/home/" .. o.name), o.shell
  will.group, will.groups = o.group or o.name, o.groups or {}
  will.has_home = o.create_home ~= false and not (o.system and o.create_home == nil)
  local plan = {
    changes = { o.uid and ("made, uid %d"):format(o.uid) or "made" },
    steps = tools.of(is).add(o, is, will.has_home),
    will = will,
    makes = { users = { o.name } },
  }
  password(plan, { tool = is.tool, locked = true }, o)
  return plan
end

-- What differs of an account that is there.
local function changed(is, o)
  local plan, set, will = { changes = {}, steps = {} }, {}, {}
  for key, value in pairs(is) do
    will[key] = value
  end
  plan.will = will
  local function say(words, ...)
    plan.changes[#plan.changes + 1] = words:format(...)
  end
  for _, key in ipairs({ "uid", "group", "home", "shell", "comment" }) do
    local wanted = o[key]
    local same = is[key] == wanted or key == "group" and is.gid == wanted
    if wanted ~= nil and not same then
      local old = is[key] ~= "" and is[key] or "none"
      say("%s %s -> %s", key, tostring(old), tostring(wanted))
      set[key], will[key] = wanted, wanted
    end
  end
  local is_in, wanted = names.set(is.groups), names.set(o.groups)
  -- The primary group needs no membership.
  is_in[o.group or is.group] = true
  set.join, set.leave = names.missing(o.groups, is_in), {}
  for _, group in ipairs(is.groups) do
    -- A member of its own primary group may stay one.
    if o.groups and o.exact and not wanted[group] and group ~= (o.group or is.group) then
      table.insert(set.leave, group)
    end
  end
  if set.join[1] or set.leave[1] then
    local left = names.set(set.leave)
    will.groups = names.missing(is.groups, left)
    table.move(set.join, 1, #set.join, #will.groups + 1, will.groups)
    set.groups = will.groups
  end
  for _, group in ipairs(set.join) do
    say("into group %s", group)
  end
  for _, group in ipairs(set.leave) do
    say("out of group %s", group)
  end
  if plan.changes[1] then
    plan.steps = tools.of(is).change(o, set)
  end
  if o.create_home and not is.has_home and not (set.home and o.move_home) then
    say("home made")
    plan.steps[#plan.steps + 1] = tools.home(o.name)
    will.has_home = true
  end
  password(plan, is, o)
  return plan.changes[1] and plan or nil
end

return {
  name = "user",
  summary = "An account: its groups, home, shell and password.",
  takes = { { "name", type = "string", help = "login name" } },
  options = {
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "should it be there?",
    },
    uid = { type = "integer", help = "its number" },
    group = { type = "string", help = "its primary group; by default one of its own name" },
    groups = { type = "list", help = "further groups that it is in" },
    exact = { type = "boolean", default = false, help = "take it out of all other groups" },
    home = { type = "path", help = "its home folder" },
    create_home = {
      type = "boolean",
      help = "make the home folder; by default for new accounts that are not `system`",
    },
    move_home = {
      type = "boolean",
      default = false,
      help = "move what is in the home when `home` changes",
    },
    shell = { type = "path", help = "its login shell" },
    comment = { type = "string", help = "the full name, the fifth field of passwd" },
    system = { type = "boolean", default = false, help = "a new account is a system account" },
    password_hash = {
      type = "secret",
      help = "hash of its password, as crypt(3) and `openssl passwd -6` make it",
    },
    locked = { type = "boolean", help = "no login by password; keys still open" },
    remove_home = {
      type = "boolean",
      default = false,
      help = "with `absent`: its home and mail go too",
    },
  },
  like = { ansible = "user", pyinfra = "server.user" },
  platforms = "Linux with shadow or busybox, FreeBSD",
  valid = function(o)
    names.check(o.name, "user")
    if o.group then
      names.check(o.group, "group")
    end
    for _, group in ipairs(o.groups or {}) do
      if type(group) ~= "string" then
        refuse("`groups` must be a list of names")
      end
      names.check(group, "groups")
    end
    if o.uid and (o.uid < 0 or o.uid > 4294967294) then
      refuse(("`uid` %d is out of range"):format(o.uid), "from 0 to 4294967294")
    end
    if (o.comment or ""):find("[:%c]") then
      refuse("`comment` cannot hold a colon or a line's end")
    end
    for _, key in ipairs({ "home", "shell" }) do
      if (o[key] or ""):find("[:%c]") then
        refuse(("`%s` cannot hold a colon or a line's end"):format(key))
      end
    end
    if type(o.password_hash) == "string" and not o.password_hash:find "^[$_][^:%c]+$" then
      refuse("`password_hash` is not a hash of crypt(3)", "`openssl passwd -6` makes one")
    end
    if o.exact and not o.groups then
      refuse("`exact` needs `groups`", "`groups = {}` takes it out of all")
    end
  end,
  look = look,
  read = read,
  plan = function(is, o, _, memory)
    if o.state == "absent" then
      if not is.exists then
        return nil
      end
      return {
        changes = { o.remove_home and "removed, with its home" or "removed" },
        steps = { { run = tools.of(is).remove(o) } },
        will = { tool = is.tool, there = is.there, groups = {}, own_group = false },
      }
    end
    demand(is, o, memory)
    return is.exists and changed(is, o) or not is.exists and made(is, o) or nil
  end,
}
