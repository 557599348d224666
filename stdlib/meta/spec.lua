---@meta

-- The words of *_spec.lua files; nowhere else are they there.

---Groups cases; groups may lie in each other.
---@param name string
---@param body fun()
function describe(name, body) end

---One case.
---```lua
---describe("the stage env", function()
---  it("makes the workspace", function()
---    local web = fake "new-01"
---    web:on_like("mkdir *", "")
---    server("new-01"):run "mkdir -p machineroom"
---    expect(web:commands()):is { "mkdir -p machineroom" }
---  end)
---end)
---```
---It begins with an empty inventory and nothing said; calls that wait work in it.
---@param name string
---@param body fun()
function it(name, body) end

---Runs before each case of this group and of the groups in it.
---@param body fun()
function before_each(body) end

---Leaves the case that runs: what it needs is not there. It counts as skipped.
---@param reason string
function skip(reason) end

---A value to look at, as `expect` gives it.
---@class mr.Expect
local Expect = {}

---A value to look at.
---@param value any
---@return mr.Expect
function expect(value) end

---The value is this one; tables are the same when what is in them is.
---@param wanted any
function Expect:is(wanted) end

---The value is not this one.
---@param unwanted any
function Expect:is_not(unwanted) end

---A text has a part, a list an item, a table some keys with these values.
---@param part any
function Expect:has(part) end

---The opposite of `has`.
---@param part any
function Expect:has_no(part) end

---The function raises. A text is part of the error's message, a table some of its keys.
---@param wanted? string|table
---@return mr.Err
function Expect:raises(wanted) end

---What a pretended server has in the inventory, as `server.add` takes it.
---@class mr.FakeServer
---@field id? string wins over the word before it
---@field host? string
---@field user? string
---@field port? integer
---@field password? string|Secret
---@field key? string
---@field description? string
---@field tags? string[]
---@field meta? table<string, any>

---Pretended servers. `fake "web-1"` puts one into the inventory; `opts` are those of `server.add`.
---@class mr.FakeModule
---@field is_real boolean with `mroom test --sandbox`: servers are real, `on` and `commands` skip the case
---@overload fun(id: string, opts?: mr.FakeServer): Fake
fake = {}

---A server that cannot be reached.
---@param id string
---@param opts? mr.FakeServer
function fake.down(id, opts) end

---Puts a Lua file into the user's folder: `fake.module("stages.motd", text)`.
---@param name string
---@param text string
function fake.module(name, text) end

---What was printed so far in this case.
---@return string
function fake.printed() end

---What a person would read beside it, a line each.
---@return string[]
function fake.notes() end

---A text is standard output of a command that ends with 0; nothing is an empty one.
---@alias mr.FakeAnswer string|mr.FakeEnd

---How a command ends.
---@class mr.FakeEnd
---@field stdout? string
---@field stderr? string
---@field code? integer 0 when not given
---@field signal? string
---@field kind? string the call raises an error of this kind
---@field message? string what that error says
---@field lost? boolean the connection breaks

---What a pretended server answers, and what was asked of it. Its files are there for `read` and `write`
---and for the operations on files, without any rule.
---@class Fake
local Fake = {}

---The answers to this very command, one after the other; the last one stays. Later rules win; a
---command without a rule ends with 127.
---@param command string
---@param ... mr.FakeAnswer
function Fake:on(command, ...) end

---The same for all commands that fit a pattern, in which `*` stands for any text.
---@param pattern string
---@param ... mr.FakeAnswer
function Fake:on_like(pattern, ...) end

---@class mr.FakePutOpts
---@field mode? string octal, such as "0644"

---Puts a file there.
---@param path string
---@param content string
---@param opts? mr.FakePutOpts
function Fake:put(path, content, opts) end

---A file's content and mode; nil when it is not there.
---@param path string
---@return string?
---@return string?
function Fake:file(path) end

---The commands so far.
---@return string[]
function Fake:commands() end

---What was asked once; each verb has some of these.
---@class mr.FakeCall
---@field verb "exec"|"read"|"write"|"upload"|"download"|"close"
---@field command? string
---@field stdin? string
---@field sudo? string the user
---@field reads? boolean it only reads
---@field path? string
---@field content? string
---@field mode? string
---@field from? string
---@field to? string

---Everything that was asked so far.
---@return mr.FakeCall[]
function Fake:calls() end
