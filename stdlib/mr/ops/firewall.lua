-- firewall: rules for what may come in, by ufw, firewalld or nftables.
--
-- Nobody is locked out: before anything else the port of the connection in use is allowed, and a rule
-- that would shut it is refused. What each of the three needs is in mr/op/firewall/.
local args = require("mr.args")
local rule = require("mr.op.firewall.rule")

local BACKENDS = { "ufw", "firewalld", "nftables" }

local op = {
  name = "firewall",
  summary = "Rules for what may come in; never shuts the connection in use.",
  takes = {
    {
      "rules",
      type = "list",
      help = "`allow 443/tcp`, `allow 5432/tcp from 10.0.0.0/8`, `deny from 203.0.113.7`",
    },
  },
  options = {
    state = {
      type = "string",
      choices = { "present", "absent" },
      default = "present",
      help = "whether these rules are there; others stay as they are",
    },
    policy = {
      type = "string",
      choices = { "allow", "deny", "reject" },
      help = "what happens to all else that comes in",
    },
    exact = { type = "boolean", default = false, help = "rules that are not in the list go" },
    enabled = { type = "boolean", help = "is the firewall on, now and after a start?" },
    backend = { type = "string", choices = BACKENDS, help = "else the one that is installed" },
    zone = { type = "string", help = "firewalld: else its default zone" },
    ssh_port = { type = "integer", help = "the port of the connection, where it cannot be seen" },
    connection = {
      type = "string",
      choices = { "allow", "refuse", "ignore" },
      default = "allow",
      help = "when the rules leave the connection in use out: allow it first, fail, or shut it out",
    },
  },
  like = { ansible = "ufw, firewalld", pyinfra = "iptables.rule" },
  platforms = "ufw, firewalld, nftables",
}

function op.valid(o)
  local rules = {}
  for i, text in ipairs(o.rules) do
    rules[i] = rule.parse(text)
  end
  o.rules = rules -- the caller's list stays as it is
  if o.zone and not o.zone:find("^[%w][%w_-]*$") then
    args.refuse("`firewall`: `zone` must be a word")
  elseif o.ssh_port and (o.ssh_port < 1 or o.ssh_port > 65535) then
    args.refuse("`firewall`: `ssh_port` must be a port, 1 to 65535")
  elseif o.exact and o.state == "absent" then
    args.refuse("`firewall`: `exact` goes with rules that shall be there")
  elseif #o.rules == 0 and o.policy == nil and o.enabled == nil then
    args.refuse("`firewall`: nothing is wanted of it")
  end
end

function op.target(o)
  local words = {}
  for i, one in ipairs(o.rules) do
    words[i] = rule.text(one)
  end
  return words[1] and table.concat(words, ", ") or "policy"
end

function op.key()
  return "firewall"
end

-- Which one is there, by which port we came in, then what that one holds. sudo hides the variable
-- that sshd sets, so the parents are asked.
local HEAD = [==[
backend=$2
if [ -z "$backend" ]; then
  if command -v ufw >/dev/null 2>&1; then backend=ufw
  elif command -v firewall-cmd >/dev/null 2>&1; then backend=firewalld
  elif command -v nft >/dev/null 2>&1; then backend=nftables
  fi
fi
case $backend in firewalld) tool=firewall-cmd ;; nftables) tool=nft ;; *) tool=$backend ;; esac
echo "backend=$backend"
command -v "${tool:-none}" >/dev/null 2>&1 || echo missing=1
found=$SSH_CONNECTION
pid=$$
while [ -z "$found" ] && [ "${pid:-1}" -gt 1 ]; do
  found=$(tr '\000' '\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=//p' | head -n 1)
  pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
done
echo "ssh=$found"
[ -n "$tool" ] && command -v "$tool" >/dev/null 2>&1 || [ "$backend" = nftables ] || { echo end=1; exit; }
case $backend in
]==]

