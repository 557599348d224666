-- swap: a swap file of a size, in use, and in /etc/fstab.
--
-- A file of another size is made anew: its pages go back into memory first, and when they do not
-- fit there, nothing is changed.
local args = require "mr.args"
local fstab = require "mr.ops.system.fstab"
local reader = require "mr.ops.system.reader"

local LOOK = [[
path=$1
state fstab /etc/fstab
state path "$path" nothing
[ ! -f "$path" ] || say size "$(($(wc -c <"$path")))"
MROOM_PATH=$path awk '$1 == ENVIRON["MROOM_PATH"] { print "active =" $5 }' /proc/swaps
folder=${path%/*}
say free "$(df -kP "${folder:-/}" 2>/dev/null | awk 'NR == 2 { print $4 * 1024 }')"
[ ! -d /run/systemd/system ] || say systemd yes
]]

-- Arguments: path, size in bytes. fallocate(1) is quick; where its file cannot be swapped to, or
-- where it is not, the file is written in full.
local MAKE = [[
path=$1 size=$2
umask 077
fill() { rm -f -- "$path"; dd if=/dev/zero of="$path" bs=1048576 count="$((size / 1048576))" 2>/dev/null; }
make() { chmod 600 "$path" && mkswap "$path" >/dev/null && swapon "$path"; }
rm -f -- "$path"
fallocate -l "$size" "$path" 2>/dev/null && make 2>/dev/null ||
  { fill || { rm -f -- "$path"; echo "cannot write $path: is the disk full?" >&2; exit 1; }; make; }
]]

local UNITS = { [""] = 1, K = 1 << 10, M = 1 << 20, G = 1 << 30, T = 1 << 40 }

-- The bytes of `2G`, `512M` or a number, in whole MiB; nil when it is none.
local function bytes_of(size)
  local number, unit = tostring(size):match "^(%d+)%s*([KMGT]?)i?B?$"
  local count = number and #number <= 12 and math.tointeger(tonumber(number))
  local bytes = count and count * UNITS[unit]
  return bytes and bytes > 0 and bytes % (1 << 20) == 0 and bytes <= 16 << 40 and bytes or nil
end

local function read(text)
  local first = reader.parse(text)
  local content, state = reader.content(first.fstab, fstab.path)
  return {
    fstab = content,
    state = state,
    file = require("mr.ops.path").read(first.path or ""),
    size = math.tointeger(tonumber(first.size)),
    active = first.active ~= nil,
    priority = math.tointeger(tonumber(first.active)),
    free = math.tointeger(tonumber(first.free)),
    has_systemd = first.systemd ~= nil,
  }
end

-- In words: `512M`.
local function size_text(bytes)
  for _, unit in ipairs { "T", "G", "M" } do
    if bytes % UNITS[unit] == 0 then
      return ("%d%s"):format(bytes // UNITS[unit], unit)
    end
  end
  return ("%d bytes"):format(bytes)
end

local function options_of(o)
  return o.priority and ("sw,pri=%d"):format(o.priority) or "sw"
end

-- What makes the file one of that size that is in use.
local function using(plan, is, o)
  local size = bytes_of(o.size)
  local function change(words, step)
    plan.changes[#plan.changes + 1] = words
    plan.steps[#plan.steps + 1] = step
  end
  if is.file.kind ~= "absent" and is.file.kind ~= "file" then
    mr.fail(("`%s` is not a regular file"):format(o.path))
  end
  local on = { "swapon", o.path }
  if o.priority then
    on = { "swapon", "-p", tostring(o.priority), o.path }
  end
  if is.size ~= size then
    if is.free and is.free + (is.size or 0) < size then
      mr.fail(
        ("there is no room for %s: %s are free"):format(
          size_text(size),
          size_text(is.free // (1 << 20) << 20)
        )
      )
    end
    if is.active then
      plan.steps[1] = { run = { "swapoff", o.path } }
    end
    local step = { script = MAKE, args = { o.path, tostring(size) }, timeout = 1800 }
    step.says = ("make the swap file %s of %s"):format(o.path, size_text(size))
    local words = is.size and ("size %s -> %s"):format(size_text(is.size), size_text(size))
    change(words or "made, " .. size_text(size), step)
    if o.priority then
      plan.steps[#plan.steps + 1] = { run = { "swapoff", o.path } }
      plan.steps[#plan.steps + 1] = { run = on }
    end
  else
    if is.file.mode ~= "0600" then
      change(
        ("mode %s -> 0600"):format(is.file.mode or "?"),
        { run = { "chmod", "0600", "--", o.path } }
      )
    end
    if is.active and o.priority and is.priority ~= o.priority then
      change(
        ("priority %s -> %d"):format(is.priority or "?", o.priority),
        { run = { "swapoff", o.path } }
      )
      plan.steps[#plan.steps + 1] = { run = on }
    elseif not is.active then
      local step = { script = 'mkswap "$1" >/dev/null && shift && "$@"', args = { o.path } }
      table.move(on, 1, #on, 2, step.args)
      step.says = "swap to " .. o.path
      change("in use", step)
    end
  end
  local will = plan.will
  will.file = { kind = "file", mode = "0600" }
  will.size, will.active, will.priority = size, true, o.priority or is.priority
end

return {
  name = "swap",
  summary = "A swap file of a size, in use and in fstab.",
  takes = { { "path", type = "path", help = "the file" } },
  options = {
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "should it be there?",
    },
    size = { type = "any", help = "how large: `2G`, `512M`, or bytes; whole MiB" },
    priority = { type = "integer", help = "0 to 32767; the highest is used first" },
  },
  like = { ansible = false, pyinfra = false },
  platforms = "Linux",
  diff = true,
  valid = function(o)
    if o.state == "present" and not bytes_of(o.size or "") then
      args.refuse(
        ("`swap` %s: `size` is `%s`"):format(o.path, tostring(o.size)),
        "a number with M, G or T: `2G`, `512M`"
      )
    end
    if o.priority and (o.priority < 0 or o.priority > 32767) then
      args.refuse(("`priority` %d is out of range"):format(o.priority), "from 0 to 32767")
    end
    if o.path:find "%s" then
      args.refuse "a swap file's path cannot hold white space"
    end
  end,
  look = function(o)
    return reader.look(LOOK, { o.path })
  end,
  read = read,
  plan = function(is, o)
    local plan = { changes = {}, steps = {}, will = {} }
    for key, value in pairs(is) do
      plan.will[key] = value
    end
    local text
    if o.state == "present" then
      using(plan, is, o)
      local entry = { src = o.path, path = "none", fstype = "swap", options = options_of(o) }
      local old = fstab.find(is.fstab, "src", o.path)
      -- Many write another name for "nowhere".
      entry.path = old and old.path ~= "/" and old.path or "none"
      text = fstab.same(old, entry) and is.fstab or fstab.set(is.fstab, "src", o.path, entry)
      fstab.write(plan, is, text, "in fstab")
    else
      if is.active then
        plan.changes[1], plan.steps[1] = "out of use", { run = { "swapoff", o.path } }
      end
      text = fstab.set(is.fstab, "src", o.path, nil)
      fstab.write(plan, is, text, "out of fstab")
      if is.size then
        plan.changes[#plan.changes + 1] = "removed"
        plan.steps[#plan.steps + 1] = { remove = o.path }
      end
      plan.will.active, plan.will.size, plan.will.file = false, nil, { kind = "absent" }
    end
    return plan.changes[1] and plan or nil
  end,
}
