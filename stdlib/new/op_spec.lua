-- The operation NAME, which needs no server to be tried: `mroom test`.
describe("NAME", function()
  local o = { path = "/srv/app/VERSION", text = "1.2" }

  it("understands what the server prints", function()
    local op = require "ops.NAME"
    expect(op.read "says 1.1\n"):is { text = "1.1" }
    expect(op.read "absent\n"):is {}
    expect(op.read "sh: something else\n"):is {}
  end)

  it("changes only what differs", function()
    local op = require "ops.NAME"
    expect(op.plan({ text = "1.2" }, o)):is(nil)
    expect(op.plan({ text = "1.1" }, o).changes):is { "text 1.1 -> 1.2" }
    expect(op.plan({}, o).steps[1]):has { write = o.path, content = "1.2\n" }
  end)
end)
