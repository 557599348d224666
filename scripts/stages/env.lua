-- env: what the server has, a workspace on it, and whether it is big enough.

-- A disk of 100 GB holds a little less than that once it has partitions and a file system.
local ENOUGH = 0.95

-- Found command -> the metadata key that the inventory keeps.
local MARKS = {
  docker = "docker_installed",
  compose = "docker_compose_installed",
  daed = "daed_installed",
  python3 = "python3_installed",
}

local function shortages(facts, o)
  local short = {}
  for _, part in ipairs { { "RAM", facts.ram_gb, o.ram_gb }, { "disk", facts.disk_gb, o.disk_gb } } do
    local name, has, wanted = table.unpack(part)
    if has and has < wanted * ENOUGH then
      short[#short + 1] = ("%s: %.1f GB where %g GB are required"):format(name, has, wanted)
    end
  end
  return table.concat(short, "; ")
end

-- The metadata that is true and not yet known. A chosen home_path stays.
local function news(s, facts)
  local meta, new = s.meta, {}
  for command, key in pairs(MARKS) do
    if facts.commands[command] and meta[key] ~= true then
      new[key] = true
    end
  end
  if facts.home and (meta.home_path or "") == "" then
    new.home_path = facts.home
  end
  return new
end

return {
  name = "env",
  summary = "Facts, a workspace, and the RAM and disk that are required.",
  options = {
    ram_gb = { type = "number", default = mr.config.ram_gb, help = "RAM required, GB" },
    disk_gb = { type = "number", default = mr.config.disk_gb, help = "disk required, GB" },
    strict = { type = "boolean", default = mr.config.strict, help = "too little RAM or disk is a failure" },
    workspace = { type = "string", default = mr.config.remote_workspace, help = "folder below home, or absolute" },
  },

  check = function(s, o)
    local dirs = { o.workspace .. "/cache", o.workspace .. "/assets" }
    local facts = s:facts { dirs = dirs }
    local short = shortages(facts, o)
    if short ~= "" then
      if o.strict then
        mr.fail(short)
      end
      s:warn(short)
    end
    local found = { news = news(s, facts), dirs = {} }
    for _, dir in ipairs(dirs) do
      if not facts.dirs[dir] then
        found.dirs[#found.dirs + 1] = dir
      end
    end
    return next(found.news) == nil and #found.dirs == 0, found
  end,

  apply = function(s, _, found)
    if #found.dirs > 0 then
      s:run { "mkdir", "-p", "--", table.unpack(found.dirs) }
    end
    if next(found.news) then
      s:meta_set(found.news)
    end
  end,
}
