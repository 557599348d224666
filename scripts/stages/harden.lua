-- harden: sshd takes keys only and no password of root; private keys, accounts and sshd's own files
-- are not open to others.
--
-- Nobody is locked out: before anything is touched, a login with a key alone is proven; after it,
-- another one, while the first connection is still open. When that does not come, the server itself
-- puts everything back. Values that are stricter already stay.
local confirm = require "mr.confirm"
local glob = require "mr.glob"
local login = require "mr.login"
local sshd = require "mr.sshd"

-- Runs a command as the owner of what it changes: no link of theirs leads root anywhere.
local function tighten(s, one)
  local command = { "chmod", one.want, "--", one.path }
  if one.user ~= "root" then
    command = {
      "su",
      "-s",
      "/bin/sh",
      "-c",
      'chmod "$1" -- "$2"',
      "--",
      one.user,
      "sh",
      one.want,
      one.path,
    }
  end
  s:run(command, { sudo = true, timeout = 60 })
end

-- Is this login among those that may come in? Entries are patterns, with `@host` behind or not.
local function is_allowed(user, list)
  for _, entry in ipairs(list) do
    if glob.matcher { entry:match "^[^@]+" or entry }(user) then
      return true
    end
  end
  return false
end

-- Refuses what is sure to lock this very login out, unless it is forced.
local function refuse_lockout(s, o)
  if not o.force and o.allow_users and not is_allowed(s.user, o.allow_users) then
    mr.fail(("`allow_users` leaves out `%s`, which is our own login"):format(s.user), {
      hint = "add it; `--set harden.force=true` tries it all the same, and the server undoes it",
    })
  elseif not o.force and o.permit_root_login ~= "prohibit-password" and s.user == "root" then
    mr.fail("root is our own login: it would be locked out", {
      hint = ("`mroom set %s user=NAME` logs in as somebody who may become root"):format(s.id),
    })
  end
  local opens, err = login.by_any_key(s)
  if not opens and err then
    error({
      kind = err.kind == "auth" and "script" or err.kind,
      message = "no key opens it without a password: nothing was changed: " .. err.message,
      hint = ("`mroom stage cert %s` puts one there"):format(s.id),
    }, 0)
  end
end

-- What is there and what is to be done: { is, wanted, differs, modes, bad }. An sshd that refuses its
-- own host keys because they are open to others says nothing more before they are mended.
local function study(s, o, is_mended)
  local is = sshd.look(s, o.config)
  local modes = o.modes and is.modes or {}
  if is.bad then
    if modes[1] and not is_mended then
      return { modes = modes, bad = true }
    end
    mr.fail(("the configuration of its sshd is broken already: %s"):format(is.bad[1] or "?"), {
      hint = "mend it first: sshd goes on with what it has read before, but does not start again",
    })
  end
  for _, one in ipairs(o.modes and is.owners or {}) do
    s:warn(("`%s` of `%s` belongs to somebody else"):format(one.path, one.user))
  end
  local wanted = sshd.wanted(is, o)
  local differences = sshd.differences(is, wanted)
  if differences[1] then
    refuse_lockout(s, o)
    s:log(sshd.words(differences))
  end
  return { is = is, wanted = wanted, differs = differences[1] ~= nil, modes = modes, bad = false }
end

return {
  name = "harden",
  summary = "sshd takes keys only, no root password; open files are closed.",
  options = {
    password_authentication = {
      type = "boolean",
      default = false,
      help = "true: leaves passwords as they are",
    },
    permit_root_login = {
      type = "string",
      default = "prohibit-password",
      choices = { "prohibit-password", "forced-commands-only", "no" },
      help = "how root may log in",
    },
    max_auth_tries = { type = "number", default = 6, help = "tries of one connection, at the most" },
    allow_users = { type = "list", help = "only these may log in; else everybody" },
    config = {
      type = "string",
      help = "sshd's main file; else the one that the running sshd was started with",
    },
    modes = { type = "boolean", default = true, help = "mends files that are open to others" },
    force = {
      type = "boolean",
      default = false,
      help = "even when that is sure to lock us out; undone after `timeout`",
    },
    timeout = {
      type = "number",
      default = 60,
      help = "seconds in which a new connection must confirm it",
    },
  },

  prepare = function(_, o)
    local function bad(text)
      error({ kind = "usage", message = "`harden`: " .. text }, 0)
    end
    o.max_auth_tries = math.tointeger(o.max_auth_tries) or 0
    if o.max_auth_tries < 1 or o.max_auth_tries > 100 then
      bad "`max_auth_tries` must be a whole number from 1 to 100"
    elseif o.config and (o.config:sub(1, 1) ~= "/" or o.config:find "[%c%s]") then
      bad "`config` must be an absolute path without blanks"
    end
    for _, user in ipairs(o.allow_users or {}) do
      if type(user) ~= "string" or not user:find "^[%w_.@*?/:%-%[%]]+$" then
        bad(("`allow_users`: `%s` is no user and no pattern"):format(tostring(user):sub(1, 80)))
      end
    end
    if o.allow_users and #o.allow_users == 0 then
      bad "`allow_users` is empty: nobody would get in"
    end
  end,

  check = function(s, o)
    confirm.tell(s, confirm.look(s))
    local found = study(s, o)
    return not found.differs and not found.modes[1], found
  end,

  apply = function(s, o, found)
    for _, one in ipairs(found.modes) do
      tighten(s, one)
    end
    if found.bad and not s.check then
      for key, value in pairs(study(s, o, true)) do
        found[key] = value
      end
    end
    if not found.differs then
      return
    end
    local is, place = found.is, sshd.place(found.is, found.wanted)
    local on = s:ops { sudo = true }
    local text = sshd.text(found.wanted)
    confirm.guard(s, {
      name = "harden",
      files = { place.file },
      undo = sshd.reload(is),
      timeout = math.tointeger(o.timeout) or 60,
      settle = 0, -- before sshd has begun anew it lets in by its old settings; that is waited for
      connect = { no_password = true },
    }, function()
      if place.is_dropin then
        on:file(
          place.file,
          { content = "# Written by mroom, stage `harden`.\n" .. text, mode = "0600" }
        )
      else
        on:block(place.file, { name = "harden", content = text, before = "^" })
      end
      if not s.check then
        s:run(sshd.renew(is), { sudo = true, timeout = 60 })
      end
    end)
  end,

  verify = function(s, o, found)
    local is = sshd.look(s, o.config)
    local first = sshd.differences(is, found.wanted)[1]
    if first then
      local place = sshd.setter(is, first.keyword, first.is)
      mr.fail(("`%s %s` still counts for %s"):format(first.keyword, first.is, first.scope), {
        hint = place and ("%s sets it: take it out there"):format(place)
          or "`sshd -T` on the server shows what counts",
      })
    end
  end,

  undo = function(s, o)
    local is = sshd.look(s, o.config)
    local place = sshd.place(is, sshd.wanted(is, o))
    local on = s:ops { sudo = true }
    if place.is_dropin then
      on:file(place.file, { state = "absent" })
    else
      on:block(place.file, { name = "harden", state = "absent" })
    end
    s:run(sshd.reload(is), { sudo = true, timeout = 60 })
  end,
}
