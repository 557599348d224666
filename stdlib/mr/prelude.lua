-- What must be in place before any other Lua runs. Internal: not for `require`.
--
-- This chunk runs under the name of mlua's own poll loop, so that a coroutine which is dropped
-- while one of the shims below waits is told so, and the call it waits for is cancelled at once.
local native = ...
local bridge, caught, pending, ended = native.bridge, native.caught, native.pending, native.ended
local raw_load, raw_xpcall = load, xpcall
local create, raw_resume, raw_yield = coroutine.create, coroutine.resume, coroutine.yield
local pack, unpack = table.pack, table.unpack

-- What a limit of the settings raises goes through every catch.
local function passed(ok, ...)
  if not ok and ended((...)) then
    error((...), 0)
  end
  return ok, ...
end

-- Errors of the core become err tables wherever Lua code catches them.
function pcall(f, ...)
  return passed(raw_xpcall(f, caught, ...))
end

function xpcall(f, handler, ...)
  return passed(raw_xpcall(f, function(e)
    e = caught(e)
    return ended(e) and e or handler(e)
  end, ...))
end

-- A call that waits inside the user's own coroutine must make the whole coroutine wait, not hand
-- the sentinel to whoever resumed it.
---@async
local function resume(co, ...)
  local results = pack(raw_resume(co, ...))
  while results.n == 2 and results[1] and results[2] == pending do
    local signal = raw_yield(pending)
    results = pack(raw_resume(co, signal))
    if signal ~= nil then
      raw_yield()
    end
  end
  return passed(unpack(results, 1, results.n))
end
coroutine.resume = resume

local function checked(ok, ...)
  if ok then
    return ...
  end
  error((...), 0)
end

function coroutine.wrap(f)
  local co = create(f)
  ---@async
  return function(...)
    return checked(resume(co, ...))
  end
end

-- Lua text only: bytecode can crash the interpreter.
function load(chunk, name, _, ...)
  return raw_load(chunk, name, "t", ...)
end

function loadfile(path, _, ...)
  local file, why = io.open(path, "rb")
  if not file then
    return nil, why
  end
  local text = file:read("a")
  file:close()
  text = text:gsub("^#[^\n]*", "")
  return raw_load(text, "@" .. path, "t", ...)
end

function dofile(path)
  return assert(loadfile(path))()
end

-- For Rust: calls f so that whatever it raises comes back as an err table.
return function(f, ...)
  return raw_xpcall(f, bridge, ...)
end
