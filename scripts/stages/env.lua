-- env: what the server is and has, a workspace on it, and whether it is big enough.

local GB = 1000 * 1000 * 1000
-- A machine sold with 4 GB or 100 GB shows a little less: kernel and file system keep some.
local ENOUGH = 0.95

-- What is missing of the RAM and disk that are required, as a text; nil when nothing is.
local function shortage(facts, o)
  local short = {}
  for _, part in ipairs {
    { "RAM", facts.memory.total, o.ram_gb },
    { "disk", facts.disk.total, o.disk_gb },
  } do
    local name, has, wanted = table.unpack(part, 1, 3)
    if wanted > 0 and not has then
      short[#short + 1] = ("%s: unknown where %.10g GB are required"):format(name, wanted)
    elseif wanted > 0 and has < wanted * GB * ENOUGH then
      short[#short + 1] = ("%s: %.1f GB where %.10g GB are required"):format(name, has / GB, wanted)
    end
  end
  return short[1] and table.concat(short, "; ")
end

-- The metadata that is true and not yet known. What a person has set stays, and a mark is only
-- ever set: a command that is not found may just be out of this login's reach.
local function news(s, facts)
  local has, meta, new = facts.commands, s.meta, {}
  for key, is_there in pairs {
    docker_installed = has.docker,
    docker_compose_installed = facts.docker.compose or has.docker_compose,
    daed_installed = has.daed,
    python3_installed = has.python3,
  } do
    if is_there and meta[key] ~= true then
      new[key] = true
    end
  end
  if not s.home then
    new.home_path = facts.home
  end
  return new
end

-- A relative path is below `$HOME`, wherever the login starts.
local function below_home(facts, path)
  return path:sub(1, 1) ~= "/" and facts.home and facts.home .. "/" .. path or path
end

return {
  name = "env",
  summary = "Facts, a workspace, and the RAM and disk that are required.",
  options = {
    ram_gb = { type = "number", default = mr.config.ram_gb, help = "RAM required, GB" },
    disk_gb = { type = "number", default = mr.config.disk_gb, help = "disk required, GB" },
    strict = {
      type = "boolean",
      default = mr.config.strict,
      help = "too little RAM or disk is a failure, not a warning",
    },
    workspace = {
      type = "string",
      default = mr.config.remote_workspace,
      help = "folder below the login's home, or absolute",
    },
  },

  check = function(s, o)
    local root = o.workspace:gsub("^~/", "")
    local folders = { root .. "/cache", root .. "/assets" }
    local facts = s:facts { folders = folders }
    local short = shortage(facts, o)
    if short and o.strict then
      mr.fail(short, { hint = "the options `ram_gb` and `disk_gb` say what is required" })
    elseif short then
      s:warn(short)
    end
    local found = { news = news(s, facts), missing = {} }
    for _, folder in ipairs(folders) do
      if not facts.folders[folder] then
        table.insert(found.missing, below_home(facts, folder))
      end
    end
    return not next(found.news) and not found.missing[1], found
  end,

  apply = function(s, _, found)
    if found.missing[1] then
      -- The workspace is the login's own.
      s:run({ "mkdir", "-p", "--", table.unpack(found.missing) }, { sudo = false })
    end
    if next(found.news) then
      s:meta_set(found.news)
    end
  end,
}
