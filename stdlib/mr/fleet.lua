-- What a Fleet can do, built on `map`. Internal: these become the methods of every Fleet.
local methods = {}

local MAP = { forks = true, serial = true, max_fail = true, label = true, tolerate = true }

-- Splits the options of the map from those of the verb.
local function split(opts)
  local map, verb = {}, {}
  for key, value in pairs(opts or {}) do
    (MAP[key] and map or verb)[key] = value
  end
  return map, verb
end

for _, name in ipairs { "run", "capture", "test", "script", "write", "upload", "read" } do
  methods[name] = function(fleet, ...)
    local args = table.pack(...)
    local map, verb = {}, {}
    if type(args[args.n]) == "table" and args.n > 1 then
      map, verb = split(args[args.n])
      args[args.n] = verb
    end
    map.label = map.label or name
    return fleet:map(function(s)
      return s[name](s, table.unpack(args, 1, args.n))
    end, map)
  end
end

-- One server after another, in inventory order; the first error ends it.
function methods.each(fleet, work)
  for _, s in ipairs(fleet:list()) do
    work(s)
  end
end

-- Brings every server through the stages: see mr.stage.
function methods.stage(fleet, names, opts)
  return require("mr.stage").on_fleet(fleet, names, opts)
end

return methods
