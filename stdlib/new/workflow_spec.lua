-- The workflow NAME on pretended servers: `mroom test`. With `--sandbox` on real ones.
describe("NAME", function()
  it("tells what each server is", function()
    local web = fake "web-1"
    if not fake.is_real then
      web:on("uname -sr", "Linux 6.1\n")
    end
    fake.down "web-2"
    local workflow = require "workflows.NAME"
    local shown = workflow.show(workflow.run "all")
    expect(shown):has "web-1  Linux"
    expect(shown):has "web-2  unreachable"
  end)
end)
