-- cron: something that cron runs again and again.
--
-- A file of its own in /etc/cron.d, or two lines in a user's own crontab, of which the first is a
-- comment with the name. Where cron reads no /etc/cron.d (busybox, macOS) it is the crontab.
local args = require "mr.args"
local path = require "mr.ops.path"
local reader = require "mr.ops.system.reader"
local schedule = require "mr.ops.system.schedule"

-- Arguments: user. A user without a crontab has an empty one; another failure must be seen.
local LOOK = [[
user=$1
have crontab || { say missing crontab; return 0; }
if [ "$(id -un)" = "$user" ]; then set --; else set -- -u "$user"; fi
errors=$( { crontab "$@" -l >/dev/null; } 2>&1) || case $errors in
  *"no crontab"* | *"can't open"*) text crontab ""; return 0 ;;
  *) printf '%s\n' "$errors" >&2; exit 1 ;;
esac
all=$(crontab "$@" -l; echo .)
text crontab "${all%.}"
]]

local SET = 'if [ "$(id -un)" = "$1" ]; then crontab -; else crontab -u "$1" -; fi'

local HEAD = "# Kept by mroom.\n"

-- Families whose cron reads no /etc/cron.d.
local WITHOUT = { alpine = true, darwin = true, openbsd = true, netbsd = true }

local function is_own(o, facts)
  if o.to then
    return o.to == "crontab"
  end
  local os = facts and facts.os or {}
  return WITHOUT[os.family] or WITHOUT[os.id] or false
end

local function file_of(o)
  return "/etc/cron.d/" .. o.name
end

local function file_text(o)
  local lines, names = { HEAD }, {}
  for name in pairs(o.env or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ("%s=%s\n"):format(name, tostring(o.env[name]))
  end
  lines[#lines + 1] = ("%s %s %s\n"):format(schedule.parse(o.schedule), o.user, o.command)
  return table.concat(lines)
end

local function marker(name)
  return "# mroom: " .. name
end

-- The crontab without the entry, where it stood, and its line.
local function without(text, name)
  local out, place, is_next, found = {}, nil, false, nil
  for line in text:gmatch "[^\n]*\n?" do
    local plain = line:gsub("\n$", "")
    if plain == marker(name) then
      place, is_next = place or #out + 1, true
    elseif is_next and line ~= "" then
      is_next = false
      -- Somebody may have taken the line and left the comment.
      if plain:find "^%s*#" or plain:find "^%s*$" then
        out[#out + 1] = line
      else
        found = found or plain
      end
    elseif line ~= "" then
      out[#out + 1] = line
    end
  end
  return out, place, found
end

local function crontab_plan(is, o)
  if is.missing then
    mr.fail(
      "the server has no `crontab`",
      { hint = '`on:package("cron")` brings it; the package is called cronie on some systems' }
    )
  end
  local lines, place, found = without(is.crontab, o.name)
  local words
  if o.state == "absent" then
    words = place and "removed"
  else
    local line = ("%s %s"):format(schedule.parse(o.schedule), o.command)
    words = not found and "made" or found ~= line and ("%s -> %s"):format(found, line) or nil
    local last = lines[#lines]
    if last and last:sub(-1) ~= "\n" then
      lines[#lines] = last .. "\n"
    end
    table.insert(lines, place or #lines + 1, ("%s\n%s\n"):format(marker(o.name), line))
  end
  if not words then
    return nil
  end
  local text = table.concat(lines)
  local command = { "sh", "-c", SET, "sh", o.user }
  return {
    changes = { words },
    steps = { { run = command, stdin = text, says = "write the crontab of " .. o.user } },
    diff = { path = "crontab of " .. o.user, before = is.crontab, after = text },
    will = { crontab = text },
  }
end

return {
  name = "cron",
  summary = "Something that cron runs again and again.",
  takes = { { "name", type = "string", help = "its name, by which it is found again" } },
  options = {
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "should it be there?",
    },
    schedule = { type = "string", help = 'when: `"*/5 * * * *"`, or `"@daily"`' },
    command = { type = "string", help = "what, as in crontab(5): `%` is written `\\%`" },
    user = { type = "string", default = "root", help = "as whom" },
    env = { type = "table", help = "variables, such as `MAILTO`; only in /etc/cron.d" },
    to = {
      type = "string",
      choices = { "cron.d", "crontab" },
      help = "a file in /etc/cron.d, or the user's own crontab; by default what the system reads",
    },
  },
  facts = true,
  like = { ansible = "cron", pyinfra = "crontab.crontab" },
  platforms = "Linux, the BSDs, macOS",
  diff = true,
  valid = function(o)
    require("mr.ops.system.names").check(o.user, "user")
    if not o.name:find "^[%w_][%w_-]*$" or #o.name > 64 then
      args.refuse(
        ("`%s` is not a name for `cron`"):format(o.name),
        "letters, digits, `_` and `-`: cron passes over files with a dot"
      )
    end
    if o.state == "present" then
      if not (o.schedule and o.command) then
        args.refuse(("`cron` %s needs `schedule` and `command`"):format(o.name))
      end
      local _, why = schedule.parse(o.schedule)
      if why then
        args.refuse(
          ("`cron` %s: `schedule` is `%s`: %s"):format(o.name, o.schedule, why),
          "minute, hour, day of the month, month, day of the week"
        )
      end
      if not o.command:find "%S" or o.command:find "[%z\n]" then
        args.refuse(("`cron` %s: `command` must be one line"):format(o.name))
      end
    end
    for name, value in pairs(o.env or {}) do
      local is_text = type(value) == "string" or type(value) == "number"
      local is_name = type(name) == "string" and name:find "^[%a_][%w_]*$"
      if not (is_name and is_text) or tostring(value):find "[%z\n]" then
        args.refuse("`env` must be names with texts of one line")
      end
    end
    if o.env and o.to == "crontab" then
      args.refuse(
        "`env` in a crontab would be that of all entries behind it",
        "put it into the command: `env NAME=value …`"
      )
    end
  end,
  -- A file in /etc/cron.d is remembered as any other file.
  key = function(o)
    return o.to == "crontab" and "crontab:" .. o.user or path.key(file_of(o))
  end,
  look = function(o, facts)
    if is_own(o, facts) then
      return reader.look(LOOK, { o.user })
    end
    return path.look(file_of(o), { content = true })
  end,
  read = function(answer, o, facts)
    if not is_own(o, facts) then
      return path.read(answer)
    end
    local first = reader.parse(answer)
    return { crontab = first.crontab or "", missing = first.missing ~= nil }
  end,
  plan = function(is, o, facts, memory)
    if is_own(o, facts) then
      if o.env then
        args.refuse(
          "cron reads no /etc/cron.d here, and `env` in a crontab would be that of all entries",
          "put it into the command: `env NAME=value …`"
        )
      end
      if is.missing and memory and memory.packages.cron then
        return { unknown = "crontab(1) comes with a package that is not installed yet" }
      end
      return crontab_plan(is, o)
    end
    return path.plan(is, {
      path = file_of(o),
      kind = "file",
      state = o.state,
      content = o.state == "present" and file_text(o) or nil,
      mode = "0644",
    }, memory)
  end,
}
