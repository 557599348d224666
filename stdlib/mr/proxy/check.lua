-- mr.proxy.check: what is looked at before the proxy is changed. A reload that fails takes the ports of
-- all apps for a moment, so nothing is reloaded that cannot work: HAProxy itself reads the configuration,
-- the port must be free, and the certificate must not be over. Reads only.
local check = {}

-- The configuration's folder, as the proxy's container sees it.
check.inside = "/usr/local/etc/haproxy"

-- HAProxy's complaint as one line: its first alert, without its marks and the place in a file that
-- nobody has written. Pure.
function check.alert(said)
  local line = said:match "%[ALERT%][^\n]*" or mr.text.trim(said):match "[^\n]*"
  line = line:gsub("^%[ALERT%].-%) : ", ""):gsub("^config : ", ""):gsub("^parsing %b[] : ", "")
  return (mr.text.trim(line):gsub("%.$", ""):gsub("'([^'`]*)'", "`%1`"))
end

-- Raises what HAProxy refused, as `err` tells it.
function check.refused(err, what, hint)
  local alert = check.alert(err.stderr or "")
  error({
    kind = err.kind == "exit" and "script" or err.kind,
    message = ("%s: %s"):format(what, alert ~= "" and alert or err.message),
    hint = hint,
  }, 0)
end

-- HAProxy's own check of the candidate.
function check.configuration(s, d, found)
  local settings, sudo, err = found.settings, found.at.sudo, nil
  local candidate = found.at.dir .. "/.new/haproxy.cfg"
  if settings.kind == "host" then
    -- Not with `-q`, which keeps the reason to itself, too.
    local text = "PATH=$PATH:/usr/sbin:/sbin; exec "
      .. mr.quote { "haproxy", "-c", "-f", candidate }
    err = select(2, mr.try(s.run, s, { "sh", "-c", text }, { sudo = sudo, timeout = 60 }))
  else
    local words = { "haproxy", "-c", "-f", check.inside .. "/.new.cfg" }
    s:run({ "cp", "-f", "--", candidate, settings.folder .. "/.new.cfg" }, { sudo = sudo })
    err = select(2, mr.try(d.exec, d, settings.container, words, { timeout = 60 }))
  end
  if err then
    local hint = "the proxy goes on with the configuration that it had"
    check.refused(err, "HAProxy refuses the configuration", hint)
  end
end

-- Is an address one that `bind :PORT`, which is IPv4, cannot have beside it?
local function is_in_the_way(address)
  return address == "::" or address == "*" or address:find("%d%.%d") ~= nil
end

-- Raises when something else than the proxy has the port of a new route. What the proxy itself has is
-- known only when what is on disk runs.
function check.port(s, found, listen)
  if found.binds[tostring(listen)] or found.running ~= found.written then
    return
  end
  for _, one in ipairs(s:listening().ports) do
    for _, address in ipairs(one.port == listen and one.addresses or {}) do
      if is_in_the_way(address) then
        mr.fail(("port %d is taken: something else listens on `%s`"):format(listen, address), {
          hint = ("`mroom exec %s -- ss -ltnp` shows what does; `proxy = { listen = … }` names another port"):format(
            s.id
          ),
        })
      end
    end
  end
end

-- Prints when the certificate in `$1` was over; nothing when it is not, or nobody can tell.
local OVER = [[
command -v openssl >/dev/null 2>&1 || exit 0
openssl x509 -in "$1" -noout -checkend 0 >/dev/null 2>&1 || openssl x509 -in "$1" -noout -enddate 2>/dev/null || :
]]

-- Raises when the certificate of a new route is over. Of one that the proxy had already when the run began
-- it is only told: to keep an app from its next version, or from the one before, would help nobody.
function check.certificate(s, found, cert)
  -- A container has files of its own.
  if not cert or found.settings.kind ~= "host" then
    return
  end
  local words = { "sh", "-s", "--", cert }
  local said = s:capture(words, { stdin = OVER, sudo = found.at.sudo, timeout = 60 })
  local over = said:match "notAfter=([%w: ]+)"
  if not over then
    return
  end
  local message = ("the certificate `%s` is over since %s"):format(cert, over:gsub("%s+", " "))
  for _, record in ipairs(found.records) do
    if record.route.cert == cert then
      return s:warn(message)
    end
  end
  mr.fail(
    message,
    { hint = "its clients would refuse it: put the renewed one there, chain and key" }
  )
end

return check
