-- certs: the TLS certificates of a list of names: until when, from whom, and whether they are good.
--
-- -e days=21        what is left of a certificate that is warned of
-- -e from=PATTERN   asked from these servers, not from this machine: what is only inside, and what
--                   each of them sees
--
-- A name is `example.org`, `example.org:8443` or `[2001:db8::1]:443`. The exit code is 3 when one is
-- not good.

local certs = require "mr.certs"

local function checked(words)
  local names = {}
  for i, word in ipairs(words) do
    names[i] = certs.name(word)
    if not names[i] then
      local hint = "`example.org`, `example.org:8443` or `[2001:db8::1]:443`"
      error({ kind = "usage", message = ("`%s` is not a name"):format(word), hint = hint }, 0)
    end
  end
  return names
end

local COLUMNS = { "days", "name", "state", "issuer", "until", "why" }

local function rows_of(list, server)
  local rows = {}
  for i, one in ipairs(list) do
    local row = { server = server }
    for _, key in ipairs(COLUMNS) do
      row[key] = one[key] ~= nil and tostring(one[key]) or ""
    end
    row.why = one.why or (one.state == "not trusted" and one.verdict or "")
    rows[i] = row
  end
  return rows
end

return {
  name = "certs",
  summary = "TLS certificates of names: days left, issuer, whether they are good.",
  args = "NAME[:PORT]...",

  run = function(...)
    local days = tonumber(vars.days or 21)
    if not days then
      error({ kind = "usage", message = "`days` must be a number of days" }, 0)
    end
    local names = checked { ... }
    if not names[1] then
      local hint = "`mroom run certs example.org mail.example.org:993`"
      error({ kind = "usage", message = "`certs` needs the names to ask", hint = hint }, 0)
    end
    if vars.from then
      return fleet.select(vars.from):map(function(s)
        local list = certs.ask(s, names, days)
        for _, one in ipairs(list) do
          if one.state ~= "good" then
            s:warn(("%s: %s"):format(one.name, one.state))
          end
        end
        return list
      end, { label = "certs" })
    end
    local list = certs.ask(ssh.here(), names, days)
    local code = 0
    for _, one in ipairs(list) do
      code = one.state == "good" and code or 3
    end
    return list, code
  end,

  show = function(result)
    local rows = {}
    if vars.from then
      for _, outcome in ipairs(result) do
        table.move(
          rows_of(outcome.value or {}, outcome.server),
          1,
          #(outcome.value or {}),
          #rows + 1,
          rows
        )
      end
      return mr.table(rows, { columns = { "server", table.unpack(COLUMNS) } })
    end
    return mr.table(rows_of(result), { columns = COLUMNS })
  end,
}
