---@meta

---The inventory. `server "web-01"` is one of its servers; an unknown id is an error.
---@class mr.ServerModule
---@overload fun(id: string): Server
server = {}

---The same as `server(id)`.
---@param id string
---@return Server
function server.get(id) end

---Is there a server of that id?
---@param id string
---@return boolean
function server.has(id) end

---The servers that a pattern selects, all of them without one; in inventory order.
---@param pattern? string
---@return Server[]
function server.list(pattern) end

---@class mr.NewServer
---@field id string
---@field host string
---@field user string
---@field port? integer 22 when not given
---@field password? string|Secret sealed in the inventory
---@field key? string path of a private key
---@field description? string
---@field tags? string[]
---@field meta? table<string, any>

---Adds a server to the inventory.
---@param new mr.NewServer
---@return Server
function server.add(new) end

---Something that commands can be run on.
---@class mr.Remote
local Remote = {}

---@alias mr.Command string|(string|number)[] a string is the shell's, the items of a list are quoted

---@class mr.Result
---@field ok boolean
---@field code integer? nil when a signal ended it
---@field signal string? without `SIG`
---@field stdout string
---@field stderr string
---@field duration number seconds
---@field server string
---@field command string
---@field truncated boolean more was printed than was kept

---@class mr.ReadOpts
---@field timeout? number seconds
---@field stdin? string|Secret
---@field env? table<string, string|number>
---@field cwd? string
---@field max_output? integer bytes of each stream that are kept
---@field sudo? boolean|string as root, or as that user; `false`: as the login, whatever `-b` says

---@class mr.RunOpts : mr.ReadOpts
---@field check? boolean `false`: an exit code other than 0 is no error

---@class mr.ScriptOpts
---@field args? (string|number)[]
---@field shell? string `sh` when not given
---@field check? boolean `false`: an exit code other than 0 is no error
---@field timeout? number seconds
---@field env? table<string, string|number>
---@field cwd? string
---@field max_output? integer
---@field sudo? boolean|string

---Runs a command that may change the server. Raises when it ends badly.
---@param command mr.Command
---@param opts? mr.RunOpts
---@return mr.Result
function Remote:run(command, opts) end

---Runs a script, fed over standard input: no file is left behind.
---@param text string|Secret
---@param opts? mr.ScriptOpts
---@return mr.Result
function Remote:script(text, opts) end

---Does a command that only reads end with 0?
---@param command mr.Command
---@param opts? mr.ReadOpts
---@return boolean
function Remote:test(command, opts) end

---What a command that only reads prints, without the white space around it.
---@param command mr.Command
---@param opts? mr.ReadOpts
---@return string
function Remote:capture(command, opts) end

---A whole file.
---@param path string
---@param opts? { limit?: integer, sudo?: boolean|string }
---@return string
function Remote:read(path, opts) end

---Writes a whole file: beside it first, then renamed over it.
---@param path string
---@param content string|Secret
---@param opts? { mode?: string, sudo?: boolean|string }
function Remote:write(path, content, opts) end

---Copies a local file or folder to the server; gives the number of bytes.
---@param from string
---@param to string
---@param opts? { mode?: string, sudo?: boolean|string }
---@return integer
function Remote:upload(from, to, opts) end

---Copies a file or folder from the server; gives the number of bytes.
---@param from string
---@param to string
---@param opts? { mode?: string, sudo?: boolean|string }
---@return integer
function Remote:download(from, to, opts) end

---Says something about this server.
---@param message string
function Remote:log(message) end

---Warns about this server.
---@param message string
function Remote:warn(message) end

---What this server is at, for the progress display.
---@param phase string
function Remote:phase(phase) end

---What the server is: os, kernel, arch, hardware, addresses, users, commands. One round trip, once
---in a run; `refresh` asks again. What the inventory keeps will do when it is younger than `max_age`
---seconds. `commands` and `folders` are looked for besides.
---@param opts? { refresh?: boolean, max_age?: number, commands?: table<string, string>, folders?: string[] }
---@return table
function Remote:facts(opts) end

---The TCP ports on which it listens, sorted; without `all` those that others can reach.
---@param opts? { all?: boolean }
---@return integer[]
function Remote:ports(opts) end

---The operations, bound to this server: each brings one thing into a state and changes only what
---differs. `sudo` is for all of them: as root, or as that user.
---@param opts? { sudo?: boolean|string }
---@return mr.Ops
function Remote:ops(opts) end

---A server of the inventory.
---@class Server : mr.Remote
---@field id string
---@field host string
---@field port integer
---@field user string
---@field description string?
---@field key string? its own private key file
---@field tunnel string? the tunnel profile in front of it
---@field home string? where sessions start
---@field tags string[]
---@field meta table<string, any> a copy; `meta_set` changes it
---@field is_retired boolean
---@field check boolean check mode: nothing may change
local Server = {}

---Sets one metadata key, or those of a table; nil removes one.
---@param key string|table<string, any>
---@param value? any
function Server:meta_set(key, value) end

---Adds tags.
---@param ... string
function Server:tag(...) end

---Takes tags off.
---@param ... string
function Server:untag(...) end

---A session of its own.
---@param opts? { key?: string, key_only?: boolean, no_password?: boolean, without?: string } `key_only`: no agent, no password; `without`: a public key (`TYPE BASE64`) that is not offered
---@return Ssh
function Server:connect(opts) end

---Closes the run's session; the next verb opens a new one.
function Server:release() end

---Connections to what is not in the inventory.
---@class mr.SshModule
ssh = {}

---@class mr.ConnectOpts
---@field host string
---@field user? string
---@field port? integer
---@field password? string|Secret
---@field key? string
---@field key_only? boolean
---@field jump? string Jump hosts, the nearest first: ids, or `user@host:port`, joined by commas.

---Connects.
---@param opts mr.ConnectOpts
---@return Ssh
function ssh.connect(opts) end

---This machine: the same verbs, without a connection.
---@return Ssh
function ssh.here() end

---A session of its own. It ends with `close`, with the scope of a `<close>` variable, or unused.
---@class Ssh : mr.Remote
---@field id string
local Ssh = {}

---Says goodbye and waits for it.
function Ssh:close() end