function op.look(o)
  local parts = { HEAD }
  for _, name in ipairs(BACKENDS) do
    parts[#parts + 1] = ("%s)\n%s\n;;\n"):format(name, require("mr.op.firewall." .. name).look)
  end
  parts[#parts + 1] = "esac\necho end=1\n"
  return { script = table.concat(parts), args = { o.zone or "", o.backend or "" }, timeout = 60 }
end

function op.read(text, o)
  local found = {}
  local count = 0
  for line in text:gmatch("[^\n]+") do
    local key, value = line:match("^(%l[%l-]*)=(.*)$")
    count = count + 1
    if key and count <= 10000 and #value <= 1024 and not value:find("%c") then
      found[key] = found[key] or {}
      table.insert(found[key], value)
    end
  end
  local name = (found.backend or {})[1]
  if not found["end"] or not name then
    mr.fail(
      "the server did not say how its firewall is set",
      { hint = "it answers to root: `s:ops { sudo = true }`" }
    )
  elseif name == "" then
    mr.fail("no firewall is installed", { hint = '`on:package "ufw"` installs one' })
  end
  local is = { backend = o.backend or name, rules = {} }
  local client, port = ((found.ssh or {})[1] or ""):match("^([%x:.]+)%%?%S* %d+ %S+ (%d+)$")
  is.missing = found.missing ~= nil
  if is.missing and is.backend ~= "nftables" then
    return is -- how it comes is only known when it is there
  end
  is.client, is.port = client, port and #port <= 5 and math.tointeger(tonumber(port)) or nil
  for _, known in ipairs(BACKENDS) do
    if known == is.backend then
      require("mr.op.firewall." .. known).read(is, found)
      return is
    end
  end
  mr.fail(("the server told of a firewall `%s`"):format(is.backend:sub(1, 40)))
end

-- The rules afterwards; those to add and to take off.
local function difference(is, o)
  local there, wanted = {}, {}
  for _, one in ipairs(is.rules) do
    there[rule.text(one)] = one
  end
  local add, remove, after = {}, {}, {}
  for _, one in ipairs(o.rules) do
    local text = rule.text(one)
    if not wanted[text] then
      wanted[text] = true
      local half = is.half and is.half[text]
      if o.state == "present" and not there[text] then
        add[#add + 1] = one
      elseif o.state == "absent" and (there[text] or half) then
        remove[#remove + 1] = there[text] or one
      end
    end
  end
  for _, one in ipairs(is.rules) do
    if
      wanted[rule.text(one)] and o.state == "present"
      or not wanted[rule.text(one)] and not o.exact
    then
      after[#after + 1] = one
    elseif o.exact then
      remove[#remove + 1] = one
    end
  end
  table.move(add, 1, #add, #after + 1, after)
  return add, remove, after
end

-- The rule that must come first so that the connection in use goes on; nil when it does anyway.
-- Refuses what would shut it out.
local function opening(is, o, backend, after, remove, policy)
  if o.connection == "ignore" then
    return nil
  end
  local port = o.ssh_port or is.port
  if not port then
    mr.fail("it cannot be seen by which port this connection came in", {
      hint = "`ssh_port = 22` says it; without it nobody would get in any more",
    })
  end
  local function passes(rules)
    local all = table.move(is.also or {}, 1, #(is.also or {}), 1, {})
    table.move(rules, 1, #rules, #all + 1, all)
    return rule.passes(all, policy, port, is.client, backend.denies_first)
  end
  local does, by = passes(after)
  if does then
    return nil
  end
  local what = by and rule.text(by)
  if not by then
    local _, before = passes(is.rules)
    for _, one in ipairs(remove) do
      what = one == before and "no " .. rule.text(one) or what
    end
  end
  if what then
    mr.fail(
      ("`%s` would shut out this very connection, from %s to port %d"):format(
        what,
        is.client or "an unknown address",
        port
      ),
      { hint = "allow its port, or its address alone, before" }
    )
  end
  if o.connection == "refuse" then
    mr.fail(
      ("port %d, by which this connection came in from %s, is not among the allowed ones"):format(
        port,
        is.client or "an unknown address"
      ),
      { hint = "allow it, too: nobody would get in any more" }
    )
  end
  return rule.make("allow", tostring(port), "tcp", nil)
end

function op.plan(is, o, _, memory)
  if is.missing and not (memory and memory.packages[is.backend]) then
    mr.fail(("`%s` is not installed"):format(is.backend), {
      hint = ('`on:package "%s"` installs it'):format(is.backend),
    })
  elseif is.missing and is.backend ~= "nftables" then
    return {
      unknown = ("`%s` is not there yet: how it would be set is not known"):format(is.backend),
    }
  end
  local backend = require("mr.op.firewall." .. is.backend)
  local add, remove, after = difference(is, o)
  local policy = o.policy or is.policy or "allow"
  local active = o.enabled
  if active == nil then
    active = is.active
  end
  local first
  if active then
    first = opening(is, o, backend, after, remove, policy)
  end
  local want = { add = add, remove = remove, first = first, rules = after }
  if first then
    table.insert(after, 1, first)
  end
  want.policy = o.policy ~= nil and o.policy ~= is.policy and o.policy or nil
  if o.enabled ~= nil and o.enabled ~= is.active then
    want.active = o.enabled
  end

  local changes = {}
  if first then
    changes[1] = rule.text(first) .. ", for this connection"
  end
  for _, one in ipairs(add) do
    changes[#changes + 1] = rule.text(one)
  end
  for _, one in ipairs(remove) do
    changes[#changes + 1] = "not: " .. rule.text(one)
  end
  if want.policy then
    changes[#changes + 1] = ("policy %s -> %s"):format(is.policy or "?", want.policy)
  end
  if want.active ~= nil then
    changes[#changes + 1] = want.active and "turned on" or "turned off"
  end
  if #changes == 0 and is.drifted and active then
    changes[1] = "loaded again: what runs is not what the file says"
  end
  if #changes == 0 then
    return nil
  end
  local will = {}
  for key, value in pairs(is) do
    will[key] = value
  end
  will.rules, will.policy, will.active = after, policy, active
  will.half, will.drifted, will.missing = nil, false, false
  will.loaded, will.included = active or will.loaded, active or will.included
  return { changes = changes, steps = backend.steps(is, want), will = will }
end

return op
