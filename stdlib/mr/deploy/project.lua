-- mr.deploy.project: the files of a compose project as a server is to have them, from a local folder.
-- Nothing is asked of the server.
--
-- The folder has docker-compose.yml (or compose.yaml) and whatever that needs, cache/ and assets/
-- among it. Files that end in .j2 or .tmpl are rendered with `values`, and lose that ending.
local args = require "mr.args"
local native = require "mr.native"
local project = {}

local NAMES = { "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml" }
-- Larger files belong into an image or a volume.
local LIMIT = 16 * 1024 * 1024

local function local_file(path)
  local file, why = io.open(path, "rb")
  local text = file and file:read "a"
  if file then
    file:close()
  end
  if not text then
    args.refuse(("cannot read `%s`: %s"):format(path, why or "it is a folder"))
  elseif #text > LIMIT then
    args.refuse(
      ("`%s` is larger than 16 MiB"):format(path),
      "mount a volume, or build it into the image"
    )
  end
  return text
end

-- The files of the local project as they are to be on the server, { path, text, mode }, and its
-- folders; sorted.
function project.rendered(folder, values)
  local root = native.absolute(native.local_path(folder))
  local list, dirs, has_file = {}, {}, false
  for _, entry in ipairs(native.local_tree(root)) do
    if entry.kind == "dir" then
      dirs[#dirs + 1] = entry.path ~= "" and entry.path or nil
    else
      local path, text = entry.path, local_file(root .. "/" .. entry.path)
      local plain = path:match "^(.+)%.j2$" or path:match "^(.+)%.tmpl$"
      if plain then
        path, text = plain, mr.template(text, values, { name = entry.path })
      end
      list[#list + 1] = { path = path, text = text, mode = entry.mode }
      for _, name in ipairs(NAMES) do
        has_file = has_file or path == name
      end
    end
  end
  if not has_file then
    args.refuse(
      ("`%s` has no docker-compose.yml"):format(folder),
      "or compose.yaml, or one of them ending in .j2"
    )
  end
  table.sort(list, function(a, b)
    return a.path < b.path
  end)
  table.sort(dirs)
  return list, dirs
end

-- What a template sees: `-e` of the command, `values`, the app and the server.
function project.values(s, o)
  local values = {}
  for key, value in pairs(vars) do
    values[key] = value
  end
  for key, value in pairs(o.values or {}) do
    values[key] = value
  end
  values.app, values.server = o.app, { id = s.id, host = s.host, meta = s.meta, tags = s.tags }
  return values
end

return project
