-- python: Python 3 with pip and venv from the distribution, proven by an environment of its own.
local half = require "mr.op.package.half"
local version = require "mr.version"

-- What a distribution calls them.
local PACKAGES = {
  apt = { "python3", "python3-pip", "python3-venv" },
  dnf = { "python3", "python3-pip" },
  yum = { "python3", "python3-pip" },
  zypper = { "python3", "python3-pip" },
  apk = { "python3", "py3-pip" },
  pacman = { "python", "python-pip" },
}

-- Lines `version`, `pip` and `venv`, of what is there; `half` when dpkg was interrupted in it.
local LOOK = half.functions
  .. [[

export LC_ALL=C
half python3 python3-minimal 'python3.*' 'libpython3.*' python3-pip python3-venv | sed 's/.*/half/'
command -v python3 >/dev/null || exit 0
python3 -c 'import sys; print("version %d.%d.%d" % sys.version_info[:3])' 2>/dev/null
python3 -m pip --version >/dev/null 2>&1 && echo pip
python3 -c 'import venv, ensurepip' 2>/dev/null && echo venv
exit 0]]

-- An environment, made, used and taken away.
local PROOF = [[
folder=$(mktemp -d) || exit
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env" && "$folder/env/bin/python" -m pip --version]]

local function look(s)
  local text = s:capture({ "sh", "-s" }, { stdin = LOOK, timeout = 60, sudo = false })
  local is = {}
  for line in text:gmatch "[^\n]+" do
    is.version = is.version or line:match "^version (%d+%.%d+%.%d+)$"
    is.half = is.half or line == "half"
    is.pip = is.pip or line == "pip"
    is.venv = is.venv or line == "venv"
  end
  return is
end

local function is_done(is, o)
  return not is.half and is.pip and is.venv and version.at_least(is.version, o.min_version)
end

return {
  name = "python",
  summary = "Python 3 with pip and venv.",
  marks = "python3_installed",
  options = {
    packages = { type = "list", help = "their names; else as the distribution calls them" },
    min_version = { type = "string", default = "3", help = "an older Python is refused" },
  },

  check = function(s, o)
    local is = look(s)
    return is_done(is, o), is
  end,

  apply = function(s, o, is)
    local facts = s:facts()
    if is.version and is.pip and is.venv and not is.half then
      mr.fail(("Python is %s, and %s is required"):format(is.version, o.min_version), {
        hint = "the option `packages` names others, such as `python3.12`",
      })
    end
    local packages = o.packages or PACKAGES[facts.package_manager]
    if not packages then
      mr.fail(("no Python is known for `%s`"):format(facts.package_manager or "this system"), {
        hint = "the option `packages` names what to install",
      })
    end
    local on = s:ops { sudo = facts.uid ~= 0 or nil }
    -- A machine's first upgrade has the lock for minutes.
    on:package(packages, { recommends = false, lock_timeout = 600 })
  end,

  verify = function(s, o)
    local is = look(s)
    if not is_done(is, o) then
      mr.fail(
        ("Python is %s, and %s with pip and venv is required"):format(
          is.version or "not there",
          o.min_version
        )
      )
    end
    s:run({ "sh", "-s" }, { stdin = PROOF, timeout = 300, sudo = false })
  end,
}
