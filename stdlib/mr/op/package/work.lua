-- Runs the commands of a package manager: waits while somebody else has its lock and says so, and
-- makes an error of what it says when it fails. Internal to the operation `package`.
local work = {}

-- Seconds between two tries for a lock.
local EVERY = 2

-- Names the process $1, else that which has one of the lock files, from /proc/locks. It only reads.
local HOLDER = [[
if [ -n "$1" ]; then
  [ ! -r "/proc/$1/comm" ] || { printf '%s ' "$1"; cat "/proc/$1/comm"; }
  exit 0
fi
shift
for file; do
  inode=$(stat -c %i -- "$file" 2>/dev/null) || continue
  pid=$(awk -v inode="$inode" '{ n = split($6, at, ":"); if (at[n] == inode) { print $5; exit } }' /proc/locks 2>/dev/null)
  [ -n "$pid" ] && [ -r "/proc/$pid/comm" ] || continue
  printf '%s ' "$pid"
  cat "/proc/$pid/comm"
  exit
done]]

-- `apt-get (process 812)`; what is known of who has the lock.
local function holder(s, manager, found, user)
  if not (found.pid and found.name) then
    local command = { "sh", "-s", "--", found.pid or "", table.unpack(manager.locks or {}) }
    local told = mr.try(s.capture, s, command, { stdin = HOLDER, timeout = 20, sudo = user })
    local pid, name = (told or ""):match("^(%d+) ([%g]+)")
    found = pid and { pid = pid, name = name } or found
  end
  if not found.pid then
    return "another process", nil
  end
  return ("%s (process %s)"):format(found.name or "a program", found.pid), found.pid
end

-- Finishes what was half-done before, as far as it goes.
local function finish(s, manager, o, user)
  s:log(("finishes first what `%s` was interrupted in"):format(manager.name))
  for _, argv in ipairs(manager.repair({})) do
    mr.try(work.run, s, manager, argv, o, user)
  end
end

-- Runs one command, again and again while the manager is locked, for o.lock_timeout seconds. What
-- somebody who had the lock has left half-done is finished.
function work.run(s, manager, argv, o, user)
  local begun, told = mr.now(), nil
  while true do
    local opts = { check = false, env = manager.env, timeout = o.timeout, sudo = user }
    local result = s:run(argv, opts)
    if result.ok then
      return result
    end
    local text = result.stdout .. "\n" .. result.stderr
    local found = manager.locked(text)
    if not found and told and manager.interrupted and manager.interrupted(text) then
      finish(s, manager, o, user)
      return work.run(s, manager, argv, o, user)
    elseif not found then
      local why, hint = manager.explain(text)
      error({
        kind = "exit",
        message = ("`%s` failed: %s"):format(argv[1], why),
        hint = hint,
        command = result.command,
        code = result.code,
        stderr = result.stderr,
      }, 0)
    end
    local who, pid = holder(s, manager, found, user)
    if mr.now() - begun + EVERY > o.lock_timeout then
      error({
        kind = "timeout",
        message = ("`%s` is locked by %s, for more than %d s"):format(
          manager.name,
          who,
          o.lock_timeout
        ),
        hint = pid and ("`ps -fp %s` on the server tells what it does"):format(pid)
          or "`lock_timeout` waits longer",
      }, 0)
    end
    if told ~= who then
      told = who
      s:log(("waits for the lock of `%s`, which %s has"):format(manager.name, who))
    end
    s:phase(("waits for %s"):format(who))
    mr.sleep(EVERY)
  end
end

-- The step that runs a command of a manager; with `may_fail` it is no error when that ends badly.
function work.step(manager, argv, o, may_fail)
  return {
    says = mr.quote(argv),
    call = function(on, s)
      local _, err = mr.try(work.run, s, manager, argv, o, on.sudo)
      if err and not (may_fail and err.kind == "exit") then
        error(err, 0)
      end
    end,
  }
end

return work
