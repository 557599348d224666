-- bringup: the default stages on a selection.
return {
  name = "bringup",
  summary = "Bring servers up: the stages of the setting `default_stages`.",
  args = "PATTERN",

  run = function(pattern)
    if not pattern or pattern == "" then
      error({
        kind = "usage",
        message = "`bringup` needs a selection of servers",
        hint = "`mroom run bringup all` brings all of them up",
      }, 0)
    end
    return fleet.select(pattern):stage(mr.config.default_stages)
  end,
}
