-- The package managers that the operation `package` knows: one file each. A manager is
--   name, env                  what it is called, and the variables of its commands
--   look                       a script that prints the lines of mr.op.package.answer
--   said(is, line)             reads a line of its simulation into is.will, is.none, is.why
--   flag(o)                    the second argument of `look`, from the options
--   install upgrade remove     argv of a list of packages, the options and { held, todo }
--   refresh, refreshed         argv that refreshes lists, and a script after it
--   hold(names, held) by_hand(names)    argv, where there is such a thing
--   repair(broken)             a list of argv that finish what is half-done, of which only the last must end
--                              well; interrupted(text): does it say that this is to be done?
--   versions, files            does `name=version` work; the ending of package files
--   locked(text)               who has the lock, { pid, name }, when that is what it says
--   locks                      its lock files
--   explain(text)              the words that say why it failed, and a hint
-- Pure. Internal.
local args = require("mr.args")
local managers = {}

managers.names = { "apt", "dnf", "yum", "zypper", "pacman", "apk", "brew" }

local FILES = { yum = "dnf" }

-- The manager of that name, as the facts call it.
function managers.of(name)
  for _, known in ipairs(managers.names) do
    if known == name then
      local found = require("mr.op.package." .. (FILES[name] or name))
      return type(found) == "function" and found(name) or found
    end
  end
  args.refuse(
    name and ("`package`: the package manager `%s` is not known here"):format(name)
      or "`package`: no package manager was found on the server",
    "known: " .. table.concat(managers.names, ", ")
  )
end

return managers
