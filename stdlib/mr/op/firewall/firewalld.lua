-- firewalld for the operation `firewall`: what a zone of it holds, and the commands that change it,
-- both for now and for the next start. While it is off its files are changed. Pure. Internal.
local rule = require("mr.op.firewall.rule")

local firewalld = { name = "firewalld", denies_first = true }

-- $1: the zone, or nothing for the default one.
firewalld.look = [[
zone=$1
tell() {
  "$@" --get-target >/dev/null 2>&1 || :
  "$@" --list-ports | tr ' ' '\n' | sed "s/^/$kind-port=/"
  "$@" --list-services | tr ' ' '\n' | sed "s/^/$kind-service=/"
  "$@" --list-rich-rules | sed "s/^/$kind-rich=/"
}
if firewall-cmd --state >/dev/null 2>&1; then
  echo active=yes
  zone=${zone:-$(firewall-cmd --get-default-zone)} || exit
  kind=now
  tell firewall-cmd --zone="$zone"
  kind=kept
  tell firewall-cmd --permanent --zone="$zone"
  echo "policy=$(firewall-cmd --permanent --zone="$zone" --get-target)"
else
  echo active=no
  zone=${zone:-$(firewall-offline-cmd --get-default-zone)} || exit
  kind=kept
  tell firewall-offline-cmd --zone="$zone"
  echo "policy=$(firewall-offline-cmd --zone="$zone" --get-target)"
fi
echo "zone=$zone"
]]

local POLICIES = { ACCEPT = "allow", DROP = "deny", ["%%REJECT%%"] = "reject", default = "reject" }
local TARGETS = { allow = "ACCEPT", deny = "DROP", reject = "default" }
local VERDICTS = { accept = "allow", drop = "deny", reject = "reject" }

local function rich(text)
  local rest = text:gsub("^rule ?", ""):gsub('priority="%-?%d+" ?', "")
  local from = rest:match('source address="([^"]+)"')
  local port, proto = rest:match('port port="([%d-]+)" protocol="(%l+)"')
  local verdict = VERDICTS[rest:match("(%l+)$") or ""]
  -- What has more to it is not one of ours.
  local plain = rest
    :gsub('family="ipv%d" ?', "")
    :gsub('source address="[^"]+" ?', "")
    :gsub('port port="[%d-]+" protocol="%l+" ?', "")
  if not verdict or plain:find(" ") then
    return nil
  end
  return (rule.make(verdict, port, proto, from))
end

local function rules_of(found, kind)
  local all, set = {}, {}
  local function add(one)
    if one and not set[rule.text(one)] then
      set[rule.text(one)] = true
      all[#all + 1] = one
    end
  end
  for _, text in ipairs(found[kind .. "-port"] or {}) do
    local port, proto = text:match("^([%d-]+)/(%l+)$")
    add((rule.make("allow", port, proto, nil)))
  end
  for _, text in ipairs(found[kind .. "-rich"] or {}) do
    add(rich(text))
  end
  return all, set
end

function firewalld.read(is, found)
  local active, zone = (found.active or {})[1], (found.zone or {})[1]
  if not active or not zone or not zone:find("^[%w_-]+$") then
    mr.fail(
      "`firewalld` did not say how it is set",
      { hint = "it answers to root: `s:ops { sudo = true }`" }
    )
  end
  is.active, is.zone = active == "yes", zone
  is.policy = POLICIES[(found.policy or {})[1] or ""]
  local kept, is_kept = rules_of(found, "kept")
  local now, is_now = rules_of(found, "now")
  if not is.active then
    now, is_now = kept, is_kept
  end
  -- There is what is there now and after the next start; `half` is only one of both.
  is.half = {}
  for _, list in ipairs({ kept, now }) do
    for _, one in ipairs(list) do
      local text = rule.text(one)
      if is_kept[text] and is_now[text] then
        is.rules[#is.rules + 1] = list == kept and one or nil
      else
        is.half[text] = is_now[text] and "now" or "kept"
      end
    end
  end
  for _, name in ipairs(found["kept-service"] or {}) do
    if name == "ssh" then
      is.also = { rule.make("allow", "22", "tcp", nil) }
    end
  end
end

local ACCEPTS = { allow = "accept", deny = "drop", reject = "reject" }

-- The option's name and value: a port for everybody is a port, all else a rich rule.
local function option(one)
  local port = one.first
    and (one.first == one.last and tostring(one.first) or ("%d-%d"):format(one.first, one.last))
  if one.action == "allow" and not one.from then
    return "port", ("%s/%s"):format(port, one.proto)
  end
  local text = "rule"
  if one.from then
    text = text .. (' family="ipv%d" source address="%s"'):format(one.family, one.from)
  end
  if port then
    text = text .. (' port port="%s" protocol="%s"'):format(port, one.proto)
  end
  return "rich-rule", text .. " " .. ACCEPTS[one.action]
end

function firewalld.steps(is, want)
  local steps = {}
  local zone = "--zone=" .. is.zone
  local function run(argv)
    steps[#steps + 1] = { run = argv }
  end
  local function both(verb, one)
    local name, value = option(one)
    local word = ("--%s-%s=%s"):format(verb, name, value)
    if not is.active then
      return run({ "firewall-offline-cmd", zone, word })
    end
    -- What is there already is a warning to it, no error.
    run({ "firewall-cmd", zone, word })
    run({ "firewall-cmd", "--permanent", zone, word })
  end
  if want.first then
    both("add", want.first)
  end
  for _, one in ipairs(want.add) do
    both("add", one)
  end
  for _, one in ipairs(want.remove) do
    both("remove", one)
  end
  if want.policy then
    local word = "--set-target=" .. TARGETS[want.policy]
    if is.active then
      run({ "firewall-cmd", "--permanent", zone, word })
      run({ "firewall-cmd", "--reload" })
    else
      run({ "firewall-offline-cmd", zone, word })
    end
  end
  if want.active ~= nil then
    run({ "systemctl", want.active and "enable" or "disable", "--now", "firewalld" })
  end
  return steps
end

-- The files that a change touches, and the shell text that makes what runs fit them again.
function firewalld.guard(is)
  return {
    files = { ("/etc/firewalld/zones/%s.xml"):format(is.zone) },
    undo = is.active and "firewall-cmd --reload" or "systemctl disable --now firewalld",
  }
end

return firewalld
