---@meta

---The inventory. `server "web-01"` is one of its servers; an unknown id is an error.
---```lua
---local web = server "web-01"
---print(web.host, web.port, web:capture "uptime")
---```
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
---```lua
---for _, s in ipairs(server.list "@edge,web-*") do
---  print(s.id, s.meta.role)
---end
---```
---@param pattern? string
---@return Server[]
function server.list(pattern) end

---A server to be.
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
---```lua
---local new = server.add { id = "cdn-01", host = "203.0.113.30", user = "ops", tags = { "edge" } }
---print(new)
---```
---@param new mr.NewServer
---@return Server
function server.add(new) end

---Something that commands can be run on.
---@class mr.Remote
local Remote = {}

---@alias mr.Command string|(string|number)[] a string is the shell's, the items of a list are quoted

---How a command ended.
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

---How to run a command that only reads.
---@class mr.ReadOpts
---@field timeout? number seconds
---@field stdin? string|Secret what it reads
---@field env? table<string, string|number> variables for it
---@field cwd? string the folder it begins in
---@field max_output? integer bytes of each stream that are kept
---@field sudo? boolean|string as root, or as that user; `false`: as the login, whatever `-b` says

---How to run a command.
---@class mr.RunOpts : mr.ReadOpts
---@field check? boolean `false`: an exit code other than 0 is no error

---How to run a script.
---@class mr.ScriptOpts
---@field args? (string|number)[] `$1`, `$2` and so on
---@field shell? string `sh` when not given
---@field check? boolean `false`: an exit code other than 0 is no error
---@field timeout? number seconds
---@field env? table<string, string|number> variables for it
---@field cwd? string the folder it begins in
---@field max_output? integer bytes of each stream that are kept
---@field sudo? boolean|string as root, or as that user; `false`: as the login, whatever `-b` says

---How to read a file.
---@class mr.FileReadOpts
---@field limit? integer bytes; a longer file is an error
---@field sudo? boolean|string as root, or as that user

---How to write or copy a file.
---@class mr.CopyOpts
---@field mode? string octal, such as "0644"
---@field sudo? boolean|string as root, or as that user

---Runs a command that may change the server. Raises when it ends badly.
---```lua
---local s = server "web-01"
---s:run("systemctl restart nginx", { sudo = true, timeout = 60 })
---local result = s:run({ "grep", "-c", "listen 80", "/etc/nginx.conf" }, { check = false })
---print(result.code, result.stdout)
---```
---@param command mr.Command
---@param opts? mr.RunOpts
---@return mr.Result
function Remote:run(command, opts) end

---Runs a script, fed over standard input: no file is left behind.
---```lua
---server("web-01"):script([[
---set -eu
---mkdir -p "$1"
---]], { args = { "/srv/app" }, sudo = true })
---```
---@param text string|Secret
---@param opts? mr.ScriptOpts
---@return mr.Result
function Remote:script(text, opts) end

---Does a command that only reads end with 0?
---```lua
---local s = server "web-01"
---if not s:test "command -v docker" then
---  s:warn "there is no docker"
---end
---```
---@param command mr.Command
---@param opts? mr.ReadOpts
---@return boolean
function Remote:test(command, opts) end

---What a command that only reads prints, without the white space around it.
---```lua
---local kernel = server("web-01"):capture { "uname", "-r" }
---print(kernel)
---```
---@param command mr.Command
---@param opts? mr.ReadOpts
---@return string
function Remote:capture(command, opts) end

---A whole file.
---@param path string
---@param opts? mr.FileReadOpts
---@return string
function Remote:read(path, opts) end

---Writes a whole file: beside it first, then renamed over it.
---```lua
---server("web-01"):write("/etc/motd", "Kept by mroom.\n", { mode = "0644", sudo = true })
---```
---@param path string
---@param content string|Secret
---@param opts? mr.CopyOpts
function Remote:write(path, content, opts) end

---Copies a local file or folder to the server; gives the number of bytes.
---@param from string
---@param to string
---@param opts? mr.CopyOpts
---@return integer
function Remote:upload(from, to, opts) end

---Copies a file or folder from the server; gives the number of bytes.
---@param from string
---@param to string
---@param opts? mr.CopyOpts
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

---@class mr.FactsOpts
---@field refresh? boolean ask, whatever is known
---@field max_age? number what the inventory keeps will do when it is younger: seconds
---@field commands? table<string, string> commands to look for besides, by a name for each
---@field folders? string[] folders to look for besides, relative ones below the login's home

