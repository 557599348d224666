-- The POSIX shell script with which `mr.authorized_keys` works on a server. Internal.
--
-- Arguments: look|add|take|remove|why, type, base64, line; for `take` also what `add` said. `list`
-- needs none; `drop` needs the sum that `list` said and the numbers of lines.
return [[
export LC_ALL=C
umask 077
do=$1 type=$2 data=$3 line=$4 size=$5 made=$6
dir=${HOME:?}/.ssh
file=$dir/authorized_keys

fail() { printf '%s\n' "$*" >&2; exit 1; }

# Each line that lets somebody in: its number, 1 for an authority, type, base64, options. The fields
# before the type are options, in which spaces and words that look like keys may stand in quotes;
# `cert-authority` makes the line something else than a key.
keys() {
  awk '
    { sub(/\r$/, ""); sub(/^[ \t]+/, "") }
    /^#/ || /^$/ { next }
    {
      rest = $0; options = ""
      if (rest !~ /^[a-z0-9@.-]+[ \t]+AAAA/) {
        quoted = 0
        for (i = 1; i <= length(rest); i++) {
          c = substr(rest, i, 1)
          if (c == "\\" && substr(rest, i + 1, 1) == "\"") i++
          else if (c == "\"") quoted = !quoted
          else if (!quoted && (c == " " || c == "\t")) break
        }
        options = substr(rest, 1, i - 1)
        rest = substr(rest, i)
        sub(/^[ \t]+/, "", rest)
      }
      if (split(rest, field, /[ \t]+/) < 2) next
      plain = tolower(options)
      gsub(/"([^"\\]|\\.)*"/, "", plain)
      print NR, ((","plain",") ~ /,cert-authority,/) ? 1 : 0, field[1], field[2], options
    }' "$file"
}

# The numbers of the lines with which this key lets a user in.
key_lines() {
  keys | type=$type data=$data awk '!$2 && $3 == ENVIRON["type"] && $4 == ENVIRON["data"] { print $1 }'
}

has_key() { [ -r "$file" ] && [ -n "$(key_lines)" ]; }

# yes: others may do something with it.
is_open() { [ "$(ls -ldL "$1" 2>/dev/null | cut -c5-10)" != '------' ]; }

look() {
  state=absent modes=right
  if has_key; then state=present; fi
  if [ -d "$dir" ] && is_open "$dir"; then modes=open; fi
  if [ -e "$file" ] && is_open "$file"; then modes=open; fi
  echo "mroom-key $state $modes"
}

append() {
  if has_key; then echo "mroom-key present"; return; fi
  size=0 start=
  if [ -s "$file" ]; then
    size=$(($(wc -c <"$file")))
    # A last line without an end must not swallow ours.
    [ "$(($(tail -c 1 "$file" | wc -l)))" -eq 1 ] || start='
'
  fi
  # One write to a file opened for appending: whoever else appends cannot come in between.
  printf '%s%s\n' "$start" "$line" >&9 || fail "cannot append to $file: is the disk full?"
  has_key || fail "$file does not hold the key after it was appended"
  echo "mroom-key added $size $made"
}

add() {
  made=nothing
  # Somebody else may make it at the same moment.
  if [ ! -d "$dir" ] && mkdir "$dir"; then made=folder; fi
  [ -d "$dir" ] || fail "cannot make $dir"
  is_open "$dir" && { chmod go-rwx "$dir" || fail "cannot mend the mode of $dir"; }
  if [ -e "$file" ]; then
    [ -f "$file" ] || fail "$file is not a regular file"
    if is_open "$file"; then chmod go-rwx "$file" || fail "cannot mend the mode of $file"; fi
  elif [ "$made" = nothing ]; then
    made=file
  fi
  if has_key; then echo "mroom-key present"; return; fi
  (
    ! command -v flock >/dev/null 2>&1 || flock -w 20 9 || fail "$file is locked by somebody"
    append
  ) 9>>"$file" || { [ -w "$file" ] || fail "$file cannot be written"; exit 1; }
  # SELinux: sshd may read it only with the label of the place.
  ! command -v restorecon >/dev/null 2>&1 || restorecon -F "$dir" "$file" 2>/dev/null || :
}

# Takes back what `add` appended, unless somebody has written behind it since.
take() {
  (
    ! command -v flock >/dev/null 2>&1 || flock -w 20 9 || fail "$file is locked by somebody"
    tail=$(tail -c "+$((size + 1))" "$file")
    case $tail in
      "$line" | "
$line") ;;
      *) fail "$file was changed meanwhile: the key stays in it" ;;
    esac
    dd if=/dev/null of="$file" bs=1 seek="$size" 2>/dev/null || fail "cannot shorten $file"
    [ "$made" = nothing ] || [ -s "$file" ] || [ -L "$file" ] || rm -f "$file"
  ) 9>>"$file" || exit 1
  [ "$made" != folder ] || rmdir "$dir" 2>/dev/null || :
  echo "mroom-key taken"
}

