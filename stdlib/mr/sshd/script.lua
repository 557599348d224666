-- The POSIX shell script with which `mr.sshd` looks at a server's sshd, as root. Internal; it changes
-- nothing.
--
-- Arguments: the login's user, the main file or nothing. It answers lines `key=value`, last `end=`.
return [==[
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
user=$1 main=$2
have() { command -v "$1" >/dev/null 2>&1; }
# Values are one line each; a path that is none is passed over.
is_odd() { case $1 in *[[:cntrl:]]*) return 0 ;; *) return 1 ;; esac; }

# The sshd that this connection came through: the outermost one above us.
listener() {
  pid=$$ top= command=
  while [ "${pid:-0}" -ge 1 ]; do
    [ -n "$connection" ] ||
      connection=$(tr '\000' '\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=//p' | head -n 1)
    case $(sed -n 's/^Name:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null) in
      sshd*) top=$pid command=$(tr '\000' ' ' <"/proc/$pid/cmdline") ;;
    esac
    pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
  done
  case $command in
    *'[listener]'* | */sshd | */sshd\ *) case " $command" in *\ -i\ *) ;; *) echo "listener=$top" ;; esac ;;
  esac
  file=$(printf '%s\n' "$command" | sed -n 's/.* -f *\([^ ]*\).*/\1/p')
  [ -n "$main" ] || main=${file:-/etc/ssh/sshd_config}
}

# What counts for a login, after all files and Match blocks.
effective() {
  set -- "$1" "user=$2,host=$host,addr=$addr,laddr=$laddr,lport=$lport"
  "$sshd" -T -f "$main" -C "$2" 2>/dev/null |
    grep -E '^(passwordauthentication|kbdinteractiveauthentication|challengeresponseauthentication|permitrootlogin|maxauthtries|allowusers|pubkeyauthentication|permitemptypasswords|authenticationmethods|authorizedkeysfile|hostkey) ' |
    sed "s/^/$1=/"
}

# mode USER WANTED BITS FILE: is the file more open than it may be? Links are not followed.
mode() {
  ! is_odd "$4" && [ -e "$4" ] && [ ! -L "$4" ] && [ -n "$(find "$4" -prune -perm "/$3" 2>/dev/null)" ] || return 0
  printf 'mode=%s\t%s\t%s\t%s\n' "$1" "$2" "$(stat -c %a "$4" 2>/dev/null || echo 0)" "$4"
}

is_private() { [ -f "$1" ] && [ ! -L "$1" ] && head -c 64 "$1" 2>/dev/null | grep -q 'PRIVATE KEY'; }

owner() {
  ! is_odd "$2" && [ -e "$2" ] && [ ! -L "$2" ] || return 1
  [ -n "$(find "$2" -prune -user "$1" 2>/dev/null)" ] && return 0
  # What is root's own harms nobody, and is not the user's to change.
  [ -n "$(find "$2" -prune -user root 2>/dev/null)" ] || printf 'owner=%s\t%s\n' "$1" "$2"
  return 1
}

system_modes() {
  # It does not say which they are when it cannot read one of them.
  set -f
  # shellcheck disable=SC2046 # a path each
  set -- $("$sshd" -T -f "$main" 2>/dev/null | sed -n 's/^hostkey //p') \
    $(sed -n 's/^[[:space:]]*[Hh][Oo][Ss][Tt][Kk][Ee][Yy][[:space:]]\{1,\}//p' "$main")
  set +f
  for file in /etc/ssh/ssh_host_*_key "$@"; do
    # Red Hat's are read by a group of their own.
    if [ -n "$(find "$file" -prune -group ssh_keys 2>/dev/null)" ]; then mode root o-rwx,g-wx 037 "$file"
    else mode root go-rwx 077 "$file"
    fi
  done | sort -u
  for file in "$main" "${main%/*}/sshd_config.d" "${main%/*}"/sshd_config.d/*.conf; do mode root go-w 022 "$file"; done
  for file in /etc/shadow /etc/gshadow /etc/shadow- /etc/gshadow-; do mode root o-rwx,g-wx 037 "$file"; done
}

user_modes() {
  { getent passwd || cat /etc/passwd; } 2>/dev/null | while IFS=: read -r name _ uid _ _ home shell; do
    case $shell in */nologin | */false) continue ;; esac
    case $name in '' | *[!A-Za-z0-9._-]*) continue ;; esac
    case $uid in '' | *[!0-9]*) continue ;; esac
    [ "$uid" = 0 ] || { [ "$uid" -ge 1000 ] && [ "$uid" -lt 60000 ]; } || continue
    case $home in / | '' | /dev/null) continue ;; esac
    [ -d "$home" ] && owner "$name" "$home" || continue
    mode "$name" go-w 022 "$home"
    owner "$name" "$home/.ssh" || continue
    mode "$name" go-rwx 077 "$home/.ssh"
    for file in "$home"/.ssh/*; do
      case $file in
        */authorized_keys | */authorized_keys2) owner "$name" "$file" && mode "$name" go-rwx 077 "$file" ;;
        *) is_private "$file" && owner "$name" "$file" && mode "$name" go-rwx 077 "$file" ;;
      esac
    done
  done
}

# The settings in the files, with their places.
files() {
  for file in "$main" "${main%/*}"/sshd_config.d/*.conf; do
    ! is_odd "$file" && [ -r "$file" ] || continue
    grep -nE '^[[:space:]]*[A-Za-z]' "$file" | tr -d '\r' | head -n 500 | sed "s|^|line=$file:|"
  done
}

main() {
  connection=$SSH_CONNECTION
  listener
  sshd=$(command -v sshd) || { echo absent=; echo end=; return; }
  echo "config=$main"
  [ -r "$main" ] || { echo "unreadable="; echo end=; return; }
  # shellcheck disable=SC2086 # four words
  set -- $connection
  addr=${1:-127.0.0.1} host=${1:-localhost} laddr=${3:-127.0.0.1} lport=${4:-22}
  addr=${addr%%%*} laddr=${laddr%%%*}
  echo "port=$lport"
  if bad=$("$sshd" -t -f "$main" 2>&1); then
    effective all nobody
    effective me "$user"
    effective root root
  else
    printf '%s\n' "$bad" | tr -d '\r' | head -n 5 | sed 's/^/bad=/'
    echo bad=
  fi
  files
  system_modes
  user_modes
  echo end=
}
main </dev/null
]==]
