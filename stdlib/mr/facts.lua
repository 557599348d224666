-- mr.facts: what a server is, in one round trip. All of it is the server's word: data, never code.
local text = require "mr.text"
local facts = {}

-- Prints `key=value` lines. Its arguments are the names of bash, docker and docker-compose, then
-- paths to look at. POSIX sh; what a system does not have is left out.
local PROBE = [[
LC_ALL=C; export LC_ALL
bash=$1 docker=$2 compose=$3; shift 3
say() { [ -n "$2" ] && printf '%s=%s\n' "$1" "$2"; }
has() { command -v "$1" 2>/dev/null; }

say home "$HOME"
say uid "$(id -u)"
say hostname "$(uname -n)"
say kernel "$(uname -s)"
say kernel_release "$(uname -r)"
say arch "$(uname -m)"
if [ -r /etc/os-release ]; then
  while IFS='=' read -r key value; do
    value=${value#[\"\']}; value=${value%[\"\']}
    case $key in ID) say os_id "$value" ;; VERSION_ID) say os_version "$value" ;; PRETTY_NAME) say os_name "$value" ;; esac
  done </etc/os-release
fi
say cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null)"
[ -r /proc/meminfo ] && say ram_kb "$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)"
say disk_kb "$(df -Pk / 2>/dev/null | awk 'NR == 2 { print $2 }')"
say disk_free_kb "$(df -Pk / 2>/dev/null | awk 'NR == 2 { print $4 }')"
say virt "$(systemd-detect-virt 2>/dev/null)"
[ -r /proc/1/comm ] && say init "$(cat /proc/1/comm)"
for manager in apt-get dnf yum zypper pacman apk pkg brew; do
  [ -n "$(has $manager)" ] && say packages "$manager" && break
done
say bash "$(has "$bash")"
say docker "$(has "$docker")"
if [ -n "$(has "$docker")" ]; then
  say compose_plugin "$("$docker" compose version --short 2>/dev/null)"
fi
say docker_compose "$(has "$compose")"
say daed "$(has daed || has dae)"
say python3 "$(has python3)"
for path; do
  [ -d "$path" ] && say "dir.$path" yes
done
exit 0
]]

local KB_PER_GB = 1e6 / 1.024 -- KiB in 10^9 bytes

local function gigabytes(kilobytes)
  local number = tonumber(kilobytes)
  return number and number / KB_PER_GB
end

-- Facts of a server or connection. `opts.dirs` are folders to look for: `facts.dirs[path]`.
function facts.gather(s, opts)
  local commands = mr.config.commands
  local argv = { "sh", "-s", "--", commands.bash, commands.docker, commands.docker_compose }
  for _, dir in ipairs(opts and opts.dirs or {}) do
    argv[#argv + 1] = dir
  end
  local seen, dirs = {}, {}
  for _, line in ipairs(text.lines(s:capture(argv, { stdin = PROBE, timeout = 60 }))) do
    local key, value = line:match "^([^=]+)=(.*)$"
    if key and text.starts_with(key, "dir.") then
      dirs[key:sub(5)] = true
    elseif key then
      seen[key] = value
    end
  end
  return {
    home = seen.home,
    uid = tonumber(seen.uid),
    hostname = seen.hostname,
    kernel = { name = seen.kernel, release = seen.kernel_release },
    arch = seen.arch,
    os = { id = seen.os_id, version = seen.os_version, name = seen.os_name },
    cpus = tonumber(seen.cpus),
    ram_gb = gigabytes(seen.ram_kb),
    disk_gb = gigabytes(seen.disk_kb),
    disk_free_gb = gigabytes(seen.disk_free_kb),
    virt = seen.virt,
    init = seen.init,
    packages = seen.packages,
    commands = {
      bash = seen.bash,
      docker = seen.docker,
      compose = seen.compose_plugin and "docker compose" or seen.docker_compose,
      daed = seen.daed,
      python3 = seen.python3,
    },
    dirs = dirs,
  }
end

return facts
