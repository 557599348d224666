-- repo: a source of packages with its key, there or not there.
--
-- Its lists are fetched after a change, of it alone; when that fails, the source is taken back as it
-- was and the manager's own words are told, so that a broken source never stays behind. What each
-- manager's files look like is in mr/op/repo/files.lua.
local args = require("mr.args")
local content = require("mr.op.content")
local fetch = require("mr.op.fetch")
local files = require("mr.op.repo.files")
local managers = require("mr.op.package.managers")
local ops = require("mr.ops")
local path = require("mr.ops.path")
local work = require("mr.op.package.work")

local MARK = "mroom-repo-file"

local op = {
  name = "repo",
  summary = "A source of packages, with its key.",
  takes = { { "name", type = "string", help = "what its files are called" } },
  options = {
    url = { type = "list", default = {}, help = "where it is; several are mirrors of each other" },
    suites = { type = "list", help = "apt: `bookworm`, or a path with `/` at its end" },
    components = { type = "list", help = "apt: `main`" },
    architectures = { type = "list", help = "apt: `amd64`; else all of the system" },
    source = { type = "boolean", default = false, help = "apt: source packages too" },
    description = { type = "string", help = "dnf, yum, zypper: its long name" },
    key = { type = "string", help = "the text of the key that signs it" },
    key_file = { type = "string", help = "a local file that has the key" },
    key_url = { type = "string", help = "an https URL of the key, fetched by this machine" },
    trusted = { type = "boolean", default = false, help = "takes it without a signature" },
    enabled = { type = "boolean", default = true, help = "is it used?" },
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "whether it is there",
    },
    refresh = { type = "boolean", default = true, help = "fetches its lists after a change" },
    manager = { type = "string", choices = managers.names, help = "else the one of the system" },
    lock_timeout = { type = "integer", default = 120, help = "waits for a lock, seconds" },
    timeout = { type = "integer", default = 300, help = "for fetching its lists, seconds" },
  },
  facts = true,
  like = {
    ansible = "deb822_repository, yum_repository, zypper_repository",
    pyinfra = "apt.repo, dnf.repo, zypper.repo",
  },
  platforms = "apt, dnf, yum, zypper, apk",
  diff = true,
}

local function check_words(o)
  for _, key in ipairs({ "suites", "components", "architectures" }) do
    for _, word in ipairs(o[key] or {}) do
      if type(word) ~= "string" or not word:find("^[%w._/+~-]+$") then
        args.refuse(("`repo`: `%s`: `%s` is no word for a source"):format(key, tostring(word)))
      end
    end
  end
  for _, url in ipairs(o.url) do
    if type(url) ~= "string" or not url:find("^%a[%w+.-]*:[%g]+$") then
      args.refuse(("`repo`: `url`: `%s` is no URL"):format(tostring(url)))
    end
  end
end

function op.valid(o)
  if not o.name:find("^[%w][%w_.-]*$") or #o.name > 100 then
    args.refuse(
      ("`repo`: `%s` is no name for a source"):format(o.name:sub(1, 80)),
      "letters, digits, `.`, `_` and `-`: it becomes the name of a file"
    )
  end
  check_words(o)
  if o.description and o.description:find("%c") then
    args.refuse("`repo`: `description` must be one line")
  end
  if o.state == "present" and #o.url == 0 then
    args.refuse("`repo`: `url` is missing")
  end
  local keys = 0
  for _, key in ipairs({ "key", "key_file", "key_url" }) do
    keys = keys + (o[key] and 1 or 0)
  end
  if keys > 1 then
    args.refuse("`repo`: `key`, `key_file` and `key_url` exclude each other")
  elseif o.key_url and not o.key_url:find("^https://[%w]") then
    args.refuse(
      "`repo`: `key_url` must be an https URL",
      "a key that anybody can replace proves nothing"
    )
  end
  if o.state == "absent" then
    return
  elseif o.key_file then
    o.key = content.of_file(o.key_file)
  elseif o.key_url then
    o.key = fetch.text(o.key_url)
  end
  if o.key == "" then
    args.refuse("`repo`: the key is empty")
  end
