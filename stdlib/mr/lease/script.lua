-- The server's side of a lease: one POSIX sh script with a verb. Internal to mr.lease.
--
-- A lease is a file of `key=value` lines, made and changed only behind a gate that one process at a
-- time passes (flock where there is one, else a folder), and it counts until the time that it says,
-- by the server's own clock. What it reads back is data: nothing of it is evaluated.
local state = require "mr.state"

return [[
set -eu
export LC_ALL=C
verb=$1 dir=$2 name=$3
shift 3
now=$(date +%s)
]] .. state.make .. [[
locks=$dir/locks
file=$locks/$name.lease
echo mroom-lease
printf 'now=%s\n' "$now"
mkdir -p -- "$locks"

# Until the script ends.
enter() {
  if command -v flock >/dev/null 2>&1; then
    exec 9>>"$locks/.gate"
    flock -w 20 9 || { echo state=busy; exit 0; }
  else
    tries=0
    until mkdir "$locks/.gate.d" 2>/dev/null; do
      tries=$((tries + 1))
      if [ "$tries" -gt 20 ]; then
        # Whoever holds it that long has died in it.
        rmdir "$locks/.gate.d" 2>/dev/null || :
        tries=0
      fi
      sleep 1
    done
    trap 'rmdir "$locks/.gate.d"' EXIT
  fi
}

read_lease() {
  token='' holder='' what='' since=0 until=0
  [ -f "$1" ] || return 1
  while IFS='=' read -r key value; do
    case $key in
    token) token=$value ;;
    holder) holder=$value ;;
    what) what=$value ;;
    since) since=$value ;;
    until) until=$value ;;
    esac
  done <"$1"
  case $since in '' | *[!0-9]*) since=0 ;; esac
  case $until in '' | *[!0-9]*) until=0 ;; esac
}

tell() {
  printf 'holder=%s\nwhat=%s\nsince=%s\nuntil=%s\n' "$holder" "$what" "$since" "$until"
}

write() {
  new=$locks/.$name.new
  printf 'token=%s\nholder=%s\nwhat=%s\nsince=%s\nuntil=%s\n' "$@" >"$new"
  mv -f -- "$new" "$file"
}

case $verb in
take)
  enter
  if read_lease "$file" && [ "$until" -gt "$now" ] && [ "$token" != "$1" ]; then
    echo state=held
    tell
  else
    [ -z "$token" ] || { echo state=expired; tell; }
    write "$1" "$3" "$4" "$now" "$((now + $2))"
    echo state=taken
  fi
  ;;
renew)
  enter
  if read_lease "$file" && [ "$token" = "$1" ]; then
    write "$1" "$holder" "$what" "$since" "$((now + $2))"
    echo state=renewed
  else
    echo state=lost
    tell
  fi
  ;;
release)
  enter
  if read_lease "$file" && [ "$token" = "$1" ]; then rm -f -- "$file"; fi
  echo state=released
  ;;
remove)
  enter
  if read_lease "$file"; then
    rm -f -- "$file"
    echo state=removed
    tell
  else
    echo state=none
  fi
  ;;
esac
]]
