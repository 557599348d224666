-- firewall: only the allowed ports come in, now and after a start, by ufw, firewalld or nftables.
--
-- The list is the option `allow`, else the server's metadata `allowed_ports`. Established
-- connections, loopback and ICMP always pass. A list without the port of our own connection is
-- refused; whatever happens all the same, the server undoes it unless a new connection confirms it.
-- What Docker publishes goes by rules of its own, which stay as they are.
local confirm = require "mr.confirm"
local half = require "mr.op.package.half"
local ops = require "mr.ops"
local perform = require "mr.op.perform"
local rule = require "mr.op.firewall.rule"

local TOOLS = { ufw = "ufw", firewalld = "firewall-cmd", nftables = "nft" }
-- Which is used when several are there.
local ORDER = { "ufw", "firewalld", "nftables" }

-- The entries of a list, however it is given: `{ 22, "80/tcp" }`, `22,80/tcp`, 22. The command line
-- takes `5432/tcp from 10.0.0.0/8` apart, which is put together again here.
local function entries(value)
  local words = {}
  for _, one in ipairs(type(value) == "table" and value or { value }) do
    for word in tostring(one):gmatch "[^%s,]+" do
      words[#words + 1] = word
    end
  end
  local list, i = {}, 1
  while i <= #words do
    if words[i] == "from" and #list > 0 and words[i + 1] then
      list[#list] = list[#list] .. " from " .. words[i + 1]
      i = i + 1
    else
      list[#list + 1] = words[i]
    end
    i = i + 1
  end
  return list
end

-- What a person may write into the metadata, when nothing is there.
local function proposal(s)
  local ports = { s.port }
  for _, port in ipairs(type(s.meta.ports) == "table" and s.meta.ports or {}) do
    if math.type(port) == "integer" and port ~= s.port then
      ports[#ports + 1] = port
    end
  end
  return ("`mroom set %s allowed_ports=%s`"):format(s.id, table.concat(ports, ","))
end

-- Which firewall it is to be, and whether it is there as a whole.
local function backend(s, wanted)
  local script = half.functions
    .. "\nPATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin\n"
    .. "for tool; do ! command -v $tool >/dev/null || echo found=$tool; done\n"
    .. "half ufw firewalld nftables | sed 's/^/half=/'"
  local found = "\n"
    .. s:capture({ "sh", "-c", script, "sh", "ufw", "firewall-cmd", "nft" }, { sudo = true })
    .. "\n"
  for _, name in ipairs(wanted == "auto" and ORDER or { wanted }) do
    if found:find("\nfound=" .. TOOLS[name] .. "\n", 1, true) then
      return name, not found:find("\nhalf=" .. name .. "\n", 1, true)
    end
  end
  return wanted == "auto" and "nftables" or wanted, false
end

-- What the operation would do, and what is there.
local function foresee(s, o)
  local on = s:ops { sudo = true }
  local plan, is = mr.try(perform.foresee, on, ops.load "firewall", o.rules, o.wanted)
  local err = plan == nil and is or nil
  if type(err) == "table" and err.kind then
    local text = (err.stderr or "") .. err.message
    if text:find "[Oo]peration not supported" or text:find "[Pp]rotocol not supported" then
      mr.fail("its kernel has no nf_tables: no firewall can be set there", {
        hint = "containers get theirs from their host; else load the module `nf_tables`",
      })
    end
    error(err, 0)
  end
  return plan, is
end

local function options_of(o, name)
  return {
    backend = name,
    policy = o.policy,
    exact = o.exact,
    enabled = true,
    ssh_port = o.ssh_port and math.tointeger(o.ssh_port),
    connection = o.force and "ignore" or "refuse",
  }
end

return {
  name = "firewall",
  summary = "Only allowed ports come in; undone by itself when that shuts us out.",
  options = {
    allow = {
      type = "list",
      help = "`22`, `53/udp`, `5432/tcp from 10.0.0.0/8`; else the metadata `allowed_ports`",
    },
    backend = {
      type = "string",
      default = "auto",
      choices = { "auto", "ufw", "firewalld", "nftables" },
      help = "auto: the one that is there, else nftables is installed",
    },
    policy = {
      type = "string",
      default = "deny",
      choices = { "deny", "reject" },
      help = "what happens to all else that comes in",
    },
    exact = { type = "boolean", default = true, help = "rules that are not in the list go" },
    ssh_port = { type = "number", help = "the port of our connection, where it cannot be seen" },
    force = {
      type = "boolean",
      default = false,
      help = "even when that shuts our own connection out; undone after `timeout`",
    },
    timeout = {
      type = "number",
      default = 60,
      help = "seconds in which a new connection must confirm it",
    },
  },

  prepare = function(s, o)
    o.rules = {}
    for _, text in ipairs(entries(o.allow or s.meta.allowed_ports)) do
      o.rules[#o.rules + 1] = "allow " .. text
      rule.parse(o.rules[#o.rules])
    end
    if #o.rules == 0 then
      error({
        kind = "usage",
        message = "which ports are allowed?",
        hint = proposal(s) .. ", or `--set firewall.allow=22,80`",
      }, 0)
    end
  end,

  check = function(s, o)
    confirm.tell(s, confirm.look(s))
    local name, is_there = backend(s, o.backend)
    o.wanted = options_of(o, name)
    if not is_there then
      return false, {}
    end
    local plan, is = foresee(s, o)
    return plan == nil, { is = is }
  end,

  apply = function(s, o, found)
    local on = s:ops { sudo = true }
    local is = found.is
    if not is then
      on:package(o.wanted.backend)
    end
    if not is and not s.check then
      is = select(2, foresee(s, o))
    end
    if s.check then
      on:firewall(o.rules, o.wanted)
      return
    end
    local guard = require("mr.op.firewall." .. o.wanted.backend).guard(is)
    guard.name = "firewall"
    guard.timeout = math.tointeger(o.timeout) or 60
    confirm.guard(s, guard, function()
      on:firewall(o.rules, o.wanted)
    end)
  end,

  undo = function(s, o)
    local name = backend(s, o.backend)
    s:ops({ sudo = true }):firewall({}, { backend = name, enabled = false })
  end,
}
