-- The engine's settings, /etc/docker/daemon.json: keys of ours put in, all others kept. Pure. For the
-- stage `docker`. Internal.
local settings = {}

-- The text with these keys, and what differed; nil when all is so already. A table is merged into the
-- table that is there; anything else replaces. What is no JSON is refused: nothing of it may get lost.
---@return string?
function settings.merged(text, wanted)
  local is = {} ---@type any
  if text and text:find "%S" then
    local value, err = mr.try(mr.json.decode, text)
    if
      err
      or type(value) ~= "table"
      or (next(value) == nil and text:find "^%s*%[")
      or #value > 0
    then
      local why = err and err.message:gsub("^.*`json%.decode`: ", "") or "it must be an object"
      mr.fail(("`/etc/docker/daemon.json` is no valid JSON: %s"):format(why), {
        hint = "mend it first, or move it away: nothing of it was changed",
      })
    end
    is = value
  end
  local changed = false
  local function put(into, from)
    for key, value in pairs(from) do
      if type(value) == "table" then
        if type(into[key]) ~= "table" then
          into[key], changed = {}, true
        end
        put(into[key], value)
      elseif into[key] ~= value then
        into[key], changed = value, true
      end
    end
  end
  put(is, wanted)
  return changed and mr.json.encode(is, { pretty = true }) .. "\n" or nil
end

-- What the options say about logs: their size is bounded, whichever container writes them. Another
-- driver that somebody chose has options of its own, and stays.
function settings.logs(o, text)
  local is = mr.try(mr.json.decode, text or "{}")
  local driver = type(is) == "table" and is["log-driver"] or nil
  if o.log_max_size == "" or (driver and driver ~= "json-file" and driver ~= "local") then
    return {}
  end
  return {
    ["log-driver"] = driver or "json-file",
    -- The engine takes these as texts.
    ["log-opts"] = {
      ["max-size"] = o.log_max_size,
      ["max-file"] = ("%d"):format(o.log_max_file),
    },
  }
end

return settings
