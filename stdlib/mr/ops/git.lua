-- git: a clone on the server, at the commit that a branch or tag of its remote has now. The remote is
-- asked by `git ls-remote`, so that check mode knows as well; nothing that somebody has changed in
-- the clone is thrown away unless told so.
local args = require "mr.args"
local given = require "mr.ops.git.given"
local text = require "mr.text"

-- Asks for nothing on a terminal, and takes no lock in a clone that it only looks at.
local QUIET = {
  GIT_TERMINAL_PROMPT = "0",
  GIT_OPTIONAL_LOCKS = "0",
  GIT_ALLOW_PROTOCOL = "https:ssh:file",
}

-- `$1` is the folder, `$2` the URL, `$3` a branch or tag, or nothing for the remote's HEAD; `$4` is 1
-- when the remote need not be asked. Prints `key=value` lines, `ref COMMIT NAME` for what the remote has,
-- `changed …` for files that differ from what is checked out.
local LOOK = [[
to=$1 url=$2 rev=$3 known=$4
export GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 GIT_ALLOW_PROTOCOL=https:ssh:file
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}"
# Not the repository of a folder above.
export GIT_CEILING_DIRECTORIES="${to%/*}"
echo mroom-git
if [ -L "$to" ]; then echo kind=link
elif [ ! -e "$to" ]; then echo kind=absent
elif [ ! -d "$to" ]; then echo kind=other
elif [ -e "$to/.git" ]; then kind=clone; echo kind=clone
elif [ -z "$(ls -A "$to")" ]; then echo kind=empty
else echo kind=dir
fi
command -v git >/dev/null || { echo git=absent; exit 0; }
if [ "$known" != 1 ]; then
  if [ -n "$rev" ]; then
    refs=$(git ls-remote -- "$url" "refs/heads/$rev" "refs/tags/$rev" "refs/tags/$rev^{}") || exit
  else
    refs=$(git ls-remote --symref -- "$url" HEAD) || exit
  fi
  printf '%s\n' "$refs" | sed -n 's/^/ref /p'
fi
[ "$kind" = clone ] || exit 0
cd "$to" || exit
git rev-parse --git-dir >/dev/null || exit
echo "head=$(git rev-parse -q --verify HEAD)"
echo "branch=$(git symbolic-ref -q --short HEAD)"
echo "origin=$(git config --get remote.origin.url)"
git -c core.fsmonitor=false status --porcelain --untracked-files=no --ignore-submodules=all |
  sed 's/^/changed /'
git submodule status --recursive 2>/dev/null | sed -n 's/^[-+U].*/submodule=behind/p'
exit 0]]

local function brief(commit)
  return commit and commit:sub(1, 7) or "nothing"
end

local function is_commit(rev)
  return rev ~= nil and #rev == 40 and rev:find "^%x+$" ~= nil
end

local function no_revision(o)
  args.refuse(
    ("the remote has no branch and no tag `%s`"):format(o.revision or "HEAD"),
    "`git ls-remote URL` lists what it has; a commit is written with all its 40 digits"
  )
end

-- What the clone is to be at: { commit, branch }; a tag or a commit is no branch.
local function wanted(is, o)
  if is_commit(o.revision) then
    return { commit = o.revision:lower() }
  elseif not o.revision then
    local branch = is.refs.symref
    return { commit = is.refs.HEAD or no_revision(o), branch = branch }
  end
  local head = is.refs["refs/heads/" .. o.revision]
  if head then
    return { commit = head, branch = o.revision }
  end
  local tag = "refs/tags/" .. o.revision
  return { commit = is.refs[tag .. "^{}"] or is.refs[tag] or no_revision(o), tag = o.revision }
end

local function new_plan(o)
  local plan = { changes = {}, steps = {} }
  function plan.git(...)
    table.insert(plan.steps, { run = { "git", ... }, env = QUIET, timeout = o.timeout })
  end
  return plan
end

local function depth_of(o)
  return o.depth > 0 and ("--depth=%d"):format(o.depth) or nil
end

