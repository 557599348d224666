-- The stage NAME on pretended servers: `mroom test`. With `--sandbox` on real ones.
describe("NAME", function()
  local function bring(text)
    local opts = { options = { NAME = { text = text } } }
    return fleet.select("web-1"):stage("NAME", opts)[1].status
  end

  it("writes the file where there is none", function()
    local web = fake "web-1"
    if not fake.is_real then
      web:on("test -e NAME.txt", { code = 1 })
    end
    expect(bring "Hello."):is "changed"
    local text, mode = web:file "NAME.txt"
    expect(text):is "Hello.\n"
    expect(mode):is "0644"
  end)

  it("leaves alone what is right, and mends what is not", function()
    local web = fake "web-1"
    if not fake.is_real then
      web:on "test -e NAME.txt"
    end
    web:put("NAME.txt", "Hello.\n")
    expect(bring "Hello."):is "ok"
    expect(bring "Other."):is "changed"
  end)

  it("tells when a server is away", function()
    fake.down "web-1"
    expect(bring "Hello."):is "unreachable"
  end)
end)
