-- The workspace: a folder here (setting `local_workspace`) whose files go into a server's (setting
-- `remote_workspace`, made by the stage `env`): `cache/` for data of programs, `assets/` for what does not
-- change. On the way a file may become another one: a template with values, or what functions make of it.
local args = require "mr.args"
local content = require "mr.op.content"
local workspace = {}

local OPTIONS = {
  modifier = { type = "any", help = "a function, or a list of them: text -> text" },
  values = { type = "table", help = "makes it a template, with these values" },
  mode = { type = "mode", help = "permissions; a new file gets 0644" },
  to = { type = "string", help = "its name there; else the one here" },
  sudo = { type = "any", help = "as root, or as that user; else as the login, whose it is" },
}

-- A local path; what is not absolute is below the local workspace.
function workspace.here(path)
  if path:find "^[/~]" then
    return path
  end
  return (mr.config.local_workspace:gsub("/+$", "")) .. "/" .. path
end

-- The workspace on a server, absolute.
function workspace.there(s)
  local path = mr.config.remote_workspace:gsub("^~/", ""):gsub("/+$", "")
  if path:sub(1, 1) == "/" then
    return path
  end
  local home = s:facts().home
  if not home then
    mr.fail("the server does not say where the login's home is", {
      hint = "an absolute `remote_workspace` needs none",
    })
  end
  return home:gsub("/+$", "") .. "/" .. path
end

local function modified(text, modifier, call)
  if modifier == nil then
    return text
  end
  for _, f in ipairs(type(modifier) == "table" and modifier or { modifier }) do
    if type(f) ~= "function" then
      args.refuse(("`%s`: `modifier` must be a function, or a list of functions"):format(call))
    end
    text = f(text)
    if type(text) ~= "string" and not require("mr.native").is_secret(text) then
      args.refuse(("`%s`: a modifier must give a text, not %s"):format(call, type(text)))
    end
  end
  return text
end

-- Brings a local file into a folder of the server's workspace; gives what the operation gives.
function workspace.upload(s, folder, from, opts)
  local call = ("upload_%s_file"):format(folder == "assets" and "asset" or folder)
  local o = args.decode(call, OPTIONS, opts)
  if type(from) ~= "string" or from == "" then
    args.refuse(("`%s`: the local file must be a path"):format(call))
  end
  local name = o.to or from:match "[^/]*$"
  if name == "" or name:sub(1, 1) == "/" or ("/" .. name .. "/"):find("/../", 1, true) then
    args.refuse(("`%s`: `%s` must be a name below `%s/`"):format(call, name, folder))
  end
  local to = ("%s/%s/%s"):format(workspace.there(s), folder, name)
  local on = s:ops { sudo = o.sudo or false }
  on:dir(to:match "^(.*)/", {})
  local path = workspace.here(from)
  if not (o.values or o.modifier) then
    return on:copy(path, to, { mode = o.mode })
  end
  local text = content.of_file(path)
  if o.values then
    text = mr.template(text, o.values, { name = from })
  end
  return on:file(to, { content = modified(text, o.modifier, call), mode = o.mode })
end

return workspace
