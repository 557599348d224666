-- The POSIX shell script with which `mr.confirm` works on a server, as root. Internal.
--
-- Arguments: `look`; `arm` NAME SECONDS UNDO FILE…; `disarm` TOKEN; `now` TOKEN; `forget` TOKEN.
-- It answers lines that begin with `mroom-`, the last one is `mroom-confirm end`.
--
-- An armed guard is the folder `armed`. Whoever renames it has decided: the timer (`fired.TOKEN`) or
-- the confirmation (`confirmed.TOKEN`); the other one then finds nothing to do. Times are those since
-- the start of the system, so that a clock that is set meanwhile neither hurries nor stops a guard.
-- Who is shut out may well press the reset button: guards are on the disk, and where systemd runs a unit
-- of the guard's own undoes the change when the system comes up.
local TEXT = [==[
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
umask 077
root=/var/lib/mroom-confirm
[ -d /var/lib ] || root=/var/db/mroom-confirm
armed=$root/armed
units=/etc/systemd/system

fail() { printf '%s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
clock() {
  if [ -r /proc/uptime ]; then cut -d. -f1 /proc/uptime; else date +%s; fi
}
# One line of a file of ours.
one() { head -n 1 "$1" 2>/dev/null; }

report() {
  now=$(clock)
  token=$(one "$armed/token")
  if [ -n "$token" ]; then
    echo "mroom-confirm armed $token $(($(one "$armed/due") - now)) $(one "$armed/seconds") $(one "$armed/name") $(one "$armed/by")"
  elif [ -d "$armed" ]; then
    echo "mroom-confirm making"
  fi
  for folder in "$root"/fired.*; do
    [ -d "$folder" ] || continue
    token=${folder##*/fired.}
    echo "mroom-confirm fired $token $((now - $(one "$folder/at"))) $(one "$folder/name")"
    sed "s/^/mroom-said $token /" "$folder/result" 2>/dev/null
  done
  echo "mroom-confirm end"
}

# The timer, and what it does; it needs nothing of this script.
fire_text() {
  cat <<'END'
# Arguments: the folder of the guards, the guard's token, seconds to wait first, where its unit for the next
# start is.
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
umask 077
trap '' HUP
root=$1 token=$2 unit=mroom-confirm-boot-$2.service units=$4
[ "$3" = 0 ] || echo $$ >"$root/armed/pid"
sleep "$3"
[ "$(cat "$root/armed/token" 2>/dev/null)" = "$token" ] || exit 0
mv "$root/armed" "$root/fired.$token" 2>/dev/null || exit 0
cd "$root/fired.$token" || exit 0
if [ -r /proc/uptime ]; then cut -d. -f1 /proc/uptime; else date +%s; fi >at

put_back() {
  if [ -d "$2" ] && [ ! -L "$2" ]; then echo "it is a folder now"; return 1; fi
  case $2 in /*/*) folder=${2%/*} ;; *) folder=/ ;; esac
  mkdir -p -- "$folder" || return
  rm -f -- "$2.mroom-undo"
  cp -a -- "$1" "$2.mroom-undo" && mv -f -- "$2.mroom-undo" "$2" || return
  ! command -v restorecon >/dev/null 2>&1 || restorecon -F "$2" || :
}

n=0
while IFS= read -r line; do
  n=$((n + 1)) path=${line#* }
  if [ "${line%% *}" = absent ]; then
    if said=$(rm -f -- "$path" 2>&1); then echo "removed $path"; else echo "cannot remove $path: $said"; fi
  elif said=$(put_back "$n" "$path" 2>&1); then echo "put back $path"
  else echo "cannot put back $path: $said"
  fi
done <list >result
if [ -s undo ]; then
  sh ./undo </dev/null >said 2>&1
  code=$?
  if [ "$code" = 0 ]; then echo "undo ended well"
  else
    echo "undo ended with $code"
    tail -n 5 said
  fi >>result
fi
echo end >>result
sync
rm -f "$units/$unit" "$units/multi-user.target.wants/$unit"
! command -v logger >/dev/null 2>&1 ||
  logger -t mroom "nobody confirmed $(cat name): undone" 2>/dev/null </dev/null || :
exit 0
END
}

# For a system that is started anew meanwhile. Read from the disk then: nothing is told to systemd now.
# Late, so that what `undo` speaks to is there.
keep_for_boot() {
  [ -d /run/systemd/system ] && [ -d "$units" ] || return 0
  mkdir -p "$units/multi-user.target.wants"
  cat >"$units/$unit" <<END
[Unit]
Description=mroom: undoes $name, which nobody has confirmed
ConditionPathExists=$armed/token
After=network.target ssh.service sshd.service nftables.service ufw.service firewalld.service
[Service]
Type=oneshot
ExecStart=/bin/sh $armed/fire $root $token 0 $units
END
  ln -s "../$unit" "$units/multi-user.target.wants/$unit"
}

forget_boot() {
  rm -f "$units/mroom-confirm-boot-$1.service" "$units/multi-user.target.wants/mroom-confirm-boot-$1.service"
}

# By systemd where it runs: nothing that ends with our connection holds that timer.
start_timer() {
  if [ -d /run/systemd/system ] && have systemd-run; then
    systemd-run --quiet --unit="mroom-confirm-$token" --description="mroom: undoes $name unless it is confirmed" \
      --on-active="$seconds" --timer-property=AccuracySec=200ms \
      /bin/sh "$armed/fire" "$root" "$token" 0 "$units" >/dev/null 2>"$armed/why" &&
      systemctl is-active --quiet "mroom-confirm-$token.timer" && return
  fi
  if have setsid; then
    setsid sh "$armed/fire" "$root" "$token" "$seconds" "$units" >/dev/null 2>&1 &
  else
    nohup sh "$armed/fire" "$root" "$token" "$seconds" "$units" >/dev/null 2>&1 &
  fi
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ ! -s "$armed/pid" ] || return 0
    sleep 0.1 2>/dev/null || sleep 1
  done
  fail "the timer that would undo it does not start: $(one "$armed/why")"
}

# It does no harm when it goes on: it finds no guard of its token.
stop_timer() {
  if [ -d /run/systemd/system ] && have systemctl; then
    systemctl stop "mroom-confirm-$1.timer" 2>/dev/null || :
  fi
  pid=$(one "$2/pid")
  if [ -n "$pid" ] && tr '\000' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF " $1 "; then
    kill -- "-$pid" 2>/dev/null || kill "$pid" 2>/dev/null || :
  fi
}

arm() {
  name=$1 seconds=$2 undo=$3
  shift 3
  [ "$(id -u)" = 0 ] || fail "only root can put everything back: become root, \`--become\` or \`sudo = true\`"
  mkdir -p "$root" && chmod 700 "$root" || fail "cannot make $root"
  # One that broke off while it was made never had a timer.
  if [ -d "$armed" ] && [ ! -e "$armed/token" ] && [ -n "$(find "$armed" -maxdepth 0 -mmin +2 2>/dev/null)" ]; then
    rm -rf "$armed"
  fi
  report | sed '$d'
  if ! mkdir "$armed" 2>/dev/null; then
    echo "mroom-confirm end"
    return
  fi
  token=$(date +%s)-$$
  unit=mroom-confirm-boot-$token.service
  is_armed=
  trap '[ -n "$is_armed" ] || { rm -rf "$armed"; forget_boot "$token"; }' EXIT
  trap 'exit 1' HUP INT TERM
  n=0
  for path in "$@"; do
    n=$((n + 1))
    if [ -L "$path" ] || [ -f "$path" ]; then
      cp -a -- "$path" "$armed/$n" || fail "cannot keep a copy of $path"
      echo "file $path"
    elif [ -e "$path" ]; then fail "$path is not a file"
    else echo "absent $path"
    fi >>"$armed/list"
  done
  : >>"$armed/list"
  echo "$name" >"$armed/name"
  echo "$seconds" >"$armed/seconds"
  echo "${SUDO_USER:-$(id -un)}" >"$armed/by"
  printf '%s\n' "$undo" >"$armed/undo"
  [ -n "$undo" ] || : >"$armed/undo"
  fire_text >"$armed/fire" || fail "cannot write below $root"
  echo "$(($(clock) + seconds))" >"$armed/due"
  echo "$token" >"$armed/token" || fail "cannot write below $root"
  keep_for_boot 2>/dev/null || forget_boot "$token" 2>/dev/null # a system that is read-only, say
  # A copy that is lost with the power would be put back empty.
  sync
  start_timer
  is_armed=yes
  for folder in "$root"/fired.*; do
    ! grep -qx end "$folder/result" 2>/dev/null || rm -rf "$folder"
  done
  echo "mroom-confirm mine $token"
  echo "mroom-confirm end"
}

disarm() {
  if [ "$(one "$armed/token")" = "$1" ] && mv "$armed" "$root/confirmed.$1" 2>/dev/null; then
    stop_timer "$1" "$root/confirmed.$1"
    forget_boot "$1"
    rm -rf "$root/confirmed.$1"
    echo "mroom-confirm confirmed $1"
  fi
  report
}

now() {
  if [ "$(one "$armed/token")" = "$1" ]; then
    sh "$armed/fire" "$root" "$1" 0 "$units"
    stop_timer "$1" "$root/fired.$1"
  fi
  report
}

forget() {
  case $1 in '' | *[!0-9-]*) fail "no token" ;; esac
  rm -rf "$root/fired.$1"
  report
}

main() {
  do=$1
  shift
  case $do in
    look) report ;;
    arm) arm "$@" ;;
    disarm) disarm "$1" ;;
    now) now "$1" ;;
    forget) forget "$1" ;;
  esac
}
main "$@" </dev/null
]==]

return TEXT
