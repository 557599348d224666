-- nftables for the operation `firewall`: a table of our own, `inet mroom`, in a file of our own that
-- the system's nftables.conf includes. Nothing else of the rule set is touched. Each rule carries its
-- text as its comment, by which it is found again. Pure. Internal.
local rule = require("mr.op.firewall.rule")

local nftables = { name = "nftables" }

local FILE = "/etc/nftables.d/mroom.nft"

nftables.look = [==[
main=/etc/nftables.conf
for other in /etc/sysconfig/nftables.conf /etc/nftables.nft; do
  [ ! -e "$other" ] || main=$other
done
echo "main=$main"
if grep -qE '^[[:space:]]*include[[:space:]]+"/etc/nftables\.d/(\*|mroom)\.nft"' "$main" 2>/dev/null; then
  echo included=yes
fi
# Whoever may not list tables does not know whether ours is there.
! command -v nft >/dev/null 2>&1 || nft list tables >/dev/null || exit
if nft list table inet mroom >/dev/null 2>&1; then
  echo loaded=yes
  nft list table inet mroom | sed -n 's/.*comment "\(.*\)".*/now=\1/p; s/.*policy \([a-z]*\);.*/now-policy=\1/p'
  echo "now-lines=$(nft list table inet mroom | wc -l)"
fi
if [ -r FILE ]; then
  sed -n 's/.*comment "\(.*\)".*/kept=\1/p; s/.*policy \([a-z]*\);.*/kept-policy=\1/p' FILE
  echo "kept-lines=$(sed '/^#/d; /^delete table/d' FILE | wc -l)"
fi
if command -v systemctl >/dev/null 2>&1; then
  echo "service=$(systemctl is-enabled nftables 2>/dev/null)"
elif command -v rc-update >/dev/null 2>&1; then
  echo manager=openrc
  if rc-update show default 2>/dev/null | grep -q '^ *nftables '; then echo service=enabled
  else echo service=disabled
  fi
fi
]==]
nftables.look = nftables.look:gsub("FILE", FILE)

---@type table<string, boolean>
local MAINS = { ["/etc/sysconfig/nftables.conf"] = true, ["/etc/nftables.nft"] = true }
local POLICIES = { drop = "deny", accept = "allow" }

function nftables.read(is, found)
  if not (found.main or {})[1] then
    mr.fail(
      "`nft` did not say what it holds",
      { hint = "it answers to root: `s:ops { sudo = true }`" }
    )
  end
  for _, text in ipairs(found.kept or {}) do
    local good, one = pcall(rule.parse, text)
    is.rules[#is.rules + 1] = good and one or nil
  end
  is.policy = POLICIES[(found["kept-policy"] or {})[1] or "accept"]
  is.included = (found.included or {})[1] == "yes"
  is.main = MAINS[found.main[1]] and found.main[1] or "/etc/nftables.conf"
  is.service = (found.service or {})[1]
  is.openrc = (found.manager or {})[1] == "openrc" or nil
  is.loaded = (found.loaded or {})[1] == "yes"
  is.active = is.loaded and is.included and is.service ~= "disabled"
  -- What runs is what the file says?
  local now, kept = table.concat(found.now or {}, "\n"), table.concat(found.kept or {}, "\n")
  -- One line more or less is a rule that somebody has put in or taken out by hand. The file begins
  -- with one line more: the table that is then put in place of an older one.
  local lines = math.tointeger(tonumber((found["kept-lines"] or {})[1]))
  local running = math.tointeger(tonumber((found["now-lines"] or {})[1]))
  is.drifted = is.loaded
    and (
      now ~= kept
      or (found["now-policy"] or {})[1] ~= (found["kept-policy"] or {})[1]
      or (lines ~= nil and running ~= lines - 1)
    )
end

local VERDICTS = { allow = "accept", deny = "drop", reject = "reject" }

local function line(one)
  local words = {}
  if one.from then
    words[1] = (one.family == 4 and "ip" or "ip6") .. " saddr " .. one.from
  end
  if one.first then
    local port = one.first == one.last and tostring(one.first)
      or ("%d-%d"):format(one.first, one.last)
    words[#words + 1] = one.proto == "any" and ("meta l4proto { 6, 17 } th dport %s"):format(port)
      or ("%s dport %s"):format(one.proto, port)
  end
  words[#words + 1] = VERDICTS[one.action]
  words[#words + 1] = ('comment "%s"'):format(rule.text(one))
  return "    " .. table.concat(words, " ")
end

-- The whole file, with numbers for protocols: a small system has no /etc/protocols. The first two lines make `nft -f` put the table in place of an older one, at once.
function nftables.file(rules, policy)
  local lines = {
    "# Written by mroom, `on:firewall`.",
    "table inet mroom",
    "delete table inet mroom",
    "table inet mroom {",
    "  chain input {",
    ("    type filter hook input priority filter; policy %s;"):format(
      policy == "allow" and "accept" or "drop"
    ),
    "    ct state established,related accept",
    "    ct state invalid drop",
    '    iifname "lo" accept',
    "    meta l4proto { 1, 58 } accept",
    -- Answers of DHCPv6 come from an address that was not asked.
    "    ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
  }
  for _, one in ipairs(rules) do
    lines[#lines + 1] = line(one)
  end
  if policy == "reject" then
    lines[#lines + 1] = "    reject"
  end
  lines[#lines + 1] = "  }"
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n") .. "\n"
end

function nftables.steps(is, want)
  local text = nftables.file(want.rules, want.policy or is.policy)
  local steps = {
    { run = { "mkdir", "-p", "--", "/etc/nftables.d" } },
    { write = FILE, content = text, mode = "0600", validate = "nft -c -f %s" },
  }
  if want.active == false then
    steps[#steps + 1] = {
      script = "nft delete table inet mroom 2>/dev/null || :\nrm -f -- " .. FILE,
      says = "nft delete table inet mroom",
    }
    return steps
  end
  if want.active or is.active or is.loaded then
    steps[#steps + 1] = { run = { "nft", "-f", FILE } }
  end
  if want.active and not is.included then
    steps[#steps + 1] = {
      script = [[printf '\ninclude "/etc/nftables.d/*.nft"\n' >>"$1"]],
      args = { is.main },
      says = ("include /etc/nftables.d/*.nft in %s"):format(is.main),
    }
  end
  if want.active and is.service == "disabled" then
    -- Not started: that would load the system's file and flush what others have set.
    local words = is.openrc and { "rc-update", "add", "nftables", "default" }
      or { "systemctl", "enable", "nftables" }
    steps[#steps + 1] = { run = words }
  end
  return steps
end

-- The files that a change touches, and the shell text that makes what runs fit them again.
function nftables.guard(is)
  local undo = {
    is.loaded and ("nft -f %s"):format(FILE) or "nft delete table inet mroom 2>/dev/null || :",
  }
  if is.service == "disabled" then
    undo[2] = is.openrc and "rc-update del nftables default" or "systemctl disable nftables"
  end
  return { files = { is.main, FILE }, undo = table.concat(undo, "\n") }
end

return nftables
