-- mount: a file system in /etc/fstab, and mounted.
--
-- What cannot be mounted never gets into fstab: it is mounted first, and written down then.
local refuse = require("mr.args").refuse
local fstab = require("mr.ops.system.fstab")
local reader = require("mr.ops.system.reader")

-- Arguments: path, src. What is mounted there last counts; a device's other names lead to one.
local LOOK = [[
path=$1 src=$2
state fstab /etc/fstab
real() { readlink -f "$1" 2>/dev/null || echo "$1"; }
case $src in
  UUID=* | LABEL=* | PARTUUID=* | PARTLABEL=*)
    by=$(echo "${src%%=*}" | tr '[:upper:]' '[:lower:]')
    device=/dev/disk/by-$by/${src#*=}
    if [ -e "$device" ]; then say device "$(real "$device")"
    elif have findfs; then say device "$(findfs "$src" 2>/dev/null)"
    fi ;;
  /dev/*) [ ! -e "$src" ] || say device "$(real "$src")" ;;
esac
mounted=$(MROOM_PATH=$path awk '
  function plain(s,  out, i) {
    out = ""
    while (i = index(s, "\\")) {
      out = out substr(s, 1, i - 1) sprintf("%c", substr(s, i + 1, 1) * 64 + substr(s, i + 2, 1) * 8 + substr(s, i + 3, 1))
      s = substr(s, i + 4)
    }
    return out s
  }
  plain($5) == ENVIRON["MROOM_PATH"] {
    for (i = 7; i <= NF; i++) if ($i == "-") break
    found = $(i + 1) " " $6 " " plain($(i + 2))
  }
  END { print found }' /proc/self/mountinfo)
if [ -n "$mounted" ]; then
  say mounted "$mounted"
  from=${mounted#* * }
  loop=/sys/block/${from##*/}/loop/backing_file
  case $from in
    /dev/loop*) [ ! -r "$loop" ] || say from "$(cat "$loop")" ;;
    /dev/*) say from "$(real "$from")" ;;
  esac
fi
[ ! -d "$path" ] || say folder yes
[ ! -d /run/systemd/system ] || say systemd yes
]]

-- Options that the kernel shows for each place, and that somebody may have changed by hand; and what
-- takes each back.
local LIVE = { "ro", "nosuid", "nodev", "noexec", "noatime" }
local BACK = { ro = "rw", nosuid = "suid", nodev = "dev", noexec = "exec", noatime = "atime" }
-- Options that bring some of those along.
local IMPLY = { user = true, users = true, owner = true, group = true }

local function set_of(options)
  local set = {}
  for option in options:gmatch("[^,]+") do
    set[option] = true
  end
  return set
end

local function options_text(options)
  return type(options) == "table" and table.concat(options, ",") or options
end

-- What mount(8) understands on its command line; the rest is for who reads fstab.
local function command_options(options)
  local out = {}
  for option in options:gmatch("[^,]+") do
    if not option:find("^x%-") and not option:find("^comment=") then
      out[#out + 1] = option
    end
  end
  return out[1] and table.concat(out, ",") or "defaults"
end

-- Which of the options that can be seen are not as wanted. What is mounted a second time has those
-- of the first, unless other ones are asked for. Gives words, and the options that mend it.
local function live_difference(mounted, options)
  local is, wanted = set_of(mounted.options), set_of(options)
  for word in pairs(IMPLY) do
    if wanted[word] then
      return nil
    end
  end
  local may_have_more = wanted.bind or wanted.rbind
  local words, mend = {}, ""
  for _, option in ipairs(LIVE) do
    if wanted[option] and not is[option] then
      words[#words + 1] = "not " .. option
    elseif is[option] and not wanted[option] and not may_have_more then
      words[#words + 1] = option
      mend = mend .. "," .. BACK[option]
    end
  end
  return words[1] and table.concat(words, ", ") or nil, mend
end

local function read(answer)
  local first = reader.parse(answer)
  local text, state = reader.content(first.fstab, fstab.path)
  local is = {
    fstab = text,
    state = state,
    device = first.device ~= "" and first.device or nil,
    has_folder = first.folder ~= nil,
    has_systemd = first.systemd ~= nil,
  }
  if first.mounted then
    local fstype, options, src = first.mounted:match("^(%S+) (%S+) (.*)$")
    if not fstype then
      error({ kind = "script", message = "the server's answer is not a mount" }, 0)
    end
    is.mounted = { fstype = fstype, options = options, src = src, device = first.from or src }
  end
  return is
end

local function wanted_entry(o)
  return {
    src = o.src,
    path = o.path,
    fstype = o.fstype,
    options = options_text(o.options),
    dump = o.dump,
    pass = o.pass,
  }
end

-- Is what is mounted there the wanted source? A name that nothing resolves is compared as it is.
local function is_source(is, o)
  local mounted = is.mounted
  local wanted = is.device or o.src
  local options = set_of(options_text(o.options))
  if options.bind or options.rbind then
    return true -- the kernel tells the device below, not the folder
  elseif o.fstype == "tmpfs" then
    return mounted.fstype == "tmpfs"
  end
  return mounted.device == wanted or mounted.src == o.src
end

-- Whether what is mounted there is as wanted: the words for what is not, and the commands.
local function mounting(is, o, entry)
  local options = command_options(entry.options)
  local mount = { run = { "mount", "-t", o.fstype, "-o", options, o.src, o.path } }
  if not is.mounted then
    return "mounted", { mount }
  elseif not is_source(is, o) then
    local words = ("%s -> %s"):format(is.mounted.src, o.src)
    return words, { { run = { "umount", "--", o.path } }, mount }
  end
  local old = fstab.find(is.fstab, "path", o.path)
  local differs, mend = live_difference(is.mounted, entry.options)
  local words = differs and "remounted: it was " .. differs
  if old and old.options ~= entry.options then
    words = words or ("remounted: %s -> %s"):format(old.options, entry.options)
  end
  if words then
    -- With the source named, mount(8) does not mix in what fstab still says.
    local again = "remount," .. options .. (mend or "")
    return words, { { run = { "mount", "-o", again, o.src, o.path } } }
  end
end

local function compare(is, o)
  local entry, text = wanted_entry(o), is.fstab
  local plan = { changes = {}, steps = {}, will = {} }
  for key, value in pairs(is) do
    plan.will[key] = value
  end
  local function change(words, steps)
    plan.changes[#plan.changes + 1] = words
    table.move(steps, 1, #steps, #plan.steps + 1, plan.steps)
  end
  if o.state == "mounted" then
    if not is.has_folder then
      change("folder made", { { run = { "mkdir", "-p", "--", o.path } } })
      plan.will.has_folder = true
    end
    local words, steps = mounting(is, o, entry)
    if words then
      change(words, steps)
      local device = is.device or o.src
      plan.will.mounted =
        { fstype = o.fstype, options = entry.options, src = o.src, device = device }
    end
  elseif is.mounted and o.state ~= "present" then
    change("unmounted", { { run = { "umount", "--", o.path } } })
    plan.will.mounted = nil
  end
  if o.state == "absent" then
    text = fstab.set(text, "path", o.path, nil)
  elseif o.src and not fstab.same(fstab.find(text, "path", o.path), entry) then
    text = fstab.set(text, "path", o.path, entry)
  end
  fstab.write(plan, is, text, o.state == "absent" and "out of fstab" or "in fstab")
  return plan.changes[1] and plan or nil
end

return {
  name = "mount",
  summary = "A file system in fstab, and mounted.",
  takes = { { "path", type = "path", help = "where it is mounted" } },
  options = {
    state = {
      type = "string",
      choices = { "mounted", "present", "unmounted", "absent" },
      default = "mounted",
      help = "`present`: only in fstab; `unmounted`: not mounted, and left in fstab",
    },
    src = {
      type = "string",
      help = "what is mounted: a device, `UUID=...`, `HOST:/PATH`, `tmpfs`, a folder with `bind`",
    },
    fstype = { type = "string", help = "its type, such as ext4, nfs, tmpfs; none with `bind`" },
    options = { type = "any", default = "defaults", help = "mount options, a text or a list" },
    dump = { type = "integer", default = 0, help = "the fifth field of fstab" },
    pass = { type = "integer", default = 0, help = "the sixth field of fstab: order of fsck" },
  },
  like = { ansible = "ansible.posix.mount", pyinfra = false },
  platforms = "Linux",
  diff = true,
  valid = function(o)
    local needs = o.state == "mounted" or o.state == "present"
    if needs and not (o.src and o.fstype) then
      refuse(("`mount` %s needs `src` and `fstype`"):format(o.path))
    end
    if o.src and not o.fstype then
      refuse("`src` needs `fstype`")
    end
    for _, key in ipairs({ "src", "fstype" }) do
      local value = o[key] or "x"
      if value == "" or value:find("[%c]") or value:sub(1, 1) == "-" then
        refuse(("`%s` is not one"):format(key))
      end
    end
    if o.fstype and not o.fstype:find("^[%w._-]+$") then
      refuse(("`fstype` is `%s`: not a type of file system"):format(o.fstype))
    end
    local options = type(o.options) == "table" and o.options or { o.options }
    for _, option in ipairs(options) do
      if type(option) ~= "string" or not option:find("^[^%s%c\\#-][^%s%c\\#]*$") then
        refuse("`options` must be words without white space, a text or a list")
      end
    end
    if #options == 0 then
      refuse("`options` is empty", "leave it out, or say `defaults`")
    end
  end,
  key = function(o)
    return "mount:" .. o.path
  end,
  look = function(o)
    return reader.look(LOOK, { o.path, o.src or "" })
  end,
  read = read,
  plan = compare,
}