# Takes the lines that the command $1 names out. The new file comes in place of the old one at once,
# with its owner and modes; where that is a link, in place of what it leads to.
cut_out() {
  [ -f "$file" ] && [ -w "$file" ] || fail "$file cannot be written"
  real=$file
  if [ -L "$file" ]; then real=$(readlink -f "$file") && [ -f "$real" ] || fail "cannot follow the link $file"; fi
  (
    ! command -v flock >/dev/null 2>&1 || flock -w 20 9 || fail "$file is locked by somebody"
    lines=$($1) || exit 1
    [ -n "$lines" ] || { echo "mroom-key removed 0"; exit 0; }
    new=$(mktemp "$real.XXXXXX") || fail "cannot make a file beside $real"
    trap 'rm -f "$new"' EXIT
    # A copy first: it has the owner and the modes.
    cp -p "$real" "$new" || fail "cannot copy $real"
    sed "$(printf '%sd;' $lines)" "$real" >"$new" || fail "cannot write $new: is the disk full?"
    gone=$(sed -n "$(printf '%sp;' $lines)" "$real" | wc -c)
    [ "$(($(wc -c <"$new") + gone))" -eq "$(($(wc -c <"$real")))" ] ||
      fail "$real holds what cannot be rewritten byte by byte: remove the key by hand"
    mv -f "$new" "$real" || fail "cannot put the new $real in place"
    ! command -v restorecon >/dev/null 2>&1 || restorecon -F "$real" 2>/dev/null || :
    set -- $lines
    echo "mroom-key removed $#"
  ) 9>>"$file" || exit 1
}

# Takes every line with this key out.
remove() {
  if has_key; then cut_out key_lines; else echo "mroom-key removed 0"; fi
}

# One word for the file's whole text.
sum() { { cksum || sha256sum; } <"$file" 2>/dev/null | awk '{ print $1 "." $2 }'; }

# Takes lines out by their numbers, when the file is still the one that was listed.
named_lines() {
  [ "$(sum)" = "$type" ] || fail "$file was changed meanwhile: nothing is removed"
  echo "$data"
}
drop() { cut_out named_lines; }

# All there is to know before lines are added and dropped; the file's text last.
list() {
  modes=right
  if [ -d "$dir" ] && is_open "$dir"; then modes=open; fi
  if [ -e "$file" ] && is_open "$file"; then modes=open; fi
  echo "mroom-modes $modes"
  [ -e "$file" ] || return 0
  [ -f "$file" ] && [ -r "$file" ] || fail "$file cannot be read"
  echo "mroom-sum $(sum)"
  keys | sed 's/^/mroom-line /'
  echo mroom-text
  cat "$file"
}

# What may keep sshd from taking a key that is there: one line for each reason.
why() {
  for place in "$HOME" "$dir" "$file"; do
    case $(ls -ldL "$place" 2>/dev/null) in
      ?????w* | ????????w*) echo "mroom-why $place can be written by others" ;;
    esac
  done
  { sshd -T || cat /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config; } 2>/dev/null | awk '
    { key = tolower($1) }
    key == "match" { exit }
    seen[key]++ { next }
    key == "pubkeyauthentication" && tolower($2) == "no" ||
    key == "authorizedkeysfile" && !/[ \t\/]\.ssh\/authorized_keys/ ||
    key == "authenticationmethods" && $2 != "any" && !/[ \t]publickey([ \t]|$)/ {
      print "mroom-why its sshd has the setting `" $0 "`"
    }'
}

main() {
  PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
  case $do in
    look) look ;;
    add) add ;;
    take) take ;;
    remove) remove ;;
    list) list ;;
    drop) drop ;;
    why) why ;;
  esac
}
main </dev/null
]]
