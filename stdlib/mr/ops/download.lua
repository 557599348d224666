-- download: a file from the web, fetched by the server itself with curl or wget, and believed only
-- when its SHA-256 is the right one. It is put into its place whole, and only then.
--
-- The URL, passwords and headers reach curl over standard input, and GNU wget in a file that only its
-- user can read: who lists processes on the server does not see them.
local args = require "mr.args"
local native = require "mr.native"
local path = require "mr.ops.path"

-- `$1` is the file, `$2` its SHA-256 or nothing, `$3` its mode, `$4` and `$5` its owner and group or
-- nothing, `$6` is 1 when something is secret, `$7` the seconds to wait for a connection. Standard
-- input says in lines `url …`, `user …`, `password …` and `header …` what to fetch.
local FETCH = [[
set -u
to=$1 sum=$2 mode=$3 owner=$4 group=$5 secret=$6 patience=$7
url='' user='' password='' curl='' wget='' nl='
'
# A value of curl's configuration; printf is the shell's own, so that no process shows it.
quoted() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }
while IFS= read -r line; do
  value=${line#* }
  case $line in
  'url '*) url=$value ;;
  'user '*) user=$value ;;
  'password '*) password=$value ;;
  'header '*)
    curl="$curl${nl}header = \"$(quoted "$value")\""
    wget="$wget${nl}header = $value"
    ;;
  *)
    echo "a password or a header holds a line break" >&2
    exit 2
    ;;
  esac
done
case $url in
http://?* | https://?*) ;;
*)
  echo "the URL must begin with https:// or http://" >&2
  exit 2
  ;;
esac
curl="url = \"$(quoted "$url")\"$curl"
if [ -n "$user" ]; then
  curl="$curl${nl}user = \"$(quoted "$user:$password")\""
  wget="$wget${nl}http_user = $user${nl}http_password = $password${nl}auth_no_challenge = on"
fi
new=$(mktemp "${to%/*}/.mroom-download-XXXXXXXX") || exit
config=''
trap 'rm -f -- "$new" ${config:+"$config"}' EXIT
trap 'exit 1' HUP INT TERM
if command -v curl >/dev/null; then
  printf '%s\n' "$curl" | curl --config - --fail --silent --show-error --location \
    --proto =http,https --connect-timeout "$patience" --output "$new" || exit
elif wget --version 2>/dev/null | grep -q 'GNU Wget'; then
  config=$(mktemp) && printf '%s\n' "$wget" >"$config" || exit
  printf '%s\n' "$url" | wget --config="$config" --no-verbose --tries=2 \
    --connect-timeout="$patience" --output-document="$new" --input-file=- || exit
elif ! command -v wget >/dev/null; then
  echo "neither curl nor wget is there" >&2
  exit 127
elif [ "$secret" = 1 ]; then
  echo "this wget would show the password or header to all: curl is needed" >&2
  exit 127
else
  wget -q -T "$patience" -O "$new" "$url" || exit
fi
if [ -n "$sum" ]; then
  got=$(sha256sum <"$new" 2>/dev/null || shasum -a 256 <"$new" 2>/dev/null ||
    openssl dgst -sha256 -r <"$new") || exit
  if [ "${got%% *}" != "$sum" ]; then
    echo "what came has the SHA-256 ${got%% *}" >&2
    exit 1
  fi
fi
[ -z "$owner" ] || chown -- "$owner" "$new" || exit
[ -z "$group" ] || chgrp -- "$group" "$new" || exit
chmod -- "$mode" "$new" && mv -f -- "$new" "$to"]]

-- The URL as it may be shown: no user, no password, nothing of what a query may hold.
local function shown(url)
  if native.is_secret(url) then
    return "a secret URL"
  end
  return (url:gsub("^(%a+://)[^/?#]*@", "%1"):gsub("[?#].*", "?…"))
end

local function is_one_line(value)
  return native.is_secret(value) or (type(value) == "string" and not value:find "%c")
end

-- Everything that goes over standard input; a secret when one is in it.
local function input(o)
  local lines = "url " .. o.url .. "\n"
  if o.user then
    lines = lines .. "user " .. o.user .. "\n"
  end
  if o.password then
    lines = lines .. "password " .. o.password .. "\n"
  end
  for _, name in ipairs(args.keys(o.headers)) do
    lines = lines .. "header " .. name .. ": " .. o.headers[name] .. "\n"
  end
  return lines
