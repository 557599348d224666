-- What a server is, learnt in one round trip: `server:facts()`, and the env stage.
--
-- A POSIX shell script goes in over standard input and prints `key=value` lines between two
-- marker lines, so what a login prints around it does no harm. The answer is data: every key has
-- a kind here, and a value that does not fit its kind is left out. Unknown is nil, never a guess.
local facts = {}

local FIRST, LAST = "--mroom-facts--", "--mroom-facts-end--"

-- Commands looked for besides those that a caller asks for: name -> what to look for.
facts.commands = {
  bash = "bash",
  daed = "daed",
  docker = "docker",
  docker_compose = "docker-compose",
  python3 = "python3",
  sudo = "sudo",
}

-- Arguments: name=command pairs, `--`, folders. Works on Linux (glibc or busybox), the BSDs and macOS.
facts.script = ([[
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin:/snap/bin
nl='
'
say() { [ -z "$2" ] || printf '%s=%s\n' "$1" "${2%%"$nl"*}"; }
have() { command -v "$1" >/dev/null 2>&1; }
first() { if [ -r "$1" ]; then IFS= read -r line <"$1"; printf '%s' "$line"; fi; }
ctl() { have sysctl && sysctl -n "$1" 2>/dev/null; }

system() {
  say kernel_name "$kernel"
  say kernel_release "$(uname -r)"
  say arch "$(uname -m)"
  say hostname "$(uname -n)"
  say user "$(id -un 2>/dev/null)"
  say uid "$(id -u 2>/dev/null)"
  say home "$HOME"
  say shell "$SHELL"
  if [ "$kernel" = Darwin ]; then
    say os_id macos
    say os_version "$(sw_vers -productVersion 2>/dev/null)"
    say os_name "macOS $(sw_vers -productVersion 2>/dev/null)"
    return
  fi
  for file in /etc/os-release /usr/lib/os-release; do
    [ -r "$file" ] || continue
    while IFS='=' read -r key value; do
      value=${value#[\"\']}
      value=${value%[\"\']}
      case $key in
        ID) say os_id "$value" ;;
        VERSION_ID) say os_version "$value" ;;
        PRETTY_NAME) say os_name "$value" ;;
      esac
    done <"$file"
    return
  done
  say os_id "$(printf '%s' "$kernel" | tr '[:upper:]' '[:lower:]')"
  say os_name "$(uname -sr)"
  say os_version "$(uname -r)"
}

hardware() {
  count=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || count=$(ctl hw.ncpu)
  say cpu_count "$count"
  if [ -r /proc/meminfo ]; then
    while IFS=': ' read -r key value _; do
      case $key in
        MemTotal) say memory_total $((value * 1024)) ;;
        MemAvailable) say memory_available $((value * 1024)); break ;;
      esac
    done </proc/meminfo
  else
    bytes=$(ctl hw.memsize) || bytes=$(ctl hw.physmem64) || bytes=$(ctl hw.physmem)
    say memory_total "$bytes"
  fi
  if [ -r /proc/cpuinfo ]; then
    while IFS=: read -r key value; do
      case $key in
        "model name"*) say cpu_model "${value# }"; break ;;
      esac
    done </proc/cpuinfo
  else
    model=$(ctl machdep.cpu.brand_string) || model=$(ctl hw.model)
    say cpu_model "$model"
  fi
}

# All local disks together, each device once; at least the file system of `/`. The volumes of
# macOS share one disk, so there it is `/` alone.
disks() {
  local_only=l
  [ "$kernel" = Darwin ] && local_only=
  { df -kP / || :; [ -z "$local_only" ] || df -kPl || :; } 2>/dev/null | awk '
    NR == 2 { all = $2; free = $4; next }
    $1 ~ "^/dev/" && $1 !~ "^/dev/(loop|sr|ram)" && !seen[$1]++ { sum += $2; left += $4 }
    END {
      if (sum > all) { all = sum; free = left }
      if (all) printf "disk_total=%.0f\ndisk_free=%.0f\n", all * 1024, free * 1024
    }'
}

virtualization() {
  if have systemd-detect-virt; then systemd-detect-virt; return; fi
  [ ! -e /.dockerenv ] || { echo docker; return; }
  [ ! -e /run/.containerenv ] || { echo podman; return; }
  case "$(first /sys/class/dmi/id/sys_vendor) $(first /sys/class/dmi/id/product_name)" in
    *QEMU* | *KVM*) echo kvm ;;
    *VMware*) echo vmware ;;
    *VirtualBox*) echo oracle ;;
    *Xen*) echo xen ;;
    *Microsoft*Virtual*) echo microsoft ;;
    *Amazon*) echo amazon ;;
    *Google*) echo google ;;
    *)
      if [ -r /proc/cpuinfo ]; then
        grep -q '^flags.* hypervisor' /proc/cpuinfo && echo vm || echo none
      else
        ctl kern.vm_guest
      fi ;;
  esac
}

init() {
  if [ -d /run/systemd/system ]; then echo systemd
  elif [ "$kernel" = Darwin ]; then echo launchd
  elif [ -d /run/openrc ]; then echo openrc
  elif [ -d /run/runit ]; then echo runit
  elif [ -r /proc/1/comm ]; then first /proc/1/comm
  else echo rc
  fi
}

