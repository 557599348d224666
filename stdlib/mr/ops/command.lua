-- command: a command that is run unless a guard says that its work is done.
--
-- Guards only read, so that check mode asks them too: `creates`, `removes`, `unless`, `only_if`.
-- Without one the command runs each time.
local args = require "mr.args"
local path = require "mr.ops.path"
local reader = require "mr.ops.system.reader"

-- Arguments: creates, removes, unless, only_if, folder; each may be empty. What a guard prints is
-- nobody's business.
local LOOK = [[
[ -z "$5" ] || [ ! -d "$5" ] || cd "$5" || exit
there() { [ -e "$1" ] || [ -L "$1" ]; }
guard() { sh -c "$1" </dev/null >/dev/null 2>&1; }
[ -z "$1" ] || ! there "$1" || say creates yes
[ -z "$2" ] || ! there "$2" || say removes yes
[ -z "$3" ] || ! guard "$3" || say unless yes
[ -z "$4" ] || ! guard "$4" || say only yes
]]

-- A command that ended well and did not do its work has failed.
local PROVE = [[
if [ -n "$1" ] && [ ! -e "$1" ] && [ ! -L "$1" ]; then echo "the command ended well, but $1 is not there" >&2; exit 1; fi
if [ -n "$2" ] && { [ -e "$2" ] || [ -L "$2" ]; }; then echo "the command ended well, but $2 is still there" >&2; exit 1; fi
]]

local function text_of(command)
  if type(command) == "table" then
    return mr.quote(command)
  end
  return command
end

-- Is something at that path, as far as check mode remembers?
local function will_be(p, memory)
  local is = p and memory and memory[path.key(p)]
  if type(is) == "table" and is.kind then
    return is.kind ~= "absent"
  end
end

local function is_command(value)
  if type(value) == "string" then
    return value:find "%S" ~= nil and not value:find "%z"
  elseif type(value) ~= "table" or #value == 0 then
    return false
  end
  for _, word in ipairs(value) do
    if type(word) ~= "string" and type(word) ~= "number" then
      return false
    end
  end
  return true
end

return {
  name = "command",
  summary = "A command, run unless a guard says that its work is done.",
  takes = { { "command", type = "any", help = "a text for the shell, or a list of words" } },
  options = {
    creates = { type = "path", help = "what is there when the work is done" },
    removes = { type = "path", help = "what is gone when the work is done" },
    unless = { type = "any", help = "a command that ends with 0 when the work is done" },
    only_if = { type = "any", help = "a command that ends with 0 when there is work to do" },
    cwd = { type = "path", help = "the folder in which it runs" },
    env = { type = "table", help = "variables" },
    stdin = { type = "secret", help = "its standard input" },
    timeout = { type = "number", help = "seconds" },
    codes = { type = "list", default = { 0 }, help = "exit codes that are no error" },
  },
  like = { ansible = "command, shell", pyinfra = "server.shell" },
  platforms = "any POSIX system",
  target = function(o)
    local text = text_of(o.command):gsub("%s+", " ")
    return #text > 60 and text:sub(1, 60) .. "…" or text
  end,
  valid = function(o)
    if not is_command(o.command) then
      args.refuse "`command` must be a text for the shell, or a list of words"
    end
    for _, key in ipairs { "unless", "only_if" } do
      if o[key] ~= nil and not is_command(o[key]) then
        args.refuse(("`%s` must be a text for the shell, or a list of words"):format(key))
      end
    end
    for name, value in pairs(o.env or {}) do
      local is_text = type(value) == "string" or type(value) == "number"
      if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" or not is_text then
        args.refuse "`env` must be names with texts or numbers"
      end
    end
    for _, code in ipairs(o.codes) do
      if not math.tointeger(code) or code < 0 or code > 255 then
        args.refuse "`codes` must be exit codes, 0 to 255"
      end
    end
  end,
  look = function(o)
    local list = { o.creates or "", o.removes or "" }
    list[3] = o.unless and text_of(o.unless) or ""
    list[4] = o.only_if and text_of(o.only_if) or ""
    list[5] = o.cwd or ""
    return reader.look(LOOK, list, o.timeout)
  end,
  read = function(answer)
    local first = reader.parse(answer)
    return {
      creates = first.creates ~= nil,
      removes = first.removes ~= nil,
      unless = first.unless ~= nil,
      only = first.only ~= nil,
    }
  end,
  plan = function(is, o, _, memory)
    local creates, removes = will_be(o.creates, memory), will_be(o.removes, memory)
    if creates == nil then
      creates = is.creates
    end
    if removes == nil then
      removes = is.removes
    end
    local is_done = (o.creates and creates)
      or (o.removes and not removes)
      or (o.unless and is.unless)
      or (o.only_if and not is.only)
    if is_done then
      return nil
    end
    local steps = {
      {
        run = o.command,
        cwd = o.cwd,
        env = o.env,
        stdin = o.stdin,
        timeout = o.timeout,
        codes = o.codes,
      },
    }
    if o.creates or o.removes then
      local list = { o.creates or "", o.removes or "" }
      table.insert(steps, { script = PROVE, args = list, says = "prove that it did its work" })
    end
    local will = { creates = true, removes = false, unless = true, only = false }
    return { changes = { "ran" }, steps = steps, will = will }
  end,
  verify = false,
}
