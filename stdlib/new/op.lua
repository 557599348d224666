-- NAME: an operation of your own. In playbooks and stages:
--
--   s:ops():NAME("/srv/app/VERSION", { text = "1.2" })
--
-- Nothing here touches a server: `look` says what to ask, `read` understands the answer, `plan` says
-- what differs and which steps mend that. So it is known in check mode what would change.

return {
  name = "NAME",
  summary = "A file of one line.",
  takes = { { "path", type = "path", help = "absolute path on the server" } },
  options = { text = { type = "string", required = true, help = "what the file says" } },

  -- A script that only reads; `$1` is the first of `args`.
  look = function(o)
    local script = [[if [ -e "$1" ]; then echo "says $(cat "$1")"; else echo absent; fi]]
    return { script = script, args = { o.path } }
  end,

  -- What it printed, as a table. Servers may print anything: take only what fits.
  read = function(answer)
    return { text = answer:match "^says ([^\n]*)\n$" }
  end,

  -- nil: nothing to do. `will` is what `look` would find afterwards.
  plan = function(is, o)
    if is.text == o.text then
      return nil
    end
    local was = is.text or "nothing"
    return {
      changes = { ("text %s -> %s"):format(was, o.text) },
      steps = { { write = o.path, content = o.text .. "\n", mode = "0644" } },
      will = { text = o.text },
    }
  end,
}