packages() {
  for pair in apt-get=apt dnf=dnf yum=yum zypper=zypper pacman=pacman apk=apk xbps-install=xbps \
    emerge=portage opkg=opkg pkg=pkg pkg_add=pkg_add brew=brew; do
    if have "${pair%%=*}"; then echo "${pair#*=}"; return; fi
  done
}

# What is there of the commands and folders that were asked for.
presence() {
  while [ $# -gt 0 ]; do
    pair=$1
    shift
    [ "$pair" != -- ] || break
    found=$(command -v "${pair#*=}" 2>/dev/null) || continue
    case $found in
      /*) [ -f "$found" ] && [ -x "$found" ] || continue ;;
      *) continue ;;
    esac
    say "command_${pair%%=*}" "$found"
    if [ "${pair%%=*}" = docker ]; then
      version=$("$found" --version 2>/dev/null)
      version=${version#Docker version }
      say docker_version "${version%%,*}"
      say compose_version "$("$found" compose version --short 2>/dev/null)"
    fi
  done
  cd 2>/dev/null
  for folder do
    [ ! -d "$folder" ] || say folder "$folder"
  done
}

main() {
  kernel=$(uname -s)
  echo FIRST
  system
  hardware
  disks
  say virtualization "$(virtualization 2>/dev/null)"
  say init "$(init)"
  say package_manager "$(packages)"
  presence "$@"
  echo LAST
}
main "$@" </dev/null
]]):gsub("echo FIRST", "echo '" .. FIRST .. "'"):gsub("echo LAST", "echo '" .. LAST .. "'")

-- Kinds of values: each gives the value, or nil for what is none.
local function text(value)
  value = value:gsub("[%c\127]", ""):sub(1, 256)
  return utf8.len(value) and value ~= "" and value or nil
end

local function word(value)
  return #value <= 128 and value:match "^[%w][%w._+:~-]*$" or nil
end

local function path(value)
  return #value <= 1024 and utf8.len(value) and value:match "^/[^%c\127]*$" or nil
end

local function number(value)
  return #value <= 18 and value:match "^%d+$" and math.tointeger(tonumber(value)) or nil
end

-- Where each key goes, and its kind. Sizes are bytes.
local KEYS = {
  os_id = { "os", "id", word },
  os_name = { "os", "name", text },
  os_version = { "os", "version", text },
  kernel_name = { "kernel", "name", word },
  kernel_release = { "kernel", "release", word },
  arch = { nil, "arch", word },
  hostname = { nil, "hostname", word },
  user = { nil, "user", text },
  uid = { nil, "uid", number },
  home = { nil, "home", path },
  shell = { nil, "shell", path },
  cpu_count = { "cpu", "count", number },
  cpu_model = { "cpu", "model", text },
  memory_total = { "memory", "total", number },
  memory_available = { "memory", "available", number },
  disk_total = { "disk", "total", number },
  disk_free = { "disk", "free", number },
  virtualization = { nil, "virtualization", word },
  init = { nil, "init", word },
  package_manager = { nil, "package_manager", word },
  docker_version = { "docker", "version", word },
  compose_version = { "docker", "compose", word },
}

local function place(key)
  local name = key:match "^command_([%w_]+)$"
  if name then
    return { "commands", name, path }
  end
  return KEYS[key]
end

-- The facts in what the script printed. The first value of a key counts; unknown keys and lines
-- of another shape are left out. Raises when the markers are not there.
function facts.parse(output)
  local lines = "\n" .. output:gsub("\r\n", "\n") .. "\n"
  local _, first = lines:find("\n" .. FIRST .. "\n", 1, true)
  local last = first and lines:find("\n" .. LAST .. "\n", first, true)
  if not last then
    error({
      kind = "script",
      message = "the server did not answer with its facts",
      hint = "is `sh` a POSIX shell there, and does the user's shell start without a question?",
    }, 2)
  end
  local found = { os = {}, kernel = {}, cpu = {}, memory = {}, disk = {}, docker = {} }
  found.commands, found.folders = {}, {}
  for key, value in lines:sub(first, last):gmatch "\n([%l%d_]+)=([^\n]*)" do
    local at = place(key)
    if key == "folder" then
      found.folders[value] = true
    end
    local into = at and (at[1] and found[at[1]] or found)
    if at and into[at[2]] == nil then
      into[at[2]] = at[3](value)
    end
  end
  return found
end

-- Asks a server or connection. opts.commands: further commands to look for, name -> command or
-- path; opts.folders: a list of folders to look for, relative ones below the login's home.
function facts.gather(s, opts)
  opts = opts or {}
  local wanted = {}
  for _, more in ipairs { facts.commands, mr.config.commands, opts.commands or {} } do
    for name, command in pairs(more) do
      wanted[name] = command
    end
  end
  local names = {}
  for name in pairs(wanted) do
    names[#names + 1] = name
  end
  table.sort(names)
  local command = { "sh", "-s", "--" }
  for _, name in ipairs(names) do
    command[#command + 1] = name .. "=" .. wanted[name]
  end
  command[#command + 1] = "--"
  table.move(opts.folders or {}, 1, #(opts.folders or {}), #command + 1, command)
  return facts.parse(s:capture(command, { stdin = facts.script, timeout = 60 }))
end

return facts
