---@meta

---Selections of servers.
---@class mr.FleetModule
fleet = {}

---The servers of a pattern, in inventory order; none is an error.
---@param pattern string
---@return Fleet
function fleet.select(pattern) end

---@class mr.MapOpts
---@field forks? integer servers at once
---@field serial? integer|string in batches of N or "N%"
---@field max_fail? integer|string start no more once more than N or "N%" failed
---@field label? string what the progress display says
---@field check? boolean nothing may change
---@field tolerate? boolean failures are the script's own business: `mroom run` neither tells nor counts them

---@alias mr.Status "ok"|"changed"|"failed"|"unreachable"|"skipped"|"cancelled"|"unknown"

---@class mr.Outcome
---@field server string
---@field status mr.Status
---@field value any
---@field err mr.Err?
---@field duration number seconds

---A selection. `#fleet`, `fleet[1]` and `ipairs(fleet)` work.
---@class Fleet
local Fleet = {}

---Calls `work` for every server, many at once; one outcome each, in inventory order.
---@param work fun(server: Server): any
---@param opts? mr.MapOpts
---@return mr.Outcome[]
function Fleet:map(work, opts) end

---One server after another; the first error ends it.
---@param work fun(server: Server)
function Fleet:each(work) end

---Brings every server through stages.
---@param names string|string[]
---@param opts? { check?: boolean, options?: table<string, table>, forks?: integer, serial?: integer|string, max_fail?: integer|string }
---@return mr.Outcome[]
function Fleet:stage(names, opts) end

---The servers that `keep` says true for.
---@param keep fun(server: Server): boolean
---@return Fleet
function Fleet:filter(keep) end

---@return string[]
function Fleet:ids() end

---@return Server[]
function Fleet:list() end

---`run` on every server. Options of `map` are taken too, here and below.
---@param command mr.Command
---@param opts? table
---@return mr.Outcome[]
function Fleet:run(command, opts) end

---@param command mr.Command
---@param opts? table
---@return mr.Outcome[]
function Fleet:capture(command, opts) end

---@param command mr.Command
---@param opts? table
---@return mr.Outcome[]
function Fleet:test(command, opts) end

---@param text string
---@param opts? table
---@return mr.Outcome[]
function Fleet:script(text, opts) end

---@param path string
---@param content string|Secret
---@param opts? table
---@return mr.Outcome[]
function Fleet:write(path, content, opts) end

---@param from string
---@param to string
---@param opts? table
---@return mr.Outcome[]
function Fleet:upload(from, to, opts) end

---@param path string
---@param opts? table
---@return mr.Outcome[]
function Fleet:read(path, opts) end

---@class mr.StageOption
---@field type "string"|"number"|"boolean"|"list"
---@field default? any
---@field help? string
---@field choices? any[]

---A stage file returns one of these. Every function gets the server and the options; `apply` and
---`verify` also what `check` gave as its second value.
---@class mr.Stage
---@field name string as the file is called
---@field summary? string
---@field needs? string[] stages that run before it
---@field marks? string metadata key that is set to true afterwards
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
