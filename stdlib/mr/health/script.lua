-- The POSIX shell script behind `server:health()`: what `mroom status` asks, and then each check that
-- is wanted, as `key=value` lines between two marker lines. It only reads. Internal.
--
-- A check says what it found, or `none=CHECK` where there is no such thing, or `unknown=CHECK why`; one
-- that says nothing at all is unknown too.
local certs = require "mr.certs"
local engine = require "mr.docker_scan.script"
local native = require "mr.native"
local restart = require "mr.restart"

local script = {}

script.first, script.last = "--mroom-health--", "--mroom-health-end--"

local FUNCTIONS = [[
nl='
'
say() { printf '%s=%s\n' "$1" "${2%%"$nl"*}"; }
have() { command -v "$1" >/dev/null 2>&1; }
none() { say none "$1"; }
unknown() { say unknown "$1 $2"; }
wants() { case ,$wanted, in *,"$1",*) ;; *) return 1 ;; esac; }
is_linux() { [ "$(uname -s)" = Linux ]; }
on_systemd() { [ -d /run/systemd/system ] && have systemctl; }
# Seconds since 1970, with a fraction where `date` knows one.
stamp() {
  t=$(date +%s.%N 2>/dev/null)
  case $t in '' | *[!0-9.]* | *.) t=$(date +%s) ;; esac
  say "$1" "$t"
}
synchronised() {
  if on_systemd && have timedatectl; then
    say ntp "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)"
  elif have chronyc; then
    case $(chronyc -n tracking 2>/dev/null) in
      *Not\ synchronised*) say ntp no ;;
      *Leap\ status*Normal*) say ntp yes ;;
    esac
  fi
}
swap() {
  if [ -r /proc/meminfo ]; then
    awk '$1 == "SwapTotal:" { t = $2 } $1 == "SwapFree:" { f = $2 }
      END { if (t > 0) print "swap=" t " " f; else print "none=swap" }' /proc/meminfo
  elif have swapinfo; then
    swapinfo -k 2>/dev/null | awk '$1 ~ "^/" { t += $2; f += $4 }
      END { if (t > 0) printf "swap=%.0f %.0f\n", t, f; else print "none=swap" }'
  else
    unknown swap 'neither /proc/meminfo nor swapinfo is there'
  fi
}
# What is memory, a part of something else or full by its nature is left out.
mounts() {
  awk -v key="$1" -v total="$2" -v free="$3" -v mount="$4" '
    NR > 1 && $1 !~ "^(tmpfs|devtmpfs|udev|shm|none|devfs|fdescfs|procfs|map)$" &&
    $1 !~ "^/dev/(loop|sr|ram)" && $total > 0 {
      name = $mount
      for (i = mount + 1; i <= NF; i++) name = name " " $i
      if (name != "/" && ($1 == "overlay" || seen[$1]++)) next
      seen[$1]++
      if (name ~ "^/" && n++ < 100) print key "=" $total " " $free " " name
    }'
}
disk() {
  { df -kPl || df -kP; } 2>/dev/null | awk 'NR > 1 { $2 = $3 + ($4 > 0 ? $4 : 0); $4 = $4 > 0 ? $4 : 0 } 1' |
    mounts disk 2 4 6
}
inodes() {
  if is_linux; then
    { df -iPl || df -iP || df -i; } 2>/dev/null | mounts inodes 2 4 6
  else
    { df -ikl || df -ik; } 2>/dev/null | awk 'NR > 1 { $2 = $6 + $7 } 1' | mounts inodes 2 7 9
  fi
}
units() {
  if on_systemd; then
    if failed=$(systemctl list-units --failed --no-legend --plain --no-pager 2>/dev/null); then
      say units systemd
      printf '%s\n' "$failed" | awk '$1 != "" && n++ < 100 { print "unit=" $1 }'
    else
      unknown units 'systemctl does not answer'
    fi
  elif have rc-status; then
    say units openrc
    rc-status --nocolor --crashed 2>/dev/null | awk '$1 != "" && n++ < 100 { print "unit=" $1 }'
  else
    none units
  fi
}
# Prints the packages that `$1` of the awk programs finds, when the manager has ended well.
updates() {
  if have apt-get; then
    for list in /var/lib/apt/lists/*_Packages*; do break; done
    if [ ! -e "$list" ]; then
      unknown updates 'apt has no lists of packages: `apt-get update` fetches them'
    elif found=$(apt-get -s -q -o Debug::NoLocking=1 --with-new-pkgs upgrade 2>/dev/null); then
      say updates apt
      say lists "$(date -r /var/lib/apt/lists/partial +%s 2>/dev/null)"
      printf '%s\n' "$found" | awk '$1 == "Inst" { print "update=" $2 (/[Ss]ecurity/ ? " security" : "") }'
    else
      unknown updates '`apt-get -s upgrade` fails there'
    fi
  elif have dnf || have yum; then
    if have dnf; then m=dnf; else m=yum; fi
    found=$("$m" -q -C check-update 2>/dev/null)
    case $? in
      0 | 100)
        say updates "$m"
        {
          "$m" -q -C --security check-update 2>/dev/null | awk 'NF == 3 { print "s", $1 }'
          printf '%s\n' "$found"
        } | awk '$1 == "s" { is[$2] = 1; next } /^Obsoleting/ { exit }
          NF == 3 { print "update=" $1 (is[$1] ? " security" : "") }' ;;
      *) unknown updates "\`$m -C check-update\` fails there" ;;
    esac
  elif have apk; then
    for list in /var/cache/apk/APKINDEX.* /etc/apk/cache/APKINDEX.*; do
      [ ! -e "$list" ] || break
    done
    if [ ! -e "$list" ]; then
      unknown updates 'apk has no index: `apk update` fetches it'
    else
      say updates apk
      say plain yes
      say lists "$(date -r "$list" +%s 2>/dev/null)"
      apk version -l '<' 2>/dev/null | awk '$2 == "<" { print "update=" $1 }'
    fi
  elif have zypper; then
    if found=$(zypper -n -q --no-refresh list-updates 2>/dev/null); then
      say updates zypper
      say plain yes
      printf '%s\n' "$found" | awk -F ' *[|] *' '$1 ~ "^v" { print "update=" $3 }'
    else
      unknown updates '`zypper list-updates` fails there'
    fi
  elif have pacman; then
    for list in /var/lib/pacman/sync/*.db; do break; done
    if [ ! -e "$list" ]; then
      unknown updates 'pacman has no lists of packages'
    else
      say updates pacman
      say plain yes
      say lists "$(date -r "$list" +%s 2>/dev/null)"
      pacman -Qu 2>/dev/null | awk '$3 == "->" { print "update=" $1 }'
    fi
  else
    unknown updates 'no package manager that is known here'
  fi
}
reboot() {
  say reboot asked
  reboot_look
}
oom() {
  kills=$(awk '$1 == "oom_kill" { print $2 }' /proc/vmstat 2>/dev/null)
  if [ -n "$kills" ]; then say oom "$kills"; else none oom; fi
}
certs() {
  if ! have openssl; then unknown certs 'openssl is not there'; return; fi
  say certs asked
  for file in /etc/letsencrypt/live/*/cert.pem; do
    [ ! -r "$file" ] || set -- "$@" "$file"
  done
  for name; do
    case $name in
      /*) cert_files "$name" ;;
      *) cert_names "$name" ;;
    esac
  done 2>/dev/null | sed 's/^/cert=/'
}
scanner() {
  PATH=$PATH:/usr/local/bin:/snap/bin
  for name in trivy grype; do
    if have "$name"; then say scanner "$name"; return; fi
  done
}
checks() {
  wanted=$1 docker=$2
  shift 2
  stamp clock_begin
  for check in swap disk inodes units updates reboot oom; do
    ! wants "$check" || "$check"
  done
  ! wants clock || synchronised
  ! wants certs || certs "$@"
  ! wants containers || engine "$docker" ''
  ! wants vulnerabilities || scanner
  stamp clock_end
}
]]

-- Arguments: the checks that are wanted, joined by commas; Docker's client; files and names whose
-- certificates are looked at.
function script.text()
  return table.concat {
    -- Its `main` runs at once and says how the server is; its helpers stay.
    native.vitals_script,
    "\n",
    certs.functions,
    engine.functions,
    ("reboot_look() {\n%s}\n"):format(restart.look),
    FUNCTIONS,
    ("echo '%s'\n"):format(script.first),
    'checks "$@" </dev/null\n',
    ("echo '%s'\n"):format(script.last),
  }
end

return script
