-- backup: a folder or file of each server, fetched as one archive that was looked at.
--
-- -e path=PATH   what to save, below the login's home or absolute; the workspace's `cache` when not
--                given
-- -e to=FOLDER   where archives go: FOLDER/SERVER/NAME-TIME.tar.gz; `backups` when not given
-- -e keep=N      archives of that name that stay for each server; all when not given
--
-- SQLite databases are copied by SQLite itself, so that one in use is whole, and the copy's integrity
-- is checked there. The archive's checksum is compared here, and the archive is read once.

-- $1: what to save. Copies into a folder of its own, packs that, and says what is in it:
-- `database NAME`, `archive PATH SHA256 BYTES FILES`.
local PACK = [[
export LC_ALL=C
umask 077
cd && [ -e "$1" ] || { echo "there is no $1" >&2; exit 1; }
stage=$(mktemp -d "${TMPDIR:-/tmp}/mroom-backup-XXXXXXXXXX") || exit
trap 'rm -rf -- "$stage"' EXIT
trap 'exit 129' HUP INT TERM
if [ -d "$1" ]; then cd -- "$1" && set -- .; else
  name=$(basename -- "$1"); cd -- "$(dirname -- "$1")" && set -- "./$name"
fi || exit
mkdir -- "$stage/files" || exit
export stage
find "$1" \( -type f -o -type l \) -exec sh -c '
  for f; do
    to=$stage/files/${f#./}
    mkdir -p -- "$(dirname -- "$to")" || exit
    if [ -L "$f" ] || [ "$(head -c 15 -- "$f" 2>/dev/null)" != "SQLite format 3" ]; then
      case $f in
        *-wal | *-shm | *-journal)
          base=${f%-*}
          [ "$(head -c 15 -- "$base" 2>/dev/null)" != "SQLite format 3" ] || continue ;;
      esac
      cp -pP -- "$f" "$to" || exit
      continue
    fi
    if command -v sqlite3 >/dev/null; then
      (cd -- "$stage" && rm -f copy && sqlite3 -bail "$OLDPWD/$f" ".timeout 20000" ".backup main copy") &&
        verdict=$(sqlite3 "$stage/copy" "PRAGMA integrity_check")
    elif command -v python3 >/dev/null; then
      verdict=$(python3 -c "
import sqlite3, sys
source = sqlite3.connect(sys.argv[1], timeout=20)
copy = sqlite3.connect(sys.argv[2])
source.backup(copy)
print(copy.execute(\"pragma integrity_check\").fetchone()[0])
copy.close()" "$PWD/$f" "$stage/copy")
    else
      echo "$f is a SQLite database: neither sqlite3 nor python3 is there to copy it" >&2
      exit 1
    fi || { echo "$f cannot be copied" >&2; exit 1; }
    if [ "$verdict" != ok ]; then echo "$f is damaged: $(printf %s "$verdict" | head -n 1)" >&2; exit 1; fi
    chmod --reference="$f" -- "$stage/copy" 2>/dev/null
    mv -f -- "$stage/copy" "$to" || exit
    printf "database %s\n" "$f"
  done' sh {} + || exit
files=$(find "$stage/files" \( -type f -o -type l \) -exec printf '%.0s.' {} + | wc -c)
archive=$(mktemp "${TMPDIR:-/tmp}/mroom-backup-XXXXXXXXXX") || exit
if tar -C "$stage/files" -czf "$archive" . ; then
  sum=$({ sha256sum <"$archive" || shasum -a 256 <"$archive"; } 2>/dev/null)
  echo "archive $archive ${sum%% *} $(wc -c <"$archive") $files"
else
  rm -f -- "$archive"; exit 1
fi
]]

-- $1: an archive. Its checksum, when all of it can be read.
local TEST = [[
gzip -t <"$1" && tar -tzf "$1" >/dev/null || exit
{ sha256sum <"$1" || shasum -a 256 <"$1"; } 2>/dev/null
]]

-- Removes all but the newest of the archives of one name.
local function prune(here, folder, name, keep)
  local text = here:capture({ "ls", "-1", folder }, { sudo = false })
  local old = {}
  for _, file in ipairs(mr.text.lines(text)) do
    if
      file:sub(1, #name + 1) == name .. "-" and file:sub(#name + 1):find "^%-%d+T%d+Z%.tar%.gz$"
    then
      old[#old + 1] = folder .. "/" .. file
    end
  end
  table.sort(old)
  for i = 1, #old - keep do
    assert(os.remove(old[i]))
  end
end

local function save(s, path, to, keep)
  s:phase "packing"
  local result = s:script(PACK, { args = { path } })
  if s.check then
    return nil
  end
  local archive, sum, bytes, files = result.stdout:match "archive (/[^\n]-) (%x+) +(%d+) +(%d+)\n*$"
  if not archive or #sum ~= 64 then
    mr.fail "the server did not say what it packed"
  end
  local databases = select(2, ("\n" .. result.stdout):gsub("\ndatabase ", ""))
  local here = ssh.here()
  local name = path:match "([^/]+)/*$" or "root"
  local folder = to .. "/" .. s.id
  local file = ("%s/%s-%s.tar.gz"):format(folder, name, os.date "!%Y%m%dT%H%M%SZ")
  local _, err = mr.try(function()
    here:run({ "mkdir", "-p", "-m", "0700", "--", folder }, { sudo = false })
    s:phase "fetching"
    s:download(archive, file, { mode = "0600" })
    local got = here:capture({ "sh", "-c", TEST, "sh", file }, { sudo = false })
    if got:match "^%x+" ~= sum then
      os.remove(file)
      mr.fail(("`%s` came damaged: its checksum is another one"):format(file))
    end
  end)
  -- It is nobody's but ours, whatever became of the copy.
  s:run { "rm", "-f", "--", archive }
  if err then
    error(err, 0)
  end
  if keep then
    prune(here, folder, name, keep)
  end
  return {
    file = file,
    bytes = math.tointeger(tonumber(bytes)),
    files = math.tointeger(tonumber(files)),
    databases = databases,
  }
end

return {
  name = "backup",
  summary = "A folder of each server as a checked archive; databases are copied whole.",
  args = "[PATTERN]",

  run = function(...)
    local pattern = select("#", ...) > 0 and table.concat({ ... }, " ") or "all"
    local path = vars.path or (mr.config.remote_workspace:gsub("^~/", "") .. "/cache")
    local to, keep =
      mr.expand(vars.to or "backups"), vars.keep and math.tointeger(tonumber(vars.keep))
    if (vars.keep and (not keep or keep < 1)) or path == "" or path:find "[\n\0]" then
      error({ kind = "usage", message = "`keep` must be a number of archives, `path` a path" }, 0)
    end
    path = path:gsub("^~/", "")
    return fleet.select(pattern):map(function(s)
      return save(s, path, to, keep)
    end, { label = "backup" })
  end,

  show = function(outcomes)
    local rows = {}
    for i, outcome in ipairs(outcomes) do
      local value = outcome.value or {}
      rows[i] = {
        server = outcome.server,
        status = outcome.status,
        files = value.files and tostring(value.files) or "",
        databases = value.databases and tostring(value.databases) or "",
        size = value.bytes and ("%.3g MB"):format(value.bytes / 1e6) or "",
        archive = value.file or "",
      }
    end
    return mr.table(
      rows,
      { columns = { "server", "status", "files", "databases", "size", "archive" } }
    )
  end,
}
