-- mr.ops.archive.scripts: the two shell scripts of the operation `archive`. It is no operation itself.
local scripts = {}

-- `$1` is the folder, `$2` the stamp's name in it, `$3` an archive on the server or nothing, the rest
-- are programs. Prints `mroom-archive KIND` of the folder; `stamp SHA256 strip N`; `lost PATH` for what
-- came out of the archive and is gone (three at most); `archive SHA256`; `without PROGRAM`.
scripts.LOOK = [[
to=$1 stamp=$2 archive=$3
shift 3
if [ -L "$to" ]; then echo mroom-archive link
elif [ ! -e "$to" ]; then echo mroom-archive absent
elif [ ! -d "$to" ]; then echo mroom-archive other
else echo mroom-archive dir
fi
if [ -f "$to/$stamp" ] && [ ! -L "$to/$stamp" ]; then
  {
    IFS= read -r first
    printf 'stamp %s\n' "$first"
    lost=0
    while [ "$lost" -lt 3 ] && IFS= read -r name; do
      [ -e "$to/$name" ] || [ -L "$to/$name" ] || {
        lost=$((lost + 1))
        printf 'lost %s\n' "$name"
      }
    done
  } <"$to/$stamp"
fi
if [ -n "$archive" ] && [ -f "$archive" ]; then
  sum=$(sha256sum <"$archive" 2>/dev/null || shasum -a 256 <"$archive" 2>/dev/null ||
    openssl dgst -sha256 -r <"$archive") || exit
  echo "archive ${sum%% *}"
fi
for program; do
  command -v "$program" >/dev/null || echo "without $program"
done
exit 0]]

-- `$1` is the archive, `$2` the folder, `$3` the stamp's name, `$4` the archive's SHA-256, `$5` its
-- format, `$6` how many folders are taken off each name, `$7` the owner or nothing; `$8` is 1 when the
-- archive goes afterwards. Everything is unpacked beside first: what fails leaves the folder as it was.
scripts.UNPACK = [[
set -u
umask 022
archive=$1 to=$2 stamp=$3 sum=$4 format=$5 strip=$6 owner=$7 gone=$8
new=''
trap '[ -z "$new" ] || rm -rf -- "$new"; [ "$gone" != 1 ] || rm -f -- "$archive"' EXIT
trap 'exit 1' HUP INT TERM
got=$(sha256sum <"$archive" 2>/dev/null || shasum -a 256 <"$archive" 2>/dev/null ||
  openssl dgst -sha256 -r <"$archive") || exit
[ "${got%% *}" = "$sum" ] || { echo "the archive is another one meanwhile" >&2; exit 1; }
new=$(mktemp -d "${to%/}/.mroom-archive-XXXXXXXX") || exit
mkdir "$new/0" || exit
plain() {
  case $format in
  tar) cat ;;
  tar.gz) gzip -dc ;;
  tar.bz2) bzip2 -dc ;;
  tar.xz) xz -dc ;;
  tar.zst) zstd -dc ;;
  esac <"$archive" || : >"$new/broken"
}
if [ "$format" = zip ]; then
  unzip -l "$archive" >"$new/list" || exit
  sed -n 's/^ *[0-9][0-9]* *[-0-9]* *[0-9:]*  *//p' "$new/list" >"$new/names"
else
  plain | tar -tf - >"$new/names" || exit
fi
outside=$(grep -E '^/|(^|/)\.\.(/|$)' "$new/names" | head -n 1)
if [ -n "$outside" ]; then
  echo "a name in it leads out of the folder: $outside" >&2
  exit 1
fi
if [ "$format" = zip ]; then
  unzip -q -o "$archive" -d "$new/0" || exit
else
  plain | (cd "$new/0" && tar -xof -) || exit
fi
[ ! -e "$new/broken" ] || { echo "the archive is damaged" >&2; exit 1; }
n=0
while [ "$n" -lt "$strip" ]; do
  mkdir "$new/$((n + 1))" || exit
  find "$new/$n" -mindepth 1 -maxdepth 1 -type d -exec sh -c '
    to=$1
    shift
    for folder; do cp -RPpf "$folder/." "$to/" || exit; done' sh "$new/$((n + 1))" {} + || exit
  n=$((n + 1))
done
cd "$new/$n" || exit
[ -n "$(ls -A)" ] || { echo "nothing comes out of it, with strip = $strip" >&2; exit 1; }
[ -z "$owner" ] || chown -Rh -- "$owner" . || exit
# One by one: the mode and owner of the folder itself are its own affair.
find . -mindepth 1 -maxdepth 1 -exec sh -c '
  to=$1
  shift
  for one; do cp -RPpf "$one" "$to/" || exit; done' sh "$to" {} + || exit
{ echo "$sum strip $strip" && find . ! -type d -print; } >"$new/stamp" &&
  mv -f -- "$new/stamp" "$to/$stamp"]]

return scripts