end

local function form_of(o, facts)
  local name = o.manager or (facts or {}).package_manager
  local manager = managers.of(name)
  local form = files[name]
  if not form then
    args.refuse(
      ("`repo`: `%s` has no files of sources that could be added"):format(name),
      name == "pacman" and '`on:block("/etc/pacman.conf", …)` adds a section' or nil
    )
  elseif name == "apt" and o.state == "present" and not (o.suites and o.suites[1]) then
    args.refuse("`repo`: `suites` is missing", '`suites = "bookworm"`, or "./" for a flat one')
  end
  return form, manager
end

-- Both files in one round trip: of the key the hash, of the other the text.
function op.look(o, facts)
  local form = form_of(o, facts)
  local lines = {}
  for i, asked in ipairs({
    path.look(form.key(o), { sha256 = true }),
    path.look(form.path(o), { content = true }),
  }) do
    lines[i] = ("(\nset -- %s\n%s\n) || exit"):format(mr.quote(asked.args), asked.script)
  end
  return { script = table.concat(lines, ("\necho %s\n"):format(MARK)), args = {}, timeout = 60 }
end

function op.read(text)
  local first, last = text:find("\n" .. MARK .. "\n", 1, true)
  if not first then
    mr.fail("the server did not answer with its sources")
  end
  return { key = path.read(text:sub(1, first)), file = path.read(text:sub(last + 1)) }
end

-- Puts the files back as they were, after lists could not be fetched.
local function take_back(s, is, o, form, user)
  local file = form.path(o)
  if is.file.kind == "absent" then
    s:run({ "rm", "-f", "--", file }, { sudo = user })
  elseif is.file.content then
    s:write(file, is.file.content, { mode = is.file.mode, sudo = user })
  end
  if o.key and is.key.kind == "absent" then
    s:run({ "rm", "-f", "--", form.key(o) }, { sudo = user })
  end
end

local function refresh(is, o, form, manager)
  local argv = form.refresh(o)
  return {
    says = mr.quote(argv),
    call = function(on, s)
      s:phase(("fetching the lists of %s"):format(o.name))
      local _, err = mr.try(work.run, s, manager, argv, o, on.sudo)
      if err then
        take_back(s, is, o, form, on.sudo)
        error(err, 0)
      end
    end,
  }
end

-- A plan for one of the files, with its name in the words.
local function file_plan(is, want, what)
  -- The folder is made when it is not there.
  local plan = path.plan(is.folder == false and { kind = "absent", folder = true } or is, want)
  for i, change in ipairs(plan and plan.changes or {}) do
    plan.changes[i] = ("%s %s"):format(what, change)
  end
  if plan and is.folder == false then
    table.insert(plan.steps, 1, { run = { "mkdir", "-p", "--", path.parent(want.path) } })
  end
  return plan
end

function op.plan(is, o, facts)
  local form, manager = form_of(o, facts)
  local gone = o.state == "absent"
  local key_path = form.key(o)
  local key
  if gone and not form.shared then
    key = is.key.kind ~= "absent"
      and file_plan(is.key, { path = key_path, state = "absent" }, "key")
  elseif o.key then
    key = file_plan(is.key, { path = key_path, content = o.key, mode = "0644" }, "key")
  end
  local want = { path = form.path(o), mode = not form.shared and "0644" or nil }
  if gone and not form.shared then
    want.state = "absent"
  else
    want.content = form.content(o, o.key and key_path, is.file)
  end
  for _, url in ipairs(o.url) do
    want.secret = want.secret or url:find("//[^/]*:[^/]*@") ~= nil
  end
  local file
  if not (form.shared and gone and is.file.kind == "absent") then
    file = file_plan(is.file, want, "source")
  end
  if not key and not file then
    return nil
  end
  local plan = ops.join(key or nil, file or nil)
  plan.diff = file and file.diff or nil
  plan.will = {
    key = key and key.will or is.key,
    file = file and file.will or is.file,
  }
  if o.refresh and not gone and o.enabled then
    plan.steps[#plan.steps + 1] = refresh(is, o, form, manager)
  end
  return plan
end

return op
