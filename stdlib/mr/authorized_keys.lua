-- One public key in a server's `~/.ssh/authorized_keys`: look, add, take back.
--
-- The work is done on the server by one POSIX shell script under a lock. Lines of others are
-- neither rewritten nor dropped: it appends, or takes lines with this very key out. The key goes in as arguments, and what comes
-- back is words of a closed list. `~` is `$HOME`, as everywhere.
local authorized_keys = {}

-- Arguments: look|add|take|remove|why, type, base64, line; for `take` also what `add` said.
local SCRIPT = [[
export LC_ALL=C
umask 077
do=$1 type=$2 data=$3 line=$4 size=$5 made=$6
dir=${HOME:?}/.ssh
file=$dir/authorized_keys

fail() { printf '%s\n' "$*" >&2; exit 1; }

# The numbers of the lines with which this key lets a user in. The fields before the type are options, in which
# spaces and words that look like keys may stand in quotes; `cert-authority` makes the line
# something else.
key_lines() {
  awk -v type="$type" -v data="$data" '
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
        options = tolower(substr(rest, 1, i - 1))
        rest = substr(rest, i)
        sub(/^[ \t]+/, "", rest)
      }
      split(rest, field, /[ \t]+/)
      if (field[1] != type || field[2] != data) next
      gsub(/"([^"\\]|\\.)*"/, "", options)
      if ((","options",") !~ /,cert-authority,/) print NR
    }' "$file"
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

# Takes every line with this key out. The new file comes in place of the old one at once, with its
# owner and modes; where that is a link, in place of what it leads to.
remove() {
  if ! has_key; then echo "mroom-key removed 0"; return; fi
  [ -f "$file" ] && [ -w "$file" ] || fail "$file cannot be written"
  real=$file
  if [ -L "$file" ]; then real=$(readlink -f "$file") && [ -f "$real" ] || fail "cannot follow the link $file"; fi
  (
    ! command -v flock >/dev/null 2>&1 || flock -w 20 9 || fail "$file is locked by somebody"
    lines=$(key_lines)
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
    why) why ;;
  esac
}
main </dev/null
]]

local function line_of(key)
  return (("%s %s %s"):format(key.type, key.data, key.comment):gsub("%s+$", ""))
end

local function arguments(word, key, ...)
  return { word, key.type, key.data, line_of(key), ... }
end

-- The words behind the marker; whatever else a login prints is passed over.
local function answer(output, pattern)
  local words = table.pack(("\n" .. output):match("\nmroom%-key " .. pattern))
  if not words[1] then
    error({ kind = "script", message = "the server did not say what is in its authorized_keys" }, 0)
  end
  return table.unpack(words, 1, words.n)
end

-- Is the key there, and are the modes of folder and file right? Only reads.
function authorized_keys.look(s, key)
  local command = { "sh", "-s", "--", table.unpack(arguments("look", key)) }
  local state, modes =
    answer(s:capture(command, { stdin = SCRIPT, timeout = 60, sudo = false }), "(%l+) (%l+)")
  return state == "present", modes == "right"
end

-- Makes folder and file if need be, mends modes that are too open, and appends the key unless it
-- is there. Gives what `take` needs to undo it, or nil when nothing was appended.
function authorized_keys.add(s, key)
  local result = s:script(SCRIPT, { args = arguments("add", key), timeout = 60, sudo = false })
  if s.check then
    return nil
  end
  local state, rest = answer(result.stdout, "(%l+)([^\n]*)")
  if state == "added" then
    local size, made = rest:match "^ (%d+) (%l+)"
    return { size = size, made = made }
  end
end

-- Takes back what `add` did.
function authorized_keys.take(s, key, added)
  s:script(
    SCRIPT,
    { args = arguments("take", key, added.size, added.made), timeout = 60, sudo = false }
  )
end

-- Takes every line with this key out; gives how many.
function authorized_keys.remove(s, key)
  local result = s:script(SCRIPT, { args = arguments("remove", key), timeout = 60, sudo = false })
  return s.check and 0 or tonumber((answer(result.stdout, "removed (%d+)")))
end

-- What may keep sshd from taking a key that is there, as a text; nil when nothing was found.
function authorized_keys.why(s)
  local output = s:capture(
    { "sh", "-s", "--", "why" },
    { stdin = SCRIPT, timeout = 60, sudo = false }
  )
  local reasons = {}
  for reason in ("\n" .. output):gmatch "\nmroom%-why ([^\n]+)" do
    reasons[#reasons + 1] = reason:gsub("[%c\127]", ""):sub(1, 200)
  end
  return reasons[1] and table.concat(reasons, "; ") or nil
end

return authorized_keys
