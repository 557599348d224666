-- describe, it, before_each, skip, expect and fake: the words of *_spec.lua files. Internal: these are
-- globals there, described in stdlib/meta/spec.lua.
--
-- A file is loaded first, which collects its cases; then each runs in a room in which nothing of
-- the one before is left.
local native = ...
local cases, names, before = {}, {}, {}
local skipped -- why the case that runs is left

-- Raises with the place in the spec in front.
local function failed(text, ...)
  error({ kind = "script", message = native.place() .. ": " .. text:format(...) }, 0)
end

-- Groups cases; groups may lie in each other.
function describe(name, body)
  local outer = #before
  names[#names + 1] = name
  body()
  names[#names] = nil
  before[outer + 1] = nil
end

-- Runs before each case of this group and of the groups in it.
function before_each(body)
  before[#before + 1] = body
end

-- One case.
function it(name, body)
  local words = table.pack(table.unpack(names))
  words[#words + 1] = name
  cases[#cases + 1] = {
    name = table.concat(words, " "),
    place = native.place(),
    before = table.move(before, 1, #before, 1, {}),
    body = body,
  }
end

-- Leaves the case that runs: what it needs is not there.
function skip(reason)
  skipped = tostring(reason)
  error({ kind = "script", message = "skipped: " .. skipped }, 0)
end

local function same(a, b)
  if rawequal(a, b) or type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for key, value in next, a do
    if not same(value, b[key]) then
      return false
    end
  end
  for key in next, b do
    if a[key] == nil then
      return false
    end
  end
  return true
end

-- Is `part` in the text, among the items of the list, or are its keys so in the table?
local function holds(whole, part)
  if type(whole) == "string" then
    return type(part) == "string" and whole:find(part, 1, true) ~= nil
  end
  if type(part) ~= "table" then
    for _, item in ipairs(whole) do
      if item == part then
        return true
      end
    end
    return false
  end
  for key, value in next, part do
    local is = whole[key]
    local fits = same(is, value)
      or (type(is) == "table" and type(value) == "table" and holds(is, value))
    if not fits then
      return false
    end
  end
  return true
end

---@class mr.Expect
---@field value any
local Expect = {}
Expect.__index = Expect

-- The value is this one; tables are the same when what is in them is.
function Expect:is(wanted)
  if not same(self.value, wanted) then
    failed("expected %s, got %s", mr.inspect(wanted), mr.inspect(self.value))
  end
end

function Expect:is_not(unwanted)
  if same(self.value, unwanted) then
    failed("expected anything but %s", mr.inspect(unwanted))
  end
end

-- A text has a part, a list an item, a table some keys with these values.
function Expect:has(part)
  local kind = type(self.value)
  if (kind ~= "string" and kind ~= "table") or not holds(self.value, part) then
    failed("expected %s in %s", mr.inspect(part), mr.inspect(self.value))
  end
end

function Expect:has_no(part)
  if holds(self.value, part) then
    failed("expected no %s in %s", mr.inspect(part), mr.inspect(self.value))
  end
end

-- The function raises. A text is part of the error's message, a table some of its keys. Gives
-- the err table.
function Expect:raises(wanted)
  ---@type { n: integer, [integer]: any }
  local results = table.pack(mr.try(self.value))
  local err = results[2]
  if results.n ~= 2 or type(err) ~= "table" or not err.kind then
    failed("expected an error, got %s", mr.inspect(results[1]))
  end
  local is = type(wanted) == "string" and err.message or err
  if wanted ~= nil and not holds(is, wanted) then
    failed("expected an error with %s, got %s", mr.inspect(wanted), mr.inspect(err))
  end
  return err
end

---@return mr.Expect
function expect(value)
  return setmetatable({ value = value }, Expect)
end

-- Puts a server into the inventory that is nowhere. opts are those of server.add.
local function add(id, opts)
  local new = { id = id, host = "192.0.2.1", user = "root" }
  for key, value in pairs(opts or {}) do
    new[key] = value
  end
  server.add(new)
end

-- What `fake "web-1"` gives where servers are real: files are put there and looked at by its own
-- verbs. Answers that are scripted make no sense, and nobody notes what is asked.
local Real = {}
Real.__index = Real

function Real:put(path, content, opts)
  server(self.id):write(path, content, opts)
end

function Real:file(path)
  local s = server(self.id)
  if s:test { "test", "-e", path } then
    return s:read(path), ("%04d"):format(tonumber(s:capture { "stat", "-c", "%a", path }))
  end
end

for verb, why in pairs {
  on = "its answers are scripted",
  on_like = "its answers are scripted",
  commands = "it looks at what was asked",
  calls = "it looks at what was asked",
} do
  Real[verb] = function()
    skip(why .. ", and servers are real")
  end
end

local function real(id, opts)
  native.real(id)
  local s = server(id)
  s:tag(table.unpack(opts and opts.tags or {}))
  s:meta_set(opts and opts.meta or {})
  return setmetatable({ id = id }, Real)
end

fake = setmetatable({}, {
  -- fake "web-1": a server that answers; gives what scripts it.
  __call = function(_, id, opts)
    if native.real then
      return real(id, opts)
    end
    add(id, opts)
    return native.server(id)
  end,
})

-- A server that cannot be reached.
function fake.down(id, opts)
  local new = {}
  if native.real then -- nobody listens there, which is told at once
    new = { host = "127.0.0.1", port = 1 }
  end
  for key, value in pairs(opts or {}) do
    new[key] = value
  end
  add(id, new)
end

-- Puts a Lua file into the user's folder: fake.module("stages.motd", text).
fake.module = native.module

-- Are servers real ones, in a sandbox?
fake.is_real = native.real ~= nil

-- What was printed, and the lines that a person would read beside it.
fake.printed, fake.notes = native.printed, native.notes

-- The modules that were there before any file was loaded.
local shipped = {}
for name in pairs(package.loaded) do
  shipped[name] = true
end

local function forget()
  native.reset()
  for name in pairs(package.loaded) do
    if not shipped[name] then
      package.loaded[name] = nil
    end
  end
end

local function is_meant(case)
  return native.filter == nil or case.name:find(native.filter, 1, true) ~= nil
end

return function(file)
  file()
  local results = {}
  for _, case in ipairs(cases) do
    if not is_meant(case) then
      goto next
    end
    forget()
    skipped = nil
    local begun = mr.now()
    local _, err = mr.try(function()
      for _, body in ipairs(case.before) do
        body()
      end
      case.body()
    end)
    results[#results + 1] = {
      name = case.name,
      place = case.place,
      err = not skipped and err or nil,
      skipped = skipped,
      duration = mr.now() - begun,
    }
    ::next::
  end
  return results
end
