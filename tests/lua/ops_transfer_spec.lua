-- What sync, git, archive and download make of answers that are spoiled, by accident or on purpose.
local ops = require "mr.ops"
local perform = require "mr.op.perform"
---@type any
local spoil = dofile(require("mr.native").local_path "helpers/spoil.lua")

-- What somebody might put into an answer to get out of the folder, or into a command.
local EVIL = {
  "../",
  "/../../etc/passwd",
  "e 81a4 1 0 0 root root ./../x\n",
  "e 41ed 1 0 0 root root ./--\n",
  "e 81a4 1 0 0 root root /etc/shadow\n",
  "lost ../../etc/passwd\n",
  "ref -oProxyCommand=id\trefs/heads/main\n",
  "\0",
  "\27[2J",
  "\n\n",
  "; reboot;",
  "' $(reboot) `reboot`",
}

local HASH, SUM = ("a"):rep(40), ("0123456789abcdef"):rep(4)
local TREE = "mroom-sync dir\ne 41ed 4096 0 0 root root .\ne 41ed 4096 0 0 root root ./lua\n"
  .. "e 81a4 7 0 0 root root ./old file\ne a1ff 3 0 0 root root ./link\n"
  .. ("%s  ./old file\nl ./link\nt old\nend\n"):format(SUM)

-- A call of each operation, and an answer that its look may give.
local CALLS = {
  { "sync", "tests/lua", "/srv/app", { delete = true, exclude = { "*.log" } }, TREE },
  {
    "git",
    "https://example.org/app.git",
    "/srv/app",
    { revision = "main", force = true, submodules = true },
    ("mroom-git\nkind=clone\nref %s\trefs/heads/main\nhead=%s\nbranch=main\norigin=/x\nchanged  M a\n"):format(
      HASH,
      ("b"):rep(40)
    ),
  },
  {
    "archive",
    "/var/cache/a.zip",
    "/srv/app",
    { remote = true },
    ("mroom-archive dir\nstamp %s strip 0\nlost ./a\narchive %s\n"):format(SUM, SUM),
  },
  {
    "download",
    "https://example.org/a",
    "/srv/app/a",
    { sha256 = SUM },
    ("mroom-path\nstat=644 0 0 3\nowner=root\ngroup=root\nsha256=%s\nkind=file\n"):format(SUM),
  },
}

-- The paths on the server that a plan works on, below or at /srv/app.
local function stays_inside(step)
  local words = step.run or { step.to }
  local begun = false
  for _, word in ipairs(words) do
    if begun or step.to then
      expect((word .. "/"):sub(1, 9)):is "/srv/app/"
      expect((word .. "/"):find("/../", 1, true)):is(nil)
    end
    begun = begun or word == "--"
  end
end

for _, call in ipairs(CALLS) do
  local name, from, to, options, answer = table.unpack(call)
  it(("%s makes a plan or an error of whatever a server says"):format(name), function()
    local op = ops.load(name)
    local o = perform.decode(op, { from, to, options, n = 3 })
    local roll, plans, errors = spoil.dice(7), 0, 0
    for _ = 1, 300 do
      local text = spoil.text(answer, roll, EVIL)
      local plan, err = mr.try(function()
        return op.plan(op.read(text, o), o, nil, nil) or { changes = {}, steps = {} }
      end)
      if err then
        errors = errors + 1
        expect(err.kind == "usage" or err.kind == "script"):is(true)
        -- In words, not of Lua's own about a nil somewhere.
        expect(err.message:find "%.lua:%d+:"):is(nil)
      else
        plans = plans + 1
        for _, step in ipairs(plan and plan.steps or {}) do
          if name == "sync" then
            stays_inside(step)
          end
        end
      end
    end
    expect(plans > 0 and errors > 0):is(true)
  end)
end
