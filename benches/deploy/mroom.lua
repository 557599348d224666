-- The project beside this file on each of the servers `-e servers=PATTERN`, all of which are one engine:
-- so each has an app of its own.
return fleet.select(vars.servers):map(function(s)
  return s:docker():deploy { app = s.id, compose = "project" }
end, { label = "deploy" })
