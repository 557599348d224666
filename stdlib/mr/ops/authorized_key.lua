-- authorized_key: public keys in a user's `~/.ssh/authorized_keys`.
--
-- The work is that of mr.authorized_keys, as the user whose file it is. Lines that are no keys stay
-- where they are.
local args = require "mr.args"
local authorized_keys = require "mr.authorized_keys"
local public_key = require "mr.public_key"

-- The keys of the call, parsed: of `key`, a text or a list, or of the local file `from`.
local function keys_of(o)
  local texts = {}
  if o.from then
    local file, why = io.open(mr.expand(o.from), "rb")
    local text = file and file:read(1048576)
    if file then
      file:close()
    end
    if not text then
      args.refuse(("cannot read `%s`: %s"):format(o.from, why or "it is empty or a folder"))
    end
    texts = { text }
  elseif type(o.key) == "table" then
    texts = o.key
  else
    texts = { o.key }
  end
  local keys, seen = {}, {}
  for _, text in ipairs(texts) do
    if type(text) ~= "string" then
      args.refuse "`key` must be the text of a public key, or a list of them"
    end
    for line in (text .. "\n"):gmatch "([^\n]*)\r?\n" do
      if line:find "%S" and not line:find "^%s*#" then
        local key = public_key.parse(line, o.from or "key")
        key.options = o.options
        if not seen[key.data] then
          seen[key.data] = true
          keys[#keys + 1] = key
        end
      end
    end
  end
  if not keys[1] then
    args.refuse(("there is no public key in `%s`"):format(o.from or "key"))
  end
  return keys
end

-- Do all quotes of the options close, and is nothing outside of them that would end them?
local function are_options(text)
  if text == "" or text:find "[%c\127]" then
    return false
  end
  local rest = text:gsub('\\"', ""):gsub('"[^"]*"', "")
  return not rest:find '[%s"]' and rest:find "^[%w@=,.-]+$" ~= nil
end

-- How people know a key: the last word of its comment, else its end.
local function name_of(key)
  return key.comment and key.comment:match "(%S+)$"
    or ("%s …%s"):format(key.type, key.data:sub(-8))
end

-- The text without these lines, and with new ones at its end.
local function edited(text, gone, lines)
  local out, number = {}, 0
  for line in text:gmatch "[^\n]*\n?" do
    number = number + 1
    if line ~= "" and not gone[number] then
      out[#out + 1] = line
    end
  end
  if lines[1] and out[1] and out[#out]:sub(-1) ~= "\n" then
    out[#out] = out[#out] .. "\n"
  end
  table.move(lines, 1, #lines, #out + 1, out)
  return table.concat(out)
end

-- Which lines go, as their keys, and which keys come.
local function compare(is, o, keys)
  local drop, add, ours = {}, {}, {}
  for _, key in ipairs(keys) do
    local is_there = false
    for _, line in ipairs(is.lines) do
      if not line.authority and line.type == key.type and line.data == key.data then
        local fits = o.options == nil or line.options == o.options
        ours[line] = true
        if o.state == "absent" or not fits then
          drop[line] = key
        end
        is_there = is_there or fits
      end
    end
    if o.state == "present" and not is_there then
      add[#add + 1] = key
    end
  end
  if o.exclusive then
    for _, line in ipairs(is.lines) do
      if not ours[line] then
        drop[line] = line
      end
    end
  end
  return drop, add
end

local function plan(is, o, memory)
  local keys = keys_of(o)
  if not is.exists then
    if o.state == "absent" then
      return nil
    elseif not memory.users[o.user] then
      mr.fail(
        ("there is no user `%s`"):format(o.user),
        { hint = ('`on:user("%s")` before it makes one'):format(o.user) }
      )
    end
  end
  local drop, add = compare(is, o, keys)
  local changes, steps, numbers, gone, lines, left = {}, {}, {}, {}, {}, {}
  local changed = {}
  for _, line in ipairs(is.lines) do
    local key = drop[line]
    if key then
      numbers[#numbers + 1], gone[line.number] = line.number, true
      changed[key] = true
      changes[#changes + 1] = (key == line or o.state == "absent") and "removed " .. name_of(key)
        or ("options of %s: %s -> %s"):format(name_of(key), line.options or "none", o.options)
    else
      left[#left + 1] = line
    end
  end
  if numbers[1] then
    local step = authorized_keys.drop(o.user, is, numbers)
    step.says = "take lines " .. table.concat(numbers, ", ") .. " out"
    steps[1] = step
  end
  for _, key in ipairs(add) do
    local step = authorized_keys.step(o.user, "add", key)
    step.says = "append the key " .. name_of(key)
    steps[#steps + 1] = step
    lines[#lines + 1] = step.args[6] .. "\n"
    left[#left + 1] = { number = 0, type = key.type, data = key.data, options = o.options }
    if not changed[key] then
      changes[#changes + 1] = "added " .. name_of(key)
    end
  end
  if is.modes ~= "right" and o.state == "present" then
    changes[#changes + 1] = "modes that others may write or read, mended"
    if not add[1] then
      local step = authorized_keys.step(o.user, "add", keys[1])
      step.says = "mend the modes"
      steps[#steps + 1] = step
    end
  end
  if not changes[1] then
    return nil
  end
  local text = edited(is.text, gone, lines)
  return {
    changes = changes,
    steps = steps,
    diff = text ~= is.text
        and { path = ("~%s/.ssh/authorized_keys"):format(o.user), before = is.text, after = text }
      or nil,
    will = { exists = true, modes = "right", text = text, lines = left },
  }
end

return {
  name = "authorized_key",
  summary = "Public keys that open a user's login.",
  takes = { { "user", type = "string", help = "whose `~/.ssh/authorized_keys`" } },
  options = {
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "should they be there?",
    },
    key = { type = "any", help = "a public key as text, or a list of them" },
    from = { type = "string", help = "a local file of public keys, instead of `key`" },
    options = { type = "string", help = 'what stands before the key, such as `no-pty,from="10.*"`' },
    exclusive = { type = "boolean", default = false, help = "take all other keys out" },
  },
  like = { ansible = "ansible.posix.authorized_key", pyinfra = "server.user_authorized_keys" },
  platforms = "Linux; elsewhere for the login itself",
  diff = true,
  valid = function(o)
    require("mr.ops.system.names").check(o.user, "user")
    if (o.key == nil) == (o.from == nil) then
      args.refuse("which key?", "either `key = TEXT` or `from = FILE`")
    end
    if o.options and not are_options(o.options) then
      args.refuse(
        ("`options` is `%s`: not options of authorized_keys"):format(o.options),
        'words joined by commas, values in quotes: `no-pty,command="uptime"`'
      )
    end
    if o.exclusive and o.state == "absent" then
      args.refuse "`exclusive` is for keys that are to be present"
    end
    keys_of(o)
  end,
  -- Several calls for one user change one file.
  key = function(o)
    return "authorized_keys:" .. o.user
  end,
  look = function(o)
    return authorized_keys.list(o.user)
  end,
  read = authorized_keys.read,
  plan = function(is, o, _, memory)
    return plan(is, o, memory)
  end,
}
