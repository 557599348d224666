-- What operations make of a hostile server's answers, and of any text that is in a file already.
---@type any
local spoil = dofile(require("mr.native").local_path "helpers/spoil.lua")

describe("answers of a hostile server", function()
  local path = require "mr.ops.path"

  it("are states, or errors; never anything else", function()
    local pieces = {
      "mroom-path\n",
      "kind=file\n",
      "kind=dir\n",
      "kind=link\n",
      "kind=absent\n",
      "stat=99999 1 1 1\n",
      "stat=644 99999999999999999999999999 -1 x\n",
      "stat=644 1 1 1\n",
      "owner=\27[2J\n",
      "owner=root\n",
      "sha256=zz\n",
      "sha256=ab\n",
      "folder=1\n",
      "\n",
      "\0",
      ("x"):rep(70000),
    }
    local roll = spoil.dice(7)
    for _ = 1, 2000 do
      local text = {}
      for i = 1, 6 do
        text[i] = pieces[roll(#pieces)]
      end
      local is, err = mr.try(path.read, table.concat(text))
      if is then
        expect(({ file = 1, dir = 1, link = 1, absent = 1 })[is.kind]):is(1)
        expect(is.mode == nil or is.mode:find "^[0-7][0-7][0-7][0-7]$" ~= nil):is(true)
        expect(is.uid == nil or math.type(is.uid) == "integer"):is(true)
        expect(is.sha256 == nil or #is.sha256 == 64):is(true)
        expect(is.owner == nil or not is.owner:find "%c"):is(true)
      else
        expect(assert(err).message):is "the server did not answer with the state of a path"
      end
    end
  end)
end)

describe("the change of a part of a file", function()
  local function plan_of(op, text, o)
    local is = { kind = "file", mode = "0644", content = text }
    o.path, o.state = "/etc/x", o.state or "present"
    return mr.try(op.plan, is, o, nil, {})
  end

  it("is done once, whatever is in the file", function()
    local line, block = require "ops.line", require "ops.block"
    local pieces = {
      "a\n",
      "b = 1\n",
      "b = 2",
      "\n",
      "# BEGIN mroom: block\n",
      "# END mroom: block\n",
      "\r\n",
      "\0",
      "%b()",
      "# END mroom: block",
    }
    local roll = spoil.dice(11)
    for _ = 1, 1000 do
      local text = {} ---@type any
      for i = 1, 8 do
        text[i] = pieces[roll(#pieces)]
      end
      text = table.concat(text)
      for _, case in ipairs {
        { line, { line = "b = 3", match = "^b%s*=" } },
        { line, { line = "b = 3", after = "^a" } },
        { line, { match = "b", state = "absent" } },
        { block, { content = "x", name = "block", comment = "#" } },
        { block, { content = "x", name = "two", comment = "#", before = "^b" } },
        { block, { name = "block", comment = "#", state = "absent" } },
      } do
        local plan, err = plan_of(case[1], text, case[2])
        if plan then
          expect({ plan_of(case[1], plan.will.content, case[2]) }):is {}
        elseif err then
          expect(err.message):has "the marker `# "
        end
      end
    end
  end)

  it("does not take a secret apart", function()
    local secret = mr.secret "hunter2000"
    local plan = plan_of(require "ops.line", secret, { line = "x" })
    expect(plan.unknown):has "secret"
    plan = plan_of(require "ops.block", "a\n", { content = secret, name = "k", comment = "#" })
    expect(tostring(plan.will.content)):is "[redacted]"
    expect(plan.diff):has { path = "/etc/x", secret = true }
    expect(
      plan_of(require "ops.block", plan.will.content, { content = "x", name = "k", comment = "#" }).unknown
    ):has "secret"
  end)
end)