local function clone(plan, o, want)
  plan.changes[1] = ("cloned at %s"):format(brief(want.commit))
  local name = want.branch or want.tag
  if name then
    local argv = { "clone", "-q", "--branch", name }
    argv[#argv + 1] = depth_of(o)
    argv[#argv + 1] = o.submodules and "--recurse-submodules" or nil
    table.move({ "--", o.url, o.to }, 1, 3, #argv + 1, argv)
    plan.git(table.unpack(argv))
    return
  end
  plan.git("init", "-q", "--", o.to)
  plan.git("-C", o.to, "remote", "add", "origin", o.url)
  local argv = { "-C", o.to, "fetch", "-q" }
  argv[#argv + 1] = depth_of(o)
  -- Not every server gives a commit by its name; all of them give what they have.
  table.move({ "origin", o.depth > 0 and want.commit or nil }, 1, 2, #argv + 1, argv)
  plan.git(table.unpack(argv))
  plan.git("-C", o.to, "checkout", "-q", "--detach", want.commit)
end

-- The commit into the clone, and the clone to that commit.
local function update(plan, o, want)
  local fetch = { "-C", o.to, "fetch", "-q", "--force" }
  fetch[#fetch + 1] = depth_of(o)
  fetch[#fetch + 1] = "origin"
  if want.branch then
    fetch[#fetch + 1] = ("+refs/heads/%s:refs/remotes/origin/%s"):format(want.branch, want.branch)
  elseif want.tag then
    fetch[#fetch + 1] = ("+refs/tags/%s:refs/tags/%s"):format(want.tag, want.tag)
  else
    fetch[#fetch + 1] = o.depth > 0 and want.commit or nil
  end
  plan.git(table.unpack(fetch))
  local there = want.branch and "refs/remotes/origin/" .. want.branch or want.commit
  if not want.branch then
    local argv = { "-C", o.to, "checkout", "-q", "--detach" }
    argv[#argv + 1] = o.force and "--force" or nil
    argv[#argv + 1] = want.commit
    plan.git(table.unpack(argv))
  elseif o.force then
    plan.git("-C", o.to, "checkout", "-q", "--force", "-B", want.branch, there)
  else
    plan.git("-C", o.to, "checkout", "-q", want.branch)
    -- Commits that the remote does not have are somebody's: this fails on them.
    plan.git("-C", o.to, "merge", "-q", "--ff-only", there)
  end
end

local function differences(plan, is, o, want)
  if is.origin ~= o.url then
    table.insert(plan.changes, ("remote %s -> %s"):format(is.origin or "nothing", o.url))
    plan.git("-C", o.to, "remote", is.origin and "set-url" or "add", "origin", o.url)
  end
  local moved = is.head ~= want.commit
  local other = want.branch and is.branch ~= want.branch
  if moved then
    table.insert(plan.changes, ("%s -> %s"):format(brief(is.head), brief(want.commit)))
  end
  if other then
    table.insert(plan.changes, ("branch %s -> %s"):format(is.branch or "none", want.branch))
  end
  if #is.changed > 0 then
    table.insert(plan.changes, ("%d changed files put back"):format(#is.changed))
  end
  if moved or other then
    update(plan, o, want)
  elseif #is.changed > 0 then
    plan.git("-C", o.to, "reset", "-q", "--hard")
  end
  if o.submodules and (moved or is.submodules_behind) then
    if not moved then
      table.insert(plan.changes, "submodules")
    end
    plan.git("-C", o.to, "submodule", "sync", "-q", "--recursive")
    local argv = { "-C", o.to, "submodule", "update", "-q", "--init", "--recursive" }
    argv[#argv + 1] = o.force and "--force" or nil
    plan.git(table.unpack(argv))
  end
end

return {
  name = "git",
  summary = "A clone at a branch, tag or commit.",
  takes = {
    { "url", type = "string", help = "https, ssh, or a path on the server" },
    { "to", type = "path", help = "folder of the clone" },
  },
  options = {
    revision = { type = "string", help = "branch, tag or whole commit; else the remote's HEAD" },
    depth = { type = "integer", default = 0, help = "so many commits of history; 0: all" },
    submodules = { type = "boolean", default = false, help = "its submodules too" },
    force = {
      type = "boolean",
      default = false,
      help = "throw away what was changed or committed in the clone",
    },
    timeout = { type = "integer", default = 1800, help = "seconds that each git command may take" },
  },
  like = { ansible = "git", pyinfra = "git.repo" },
  platforms = "any POSIX system with git 2.8 or newer",
  valid = function(o)
    given.url(o.url)
    given.revision(o.revision)
    if o.depth < 0 then
      args.refuse "`git`: `depth` must be 0 or more"
    end
  end,
  target = function(o)
    return o.to
  end,
  look = function(o)
    local known = is_commit(o.revision) and "1" or ""
    return { script = LOOK, args = { o.to, o.url, o.revision or "", known }, timeout = 120 }
  end,
  read = function(answer)
    if not text.starts_with(answer, "mroom-git\n") then
      mr.fail "the server did not tell what is in the folder"
    end
    local found = text.pairs(answer)
    local function commit(value)
      return value and value:find "^%x+$" and #value == 40 and value or nil
    end
    local is = {
      kind = found.kind,
      git = found.git ~= "absent",
      head = commit(found.head),
      branch = found.branch ~= "" and found.branch or nil,
      origin = found.origin ~= "" and found.origin or nil,
      submodules_behind = found.submodule == "behind",
      refs = {},
      changed = {},
    }
    for _, line in ipairs(text.lines(answer)) do
      local hash, name = line:match "^ref (%x+)\t(%S+)$"
      local symref = line:match "^ref ref: refs/heads/(%S+)\tHEAD$"
      if symref then
        is.refs.symref = symref
      elseif name then
        is.refs[name] = commit(hash)
      elseif line:sub(1, 8) == "changed " then
        is.changed[#is.changed + 1] = line:sub(9)
      end
    end
    return is
  end,
  plan = function(is, o, _, memory)
    if not is.git then
      if memory and memory.packages.git then
        return { unknown = "git is not there yet, so the remote cannot be asked what it has" }
      end
      args.refuse("there is no git on the server", '`on:package "git"` installs it')
    end
    local want, plan = wanted(is, o), new_plan(o)
    if is.kind == "absent" or is.kind == "empty" then
      clone(plan, o, want)
    elseif is.kind ~= "clone" then
      args.refuse(("`%s` is there, and is no clone"):format(o.to), "remove it first")
    elseif #is.changed > 0 and not o.force then
      local some = table.concat(is.changed, ", ", 1, math.min(3, #is.changed))
      args.refuse(
        ("%d files were changed in the clone: %s"):format(#is.changed, some),
        "commit them elsewhere, or say `force = true` to throw them away"
      )
    else
      differences(plan, is, o, want)
    end
    if #plan.changes == 0 then
      return nil
    end
    plan.git = nil
    plan.will = {
      kind = "clone",
      git = true,
      head = want.commit,
      branch = want.branch,
      origin = o.url,
      refs = is.refs,
      changed = {},
    }
    plan.makes = { dirs = is.kind == "absent" and { o.to } or nil }
    return plan
  end,
}
