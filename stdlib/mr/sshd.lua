-- A server's sshd: what really counts in it, which settings a stage wants, and where they go.
--
-- sshd takes the first value that it reads, so ours go first: into a file of their own where the main
-- file includes a folder before any of them, else to the top of the main file. What counts is asked of
-- `sshd -T`, for our own login, for root and for anybody. Pure but for `look`.
local SCRIPT = require "mr.sshd.script"
local sshd = {}

local SCOPES = { all = "anybody", me = "us", root = "root" }

local function clean(text)
  return (text:gsub("[%c\127]", "?"):sub(1, 300))
end

-- What the script told: { config, listener, port, absent, unreadable, bad = texts or nil, lines = { { file, number, text } }, modes = { {
-- user, want, is, path } }, owners = { { user, path } }, all, me, root = { keyword = { values } } }.
function sshd.read(answer)
  local is = { lines = {}, modes = {}, owners = {}, all = {}, me = {}, root = {} }
  local is_whole, port = false, "0"
  for key, value in (answer .. "\n"):gmatch "(%l+)=([^\n]*)\n" do
    if key == "config" and value:sub(1, 1) == "/" then
      is.config = clean(value)
    elseif key == "listener" then
      is.listener = value:match "^%d+$"
    elseif key == "port" then
      port = #value < 6 and value:match "^%d+$" or port
    elseif key == "absent" or key == "unreadable" then
      is[key] = true
    elseif key == "bad" then
      is.bad = is.bad or {}
      is.bad[#is.bad + 1] = value ~= "" and clean(value) or nil
    elseif key == "line" then
      local file, number, text = value:match "^(/[^:]*):(%d+):%s*(.-)%s*$"
      if file and #number < 8 then
        table.insert(
          is.lines,
          { file = clean(file), number = tonumber(number), text = clean(text) }
        )
      end
    elseif key == "mode" then
      local user, want, mode, path = value:match "^([%w._-]+)\t([gorwx,-]+)\t(%d+)\t(/[^\t]*)$"
      if user then
        table.insert(is.modes, { user = user, want = want, is = mode, path = path })
      end
    elseif key == "owner" then
      local user, path = value:match "^([%w._-]+)\t(/[^\t]*)$"
      if user then
        table.insert(is.owners, { user = user, path = path })
      end
    elseif SCOPES[key] then
      local keyword, rest = value:match "^(%l+) (.*)$"
      if keyword then
        is[key][keyword] = is[key][keyword] or {}
        table.insert(is[key][keyword], clean(rest))
      end
    elseif key == "end" then
      is_whole = true
    end
  end
  if is.absent then
    mr.fail("there is no `sshd` on it", { hint = "harden is for OpenSSH" })
  elseif is.unreadable or not is_whole or not is.config then
    mr.fail(
      ("the server did not say how its sshd is set%s"):format(
        is.config and ": `" .. is.config .. "` cannot be read" or ""
      ),
      { hint = "its files are root's: become root, `-b`, or sudo for this login" }
    )
  end
  is.port = math.tointeger(tonumber(port)) or 0
  return is
end

-- Asks a server. `config` is the main file, when it is not the one that its sshd was started with.
function sshd.look(s, config)
  local command = { "sh", "-s", "--", s.user, config or "" }
  return sshd.read(s:capture(command, { stdin = SCRIPT, timeout = 60, sudo = true }))
end

local ROOT = { ["yes"] = 0, ["prohibit-password"] = 1, ["forced-commands-only"] = 2, ["no"] = 3 }

-- What is stricter already stays.
local function stricter_root(is, wanted)
  local now = (is.all.permitrootlogin or {})[1] or "yes"
  now = now == "without-password" and "prohibit-password" or now
  return (ROOT[now] or 0) > ROOT[wanted] and now or wanted
end

-- The settings that are wanted, as { { keyword, value } }, in the order in which they are written.
function sshd.wanted(is, o)
  local list = { { "PubkeyAuthentication", "yes" }, { "PermitEmptyPasswords", "no" } }
  local function want(keyword, value)
    list[#list + 1] = { keyword, value }
  end
  if not o.password_authentication then
    want("PasswordAuthentication", "no")
  end
  -- A password asked for by PAM goes by this one. Where it is the second factor after a key, it stays.
  local methods = (is.all.authenticationmethods or {})[1] or "any"
  if
    not o.password_authentication and not methods:find("publickey,keyboard-interactive", 1, true)
  then
    want("KbdInteractiveAuthentication", "no")
    if is.all.challengeresponseauthentication then
      want("ChallengeResponseAuthentication", "no") -- what it was called before OpenSSH 8.7
    end
  end
  want("PermitRootLogin", stricter_root(is, o.permit_root_login))
  local tries = math.tointeger(tonumber((is.all.maxauthtries or {})[1])) or o.max_auth_tries
  want("MaxAuthTries", ("%d"):format(math.min(tries, o.max_auth_tries)))
  if o.allow_users then
    want("AllowUsers", table.concat(o.allow_users, " "))
  end
  return list
end

-- A value as one text, whichever way it is written.
local function normal(keyword, values)
  if keyword == "allowusers" then
    local words = {}
    for _, value in ipairs(values) do
      for word in value:gmatch "%S+" do
        words[#words + 1] = word
      end
    end
    table.sort(words)
    return table.concat(words, " ")
  end
  local value = (values[1] or ""):lower()
  return value == "without-password" and "prohibit-password" or value
end

-- What counts and is not wanted, as { { keyword, is, want, scope } }. A keyword that this sshd does not
-- know cannot differ.
function sshd.differences(is, wanted)
  local list, seen = {}, {}
  for _, scope in ipairs { "all", "me", "root" } do
    for _, pair in ipairs(wanted) do
      local keyword = pair[1]:lower()
      local has = is[scope][keyword] or (keyword == "allowusers" and {}) or nil
      local now = has and normal(keyword, has)
      if has and now ~= normal(keyword, { pair[2] }) and not seen[keyword] then
        seen[keyword] = true
        list[#list + 1] = { keyword = pair[1], is = now, want = pair[2], scope = SCOPES[scope] }
      end
    end
  end
  return list
end

-- `PasswordAuthentication yes -> no, MaxAuthTries 6 -> 4`
function sshd.words(differences)
  local words = {}
  for i, one in ipairs(differences) do
    words[i] = ("%s %s -> %s"):format(one.keyword, one.is == "" and "-" or one.is, one.want)
  end
  return table.concat(words, ", ")
end

-- The place in the files that gives a keyword this value, one in a Match block before others; nil when
-- there is none.
function sshd.setter(is, keyword, value)
  local file, is_inside, found
  for _, line in ipairs(is.lines) do
    local word, rest = line.text:match "^(%a+)%s*[%s=]%s*(.-)$"
    if line.file ~= file then
      file, is_inside = line.file, false
    end
    word = word and word:lower()
    if word == "match" then
      is_inside = rest:lower() ~= "all"
    elseif word == keyword:lower() and normal(word, { rest }) == value then
      local place = ("%s:%d"):format(line.file, line.number)
      if is_inside then
        return place
      end
      found = found or place
    end
  end
  return found
end

-- Where our settings win: { file, is_dropin }.
function sshd.place(is, wanted)
  local ours = { match = true }
  for _, pair in ipairs(wanted) do
    ours[pair[1]:lower()] = true
  end
  local folder = is.config:match "^(.*)/[^/]*$"
  for _, line in ipairs(is.lines) do
    local word, value = line.text:match "^(%a+)%s*[%s=]%s*(.-)$"
    word = line.file == is.config and word and word:lower() or nil
    if word == "include" then
      for glob in value:gsub('"', ""):gmatch "%S+" do
        if
          glob == folder .. "/sshd_config.d/*.conf"
          or glob == "sshd_config.d/*.conf" and folder == "/etc/ssh"
        then
          return { file = folder .. "/sshd_config.d/00-mroom.conf", is_dropin = true }
        end
      end
    elseif word and ours[word] then
      break
    end
  end
  return { file = is.config, is_dropin = false }
end

-- The text of our settings.
function sshd.text(wanted)
  local lines = {}
  for i, pair in ipairs(wanted) do
    lines[i] = pair[1] .. " " .. pair[2]
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Shell text that looks whether sshd takes its files, and has it read them again: by the service
-- manager where it is a service, else by a signal. With a socket of systemd each connection reads them.
function sshd.reload(is)
  local signal = is.listener and ("kill -HUP %s"):format(is.listener)
    or "echo 'which process is its sshd?' >&2; exit 1"
  return ([==[PATH=$PATH:/usr/sbin:/sbin
sshd -t -f %s || exit
if [ -d /run/systemd/system ]; then
  for unit in ssh.service sshd.service; do
    if systemctl is-active --quiet "$unit"; then systemctl reload "$unit"; exit; fi
  done
  for unit in ssh.socket sshd.socket; do
    if systemctl is-active --quiet "$unit"; then exit 0; fi
  done
elif command -v rc-service >/dev/null 2>&1 && rc-service sshd status >/dev/null 2>&1; then
  rc-service sshd reload
  exit
fi
%s
]==]):format(mr.quote(is.config), signal)
end

-- Prints the sockets on which something listens at the port `$1`, four hexadecimal digits.
local SOCKETS = [==[sockets() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep ' 0A ' | while read -r _ at _ state _ _ _ _ _ inode _; do
    case $state$at in 0A*:"$1") printf '%s ' "$inode" ;; esac
  done
}
]==]

-- The same, and waits until that has come about: an sshd that begins anew listens on new sockets, and
-- has read its files by then. Where that cannot be seen, three seconds have to be enough.
function sshd.renew(is)
  return SOCKETS
    .. ("port=%04X\n"):format(is.port)
    .. 'before=$(sockets "$port")\n(\n'
    .. sshd.reload(is)
    .. [==[
) || exit
is_anew() {
  now=$(sockets "$port")
  [ -n "$before" ] && [ -n "$now" ] || return 1
  for inode in $before; do case " $now" in *" $inode "*) return 1 ;; esac; done
}
tenths=0
until is_anew || [ "$tenths" -ge 30 ]; do
  if sleep 0.1 2>/dev/null; then tenths=$((tenths + 1)); else sleep 1; tenths=$((tenths + 10)); fi
done
]==]
end

return sshd
