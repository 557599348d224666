-- Homebrew for the operation `package`: what is there, and the commands that change it. It refuses
-- to run as root, so it goes with `sudo = false`, or as the user whom it belongs to. Pure. Internal.
local answer = require("mr.op.package.answer")

local brew = { name = "brew", versions = false }

brew.env = { HOMEBREW_NO_AUTO_UPDATE = "1", HOMEBREW_NO_ENV_HINTS = "1", HOMEBREW_NO_COLOR = "1" }

-- $1: present, latest or absent; $2: nothing; $3...: what is wanted.
brew.look = answer.head
  .. [==[
export HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_ENV_HINTS=1 HOMEBREW_NO_COLOR=1
PATH=$PATH:/opt/homebrew/bin:/home/linuxbrew/.linuxbrew/bin
state=$1
shift 2
fetched=$(brew --repository 2>/dev/null)/.git/FETCH_HEAD
[ ! -e "$fetched" ] || age "$fetched"
pinned=$(brew list --pinned 2>/dev/null)
known=$(
  for want; do
    found=$(brew list --versions -- "$want" 2>/dev/null) || continue
    flags=
    case "
$pinned
" in *"
$want
"*) flags=h ;; esac
    say have "$want" "${found%% *}" "${found##* }" "$flags-"
  done
)
[ -z "$known" ] || printf '%s\n' "$known"
for want; do
  shift
  is_there "$want" && there=1 || there=
  case $state$there in present | latest) set -- "$@" "$want" ;; esac
  [ "$state$there" != latest1 ] || outdated="$outdated $want"
done
for want in $outdated; do
  brew outdated --verbose -- "$want" </dev/null 2>&1 | while IFS= read -r line; do say said "$line"; done
done
for want; do
  brew info --json=v1 -- "$want" >/dev/null 2>&1 </dev/null || say none "$want"
done
say end
]==]

-- `wget (1.21.3) < 1.24.5`
function brew.said(is, line)
  local name, old, new = line:match("^(%S+) %((.-)%) [<!]=? (%S+)")
  if name then
    is.will[#is.will + 1] = { name = name, old = old:match("[^, ]+$"), new = new }
  elseif line:find("^Error: ") then
    is.why[#is.why + 1] = line:sub(8)
  end
end

local function command(verb, o, list)
  local argv = { "brew", verb }
  for _, more in ipairs({ o.args or {}, { "--" }, list }) do
    table.move(more, 1, #more, #argv + 1, argv)
  end
  return argv
end

function brew.install(list, o)
  return command("install", o, list)
end

-- `upgrade` installs what is not there, too.
function brew.upgrade(list, o)
  return command("upgrade", o, list)
end

function brew.remove(list, o)
  return command("uninstall", o, list)
end

function brew.refresh()
  return { "brew", "update" }
end

function brew.hold(list, held)
  return { "brew", held and "pin" or "unpin", table.unpack(list) }
end

function brew.locked(text)
  if text:find("Another active Homebrew") or text:find("has already locked") then
    return {}
  end
end

local HINTS = {
  { "as root", "Homebrew refuses root: `on:package(…, { sudo = false })`" },
  { "No available formula", "`brew search` on the server" },
}

function brew.explain(text)
  return answer.explain(text, { "^Error" }, HINTS)
end

return brew
