-- NAME: a workflow, which is a playbook with a name: `mroom run NAME PATTERN`.

---@type mr.Workflow
return {
  name = "NAME",
  summary = "The kernel of each server.",
  args = "[PATTERN]",

  -- Gets the words of the command line. When it gives outcomes, they make the exit code.
  run = function(pattern)
    return fleet.select(pattern or "all"):capture { "uname", "-sr" }
  end,

  -- What a person sees of these outcomes; without it, or with `--json`, the outcomes themselves.
  show = function(outcomes)
    local rows = {}
    for i, outcome in ipairs(outcomes) do
      rows[i] = { id = outcome.server, kernel = outcome.value or outcome.status }
    end
    return mr.table(rows, { columns = { "id", "kernel" } })
  end,
}
