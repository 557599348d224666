-- The POSIX shell script that prints what a server is, as `key=value` lines between two marker
-- lines. It only reads. Internal: `mr.facts` runs it.
local script = {}

script.first, script.last = "--mroom-facts--", "--mroom-facts-end--"

-- Arguments: name=command pairs, `--`, folders. Works on Linux (glibc or busybox), the BSDs and macOS.
script.text = ([[
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
        ID_LIKE) say os_like "$value" ;;
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
        MemAvailable) say memory_available $((value * 1024)) ;;
        SwapTotal) say swap_total $((value * 1024)) ;;
        SwapFree) say swap_free $((value * 1024)); break ;;
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
  { df -kP ${local_only:+-l} || df -kP; } 2>/dev/null | awk '
    NR > 1 && $1 ~ "^/dev/" && $1 !~ "^/dev/(loop|sr|ram)" && !seen[$1]++ && $2 > 0 {
      mount = $6
      for (i = 7; i <= NF; i++) mount = mount " " $i
      printf "mount=%.0f %.0f %s %s\n", $2 * 1024, $4 * 1024, $1, mount
    }'
}

# When it was started, which start that was, and where its clock is.
clock() {
  if [ -r /proc/uptime ]; then
    IFS='. ' read -r seconds _ </proc/uptime
    say uptime "$seconds"
    say boot_id "$(first /proc/sys/kernel/random/boot_id)"
  else
    begun=$(ctl kern.boottime)
    begun=${begun#*sec = }
    begun=${begun%%[!0-9]*}
    [ -z "$begun" ] || say uptime "$(($(date +%s) - begun))"
    say boot_id "$(ctl kern.boot_id || ctl kern.bootsessionuuid)"
  fi
  zone=$(first /etc/timezone)
  if [ -z "$zone" ]; then
    zone=$(readlink /etc/localtime 2>/dev/null)
    zone=${zone#*zoneinfo/}
  fi
  say timezone "$zone"
}

# Each address with its interface, and the interface of the default route.
network() {
  if have ip; then
    ip -o addr show 2>/dev/null | awk '$3 ~ "^inet6?$" { print "address=" $2 " " $4 }'
    say interface "$(ip -o route show default 2>/dev/null |
      awk '{ for (i = 1; i < NF; i++) if ($i == "dev") { print $(i + 1); exit } }')"
  elif have ifconfig; then
    ifconfig -a 2>/dev/null | awk '
      /^[^ \t]/ { name = $1; sub(/:$/, "", name) }
      $1 ~ "^inet6?$" { at = $2; sub(/^addr:/, "", at); sub(/%.*/, "", at)
        if (at == "") at = $3
        print "address=" name " " at }'
    say interface "$(netstat -rn 2>/dev/null | awk '$1 == "default" || $1 == "0.0.0.0" { print $NF; exit }')"
  fi
}

# Who can log in: root and people, with a shell that is one.
users() {
  { getent passwd 2>/dev/null || cat /etc/passwd; } 2>/dev/null | awk -F: '
    ($3 == 0 || ($3 >= 1000 && $3 < 60000)) && $7 !~ "(nologin|false|sync)$" && n++ < 100 {
      print "login=" $1 ":" $3 ":" $6 ":" ($7 == "" ? "/bin/sh" : $7)
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
  clock
  network
  users
  presence "$@"
  echo LAST
}
main "$@" </dev/null
]]):gsub("echo FIRST", "echo '" .. script.first .. "'"):gsub(
  "echo LAST",
  "echo '" .. script.last .. "'"
)

return script
