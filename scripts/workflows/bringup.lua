-- bringup: the default stages on a selection.
return {
  name = "bringup",
  summary = "Bring servers up: the stages of the setting `default_stages`.",
  args = "[PATTERN]",

  run = function(pattern)
    return fleet.select(pattern or "all"):stage(mr.config.default_stages)
  end,
}
