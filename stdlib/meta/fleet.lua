---@meta

---Selections of servers.
---@class mr.FleetModule
fleet = {}

---The servers of a pattern, in inventory order; none is an error.
---```lua
---local web = fleet.select "web-* !web-02"
---print(#web, web[1].id)
---```
---@param pattern string
---@return Fleet
function fleet.select(pattern) end

---How many servers at once, and when to stop.
---@class mr.MapOpts
---@field forks? integer servers at once
---@field serial? integer|string in batches of N or "N%"
---@field max_fail? integer|string start no more once more than N or "N%" failed; the rest is `skipped`
---@field label? string what the progress display says
---@field check? boolean nothing may change
---@field tolerate? boolean failures are the script's own business: `mroom run` neither tells nor counts them

---@alias mr.Status "ok"|"changed"|"failed"|"unreachable"|"skipped"|"cancelled"|"unknown"

---How the work ended on one server.
---@class mr.Outcome<T>
---@field server string its id
---@field status mr.Status
---@field value T? what the work gave
---@field err mr.Err? why it did not
---@field duration number seconds

---A selection. `#fleet`, `fleet[1]` and `ipairs(fleet)` work.
---@class Fleet
---@field [integer] Server
local Fleet = {}

---Calls `work` for every server, many at once; one outcome each, in inventory order. A server that
---fails keeps nobody else from going on, and nothing that finished is lost.
---```lua
---local outcomes = fleet.select("web-*"):map(function(s)
---  return s:capture "uptime -p"
---end, { forks = 50 })
---for _, outcome in ipairs(outcomes) do
---  print(outcome.server, outcome.status, outcome.value or outcome.err)
---end
---```
---@generic T
---@param work fun(server: Server): T
---@param opts? mr.MapOpts
---@return mr.Outcome<T>[]
function Fleet:map(work, opts) end

---One server after another; the first error ends it.
---```lua
---fleet.select("web-*"):each(function(s)
---  s:log("runs " .. s:capture "uname -s")
---end)
---```
---@param work fun(server: Server)
function Fleet:each(work) end

---@class mr.FleetStageOpts
---@field options? table<string, table<string, any>> the stages' own options: `{ cert = { key = … } }`
---@field check? boolean nothing may change
---@field forks? integer servers at once
---@field serial? integer|string in batches of N or "N%"
---@field max_fail? integer|string start no more once more than N or "N%" failed; the rest is `skipped`
---@field tolerate? boolean failures are the script's own business: `mroom run` neither tells nor counts them

---Brings every server through stages, and first through those that they need.
---```lua
---local outcomes = fleet.select("web-*"):stage({ "env" }, { check = true })
---print(outcomes[1].status, outcomes[1].value)
---```
---@param names string|string[]
---@param opts? mr.FleetStageOpts
---@return mr.Outcome<mr.StageResult>[]
function Fleet:stage(names, opts) end

---The servers that `keep` says true for.
---```lua
---local edge = fleet.select("all"):filter(function(s)
---  return s.meta.role == "edge"
---end)
---print(edge)
---```
---@param keep fun(server: Server): boolean
---@return Fleet
function Fleet:filter(keep) end

---The ids of the servers.
---@return string[]
function Fleet:ids() end

---The servers.
---@return Server[]
function Fleet:list() end

---@class mr.FleetRunOpts : mr.RunOpts, mr.MapOpts
---@class mr.FleetReadOpts : mr.ReadOpts, mr.MapOpts
---@class mr.FleetScriptOpts : mr.ScriptOpts, mr.MapOpts
---@class mr.FleetFileReadOpts : mr.FileReadOpts, mr.MapOpts
---@class mr.FleetCopyOpts : mr.CopyOpts, mr.MapOpts

---`run` on every server. Options of `map` are taken too, here and below.
---```lua
---fleet.select("web-*"):run("systemctl reload nginx", { sudo = true, serial = 1, max_fail = 0 })
---```
---@param command mr.Command
---@param opts? mr.FleetRunOpts
---@return mr.Outcome<mr.Result>[]
function Fleet:run(command, opts) end

---`capture` on every server.
---@param command mr.Command
---@param opts? mr.FleetReadOpts
---@return mr.Outcome<string>[]
function Fleet:capture(command, opts) end

---`test` on every server.
---@param command mr.Command
---@param opts? mr.FleetReadOpts
---@return mr.Outcome<boolean>[]
function Fleet:test(command, opts) end

---`script` on every server.
---@param text string|Secret
---@param opts? mr.FleetScriptOpts
---@return mr.Outcome<mr.Result>[]
function Fleet:script(text, opts) end

---`write` on every server.
---@param path string
---@param content string|Secret
---@param opts? mr.FleetCopyOpts
---@return mr.Outcome<nil>[]
function Fleet:write(path, content, opts) end

---`upload` to every server.
---@param from string
---@param to string
---@param opts? mr.FleetCopyOpts
---@return mr.Outcome<integer>[]
function Fleet:upload(from, to, opts) end

---`read` on every server.
---@param path string
---@param opts? mr.FleetFileReadOpts
---@return mr.Outcome<string>[]
function Fleet:read(path, opts) end

---An option that a stage takes.
---@class mr.StageOption
---@field type "string"|"number"|"boolean"|"list"|"secret" a secret's `@FILE` on the command line reads a file
---@field default? any
---@field help? string
---@field choices? any[]

---What one stage did on a server.
---@class mr.StageStep
---@field stage string
---@field status "ok"|"changed"
---@field duration number seconds

---What stages did on a server; as a text `cert changed, env ok`.
---@class mr.StageResult
---@field status "ok"|"changed"
---@field steps mr.StageStep[]

---A stage file returns one of these. Every function gets the server and the options; `apply` and
---`verify` also what `check` gave as its second value.
---@class mr.Stage
---@field name string as the file is called
---@field summary? string
---@field needs? string[] stages that run before it
---@field marks? string|string[] metadata keys that are set to true afterwards
---@field options? table<string, mr.StageOption>
---@field prepare? fun(s: Server, o: table) local, before the server is connected
---@field check? fun(s: Server, o: table): boolean?, any true: nothing to do
---@field apply fun(s: Server, o: table, found: any): boolean? false: nothing was different
---@field verify? fun(s: Server, o: table, found: any): boolean? false fails the stage
---@field undo? fun(s: Server, o: table)

---A workflow file returns one of these. `run` gets the words of the command line; when it gives
---the outcomes of a fleet call, `show` makes the text for people of them. A workflow that asks no
---servers gives a list of records for `show`, and the exit code if that is not 0.
---@class mr.Workflow
---@field name string as the file is called
---@field summary? string
---@field args? string what it takes, for people
---@field run fun(...: string): any, integer?
---@field show? fun(result: any): string