---What the server is. One round trip, once in a run. What it did not tell is nil, never a guess.
---```lua
---local facts = server("web-01"):facts()
---if facts.os.family == "debian" and (facts.memory.total or 0) > 2 * 1024 ^ 3 then
---  print(facts.hostname, facts.os.version, facts.commands.docker)
---end
---```
---@param opts? mr.FactsOpts
---@return mr.Facts
function Remote:facts(opts) end

---@class mr.PortsOpts
---@field all? boolean those that only the server itself reaches, too

---The TCP ports on which it listens and that others can reach, sorted.
---@param opts? mr.PortsOpts
---@return integer[]
function Remote:ports(opts) end

---@class mr.ListeningOpts

---The TCP ports on which it listens, with the addresses.
---@param opts? mr.ListeningOpts
---@return mr.Listening
function Remote:listening(opts) end

---Its TCP ports from here, by connecting to them, beside what it says itself. Raises for a server
---that is reached through others, or is none of the inventory.
---```lua
---local scan = server("web-01"):scan_ports { expect = "22,80,443" }
---for _, found in ipairs(scan.remarks) do
---  print(found.port, found.remark)
---end
---```
---@param opts? mr.ScanPortsOpts
---@return mr.Scan
function Remote:scan_ports(opts) end

---@class mr.OpsOpts
---@field sudo? boolean|string as root, or as that user

---The operations, bound to this server: each brings one thing into a state and changes only what
---differs. `sudo` is for all of them: as root, or as that user.
---@param opts? mr.OpsOpts
---@return mr.Ops
function Remote:ops(opts) end

---What becomes of a file on its way into the workspace.
---@class mr.WorkspaceOpts
---@field modifier? (fun(text: string): string|Secret)|(fun(text: string): string|Secret)[] text -> text
---@field values? table<string, any> makes it a template, with these values
---@field mode? string permissions; a new file gets 0644
---@field to? string its name there, folders may be in it; else the one here
---@field sudo? boolean|string as root, or as that user; else as the login

---Brings a local file into `cache/` of the server's workspace; a path that is not absolute is below the
---setting `local_workspace`. What is there already stays as it is.
---```lua
---if mr.exists "jobs.json" then
---  server("web-01"):upload_cache_file("jobs.json", { to = "jobs/all.json" })
---end
---```
---@param from string
---@param opts? mr.WorkspaceOpts
---@return mr.OpResult
function Remote:upload_cache_file(from, opts) end

---The same for `assets/`.
---```lua
---local function unix(text)
---  return (text:gsub("\r\n", "\n"))
---end
---if mr.exists "app.conf" then
---  server("web-01"):upload_asset_file("app.conf", { values = { port = 8080 }, modifier = unix })
---end
---```
---@param from string
---@param opts? mr.WorkspaceOpts
---@return mr.OpResult
function Remote:upload_asset_file(from, opts) end

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
---```lua
---local s = server "web-01"
---s:meta_set("role", "edge")
---s:meta_set { rank = 3, ports = { 22, 80 } }
---```
---@param key string|table<string, any>
---@param value? any
function Server:meta_set(key, value) end

---Adds tags.
---@param ... string
function Server:tag(...) end

---Takes tags off.
---@param ... string
function Server:untag(...) end

---With what to log in.
---@class mr.OwnOpts
---@field key? string path of a private key
---@field key_only? boolean no agent, no password
---@field no_password? boolean
---@field without? string a public key (`TYPE BASE64`) that is not offered

---A session of its own.
---```lua
---local proof <close> = server("web-01"):connect { key_only = true }
---print(proof:capture "id -un")
---```
---@param opts? mr.OwnOpts
---@return Ssh
function Server:connect(opts) end

---Closes the run's session; the next verb opens a new one.
function Server:release() end

---Connections to what is not in the inventory.
---@class mr.SshModule
ssh = {}

---Where to, and with what to log in.
---@class mr.ConnectOpts
---@field host string
---@field user? string yours when not given
---@field port? integer 22 when not given
---@field password? string|Secret
---@field key? string path of a private key
---@field key_only? boolean no agent, no password
---@field jump? string Jump hosts, the nearest first: ids, or `user@host:port`, joined by commas.

---Connects.
---```lua
---local box <close> = ssh.connect { host = "203.0.113.9", user = "root", key = "~/.ssh/id_ed25519" }
---print(box:capture "hostname")
---```
---@param opts mr.ConnectOpts
---@return Ssh
function ssh.connect(opts) end

---This machine: the same verbs, without a connection.
---```lua
---print(ssh.here():capture "uname -s")
---```
---@return Ssh
function ssh.here() end

---A session of its own. It ends with `close`, with the scope of a `<close>` variable, or unused.
---@class Ssh : mr.Remote
---@field id string
local Ssh = {}

---Says goodbye and waits for it.
function Ssh:close() end
