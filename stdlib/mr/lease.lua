-- mr.lease: work that only one at a time may do on a server, whoever sits where.
--
-- A lease is held by a token, is renewed while the work goes on, and expires by itself when its
-- holder dies: by the server's clock, so that nobody's own clock counts. Others are told who holds
-- it since when. In check mode nobody takes one.
local args = require "mr.args"
local native = require "mr.native"
local script = require "mr.lease.script"
local state = require "mr.state"
local lease = {}

local TTL = 300

-- Prints all leases; reads only.
local LIST = [[
echo mroom-lease
printf 'now=%s\n' "$(date +%s)"
for file in "$1"/locks/*.lease; do
  [ -f "$file" ] || continue
  name=${file##*/}
  printf 'name=%s\n' "${name%.lease}"
  grep -E '^(holder|what|since|until)=' -- "$file" || :
done
]]

-- A text as the value of one line.
local function line(text)
  return (tostring(text):gsub("%c", " "):sub(1, 200))
end

-- A lease's name is a file's name, too.
local function named(name)
  if type(name) ~= "string" or #name > 100 or not name:find "^%w[%w_.-]*$" then
    args.refuse("a lease's name is letters, digits, `_`, `.` and `-`")
  end
  return name
end

-- What the server said: a list of { key, value } in its order. Pure.
local function pairs_of(text)
  local list = {}
  for key, value in (text:match "mroom%-lease\n?(.*)" or ""):gmatch "(%l+)=([^\n]*)" do
    list[#list + 1] = { key, value }
  end
  return list
end

-- { state, now, was = { holder, what, since, until_ } }: `was` is the lease that was there. Pure.
---@return any
function lease.read(text)
  local said, was = { was = nil }, {}
  for _, pair in ipairs(pairs_of(text)) do
    local key, value = pair[1], pair[2]
    if key == "state" then
      said.is_expired = said.is_expired or value == "expired"
      said.state = value
    elseif key == "now" then
      said.now = math.tointeger(tonumber(value))
    elseif key == "since" or key == "until" then
      was[key == "until" and "until_" or key] = math.tointeger(tonumber(value)) or 0
    elseif (key == "holder" or key == "what") and value ~= "" then
      was[key] = value
    end
  end
  if not said.state or not said.now then
    mr.fail "the server did not say whether the lease could be had"
  end
  said.was = was.holder and was or nil
  return said
end

-- `web@desk, deploy of shop, for 90 s`
local function words(was, now)
  local age = math.max(0, now - (was.since or now))
  return ("%s%s, for %d s"):format(was.holder, was.what and ", " .. was.what or "", age)
end

local function ask(s, at, verb, name, more)
  local list = { verb, at.dir, name }
  table.move(more or {}, 1, #(more or {}), 4, list)
  local result = s:script(script, { args = list, sudo = at.sudo, timeout = 60 })
  return lease.read(result.stdout)
end

local function take(s, at, name, opts, token)
  local said =
    ask(s, at, "take", name, { token, opts.ttl, line(native.operator()), line(opts.what or name) })
  if said.state == "busy" then
    mr.fail "the leases of this server are busy; try again"
  elseif said.state == "held" then
    local was = said.was or { holder = "somebody" }
    local left = math.max(0, math.tointeger((was.until_ or said.now) - said.now) or 0)
    mr.fail(("`%s` is held by %s"):format(name, words(was, said.now)), {
      hint = ("it ends by itself within %d s once its holder is gone; %s"):format(
        left,
        opts.hint or ("`mroom docker %s unlock %s` breaks it"):format(s.id, name)
      ),
    })
  elseif said.is_expired and said.was then
    s:log(("the lease of %s on `%s` had expired"):format(words(said.was, said.now), name))
  end
end

local OPTIONS = {
  ttl = { type = "integer", default = TTL, help = "seconds that it lasts without being renewed" },
  what = { type = "string", help = "what it is for, told to others" },
  hint = { type = "string", help = "what others are told to do" },
  sudo = { type = "any", help = "as root, or as that user" },
}

-- Calls fn() while the lease `name` is held on the server, and gives what that gives. Raises who
-- holds it, when somebody else does; and ends the work when somebody breaks the lease.
function lease.with(s, name, opts, fn)
  opts = args.decode("lease", OPTIONS, opts)
  named(name)
  if opts.ttl < 5 then
    args.refuse "`lease`: `ttl` must be at least 5 seconds"
  elseif s.check then
    return fn()
  end
  local at = state.of(s, opts.sudo)
  local token = ("%08x%08x"):format(math.random(0, 0xffffffff), math.random(0, 0xffffffff))
  take(s, at, name, opts, token)
  local function renew()
    local said = ask(s, at, "renew", name, { token, opts.ttl })
    if said.state == "lost" then
      local by = said.was and ": now it is held by " .. words(said.was, said.now) or ""
      mr.fail(("the lease `%s` was broken%s"):format(name, by))
    end
  end
  local results = table.pack(mr.try(native.beside, fn, renew, opts.ttl / 3))
  local _, failure = mr.try(ask, s, at, "release", name, { token })
  local err = results[1] == nil and results[2]
  if err then
    error(err, 0)
  elseif failure then
    s:warn(("the lease `%s` could not be given back: %s"):format(name, failure.message))
  end
  return table.unpack(results, 1, results.n)
end

-- The leases on a server: a list of { name, holder, what, since, until_, left }; `left` is seconds,
-- 0 for one that has expired. Reads only.
function lease.list(s, opts)
  local at = state.of(s, (opts or {}).sudo)
  local text = s:capture({ "sh", "-s", "--", at.dir }, { stdin = LIST, sudo = at.sudo })
  local list, now = mr.json.array {}, 0
  for _, pair in ipairs(pairs_of(text)) do
    local key, value = pair[1], pair[2]
    local last = list[#list]
    if key == "now" then
      now = math.tointeger(tonumber(value)) or 0
    elseif key == "name" then
      list[#list + 1] = { name = value, holder = "somebody", since = 0, until_ = 0, left = 0 }
    elseif last and (key == "since" or key == "until") then
      local number = math.tointeger(tonumber(value)) or 0
      last[key == "until" and "until_" or key] = number
      last.left = math.max(0, last.until_ - now)
    elseif last and (key == "holder" or key == "what") then
      last[key] = value
    end
  end
  return list
end

-- Breaks a lease, whoever holds it; gives what was broken, or nil when there was none.
function lease.remove(s, name, opts)
  local at = state.of(s, (opts or {}).sudo)
  named(name)
  if s.check then
    s:script(script, { args = { "remove", at.dir, name }, sudo = at.sudo })
    return nil
  end
  local said = ask(s, at, "remove", name)
  return said.was
end

return lease