end

local function is_secret(o)
  local userinfo = not native.is_secret(o.url) and o.url:find "^%a+://[^/?#]*@"
  return native.is_secret(o.url) or userinfo or o.user or o.password or next(o.headers)
end

local function sum_of(is)
  return is.sha256 or (is.content ~= nil and native.sha256(is.content)) or nil
end

return {
  name = "download",
  summary = "A file that the server fetches from the web, with the SHA-256 that it must have.",
  takes = {
    { "url", type = "secret", help = "https:// or http://; may be a secret" },
    { "to", type = "path", help = "the file on the server" },
  },
  options = {
    sha256 = { type = "string", help = "the SHA-256 that it must have, 64 hexadecimal digits" },
    unverified = {
      type = "boolean",
      default = false,
      help = "take what comes, without a SHA-256; a file that is there is left alone",
    },
    mode = { type = "mode", default = "0644", help = "permissions of the file" },
    owner = { type = "owner", help = "its owner, a name or id" },
    group = { type = "owner", help = "its group, a name or id" },
    user = { type = "string", help = "user for a server that asks for one" },
    password = { type = "secret", help = "that user's password" },
    headers = { type = "table", default = {}, help = "header lines: name = value or secret" },
    connect_timeout = { type = "integer", default = 20, help = "seconds to wait for a connection" },
    timeout = { type = "integer", default = 1800, help = "seconds that all may take" },
  },
  like = { ansible = "get_url", pyinfra = "files.download" },
  platforms = "any POSIX system with curl or wget",
  valid = function(o)
    if not is_one_line(o.url) or (not native.is_secret(o.url) and o.url:find " ") then
      args.refuse(
        "`download`: the URL holds a blank or a control character",
        "write a blank as %20"
      )
    elseif not native.is_secret(o.url) and not o.url:find "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]" then
      args.refuse(
        "`download`: the URL must begin with https:// or http:// and name a host",
        "`on:file` and `on:copy` bring what is on this machine"
      )
    elseif o.unverified and o.sha256 then
      args.refuse "`download`: `sha256` and `unverified` exclude each other"
    elseif not o.unverified and not o.sha256 then
      args.refuse(
        "`download`: `sha256` is missing",
        "`sha256sum FILE` tells it; `unverified = true` takes whatever comes"
      )
    elseif o.sha256 and not o.sha256:find("^" .. ("%x"):rep(64) .. "$") then
      args.refuse "`download`: `sha256` must be 64 hexadecimal digits"
    elseif o.password and not o.user then
      args.refuse "`download`: `password` needs `user`"
    end
    for _, value in ipairs { o.user or "", o.password or "" } do
      if not is_one_line(value) then
        args.refuse "`download`: `user` and `password` must be one line"
      end
    end
    for name, value in pairs(o.headers) do
      if type(name) ~= "string" or not name:find "^[%w_-]+$" or not is_one_line(value) then
        args.refuse(
          ("`download`: `headers.%s` must be a header's name with a text of one line"):format(
            tostring(name)
          )
        )
      end
    end
    o.sha256 = o.sha256 and o.sha256:lower()
    o.url = native.is_secret(o.url) and o.url
      or o.url:gsub("^%a+", function(scheme)
        return scheme:lower()
      end)
  end,
  target = function(o)
    return o.to
  end,
  key = function(o)
    return path.key(o.to)
  end,
  look = function(o)
    return path.look(o.to, { sha256 = o.sha256 ~= nil })
  end,
  read = path.read,
  plan = function(is, o, _, memory)
    local want = { path = o.to, kind = "file", mode = o.mode, owner = o.owner, group = o.group }
    -- Also refuses what stands in the way.
    local attributes = path.plan(is, want, memory)
    if is.kind == "file" and (o.unverified or sum_of(is) == o.sha256) then
      return attributes
    end
    return {
      changes = { is.kind == "file" and "content" or "made" },
      steps = {
        {
          script = FETCH,
          args = {
            o.to,
            o.sha256 or "",
            o.mode,
            o.owner or "",
            o.group or "",
            is_secret(o) and "1" or "",
            o.connect_timeout,
          },
          stdin = input(o),
          timeout = o.timeout,
          says = ("fetch %s -> %s"):format(shown(o.url), o.to),
        },
      },
      will = { kind = "file", mode = o.mode, owner = o.owner, group = o.group, sha256 = o.sha256 },
    }
  end,
}
