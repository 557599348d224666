---@meta

---@class mr.Remote
local Remote = {}

---How to get at docker. Without options the login's own way is found: as it is, else by sudo
---without a password, else the socket of a rootless daemon.
---@class mr.DockerOpts
---@field sudo? boolean|string as root, or as that user; `false`: as the login
---@field host? string the daemon: "unix:///run/user/1000/docker.sock", "tcp://127.0.0.1:2375"
---@field context? string one of docker's contexts on the server

---Docker on it. Nothing is asked before the first verb.
---```lua
---local d = server("web-01"):docker()
---for _, c in ipairs(d:ps { all = true }) do
---  print(c.name, c.state, c.health)
---end
---```
---Errors are of the kind `docker`; `err.reason` says which: absent, daemon_down, permission,
---api_version, not_found, conflict, unauthorized, rate_limit, registry, unhealthy, no_space,
---platform, port_taken, invalid.
---@param opts? mr.DockerOpts
---@return Docker
function Remote:docker(opts) end

---Docker on one server.
---@class Docker
local Docker = {}

---A port of a container.
---@class mr.ContainerPort
---@field port integer in the container
---@field protocol string
---@field host_ip? string
---@field host_port? integer none when it is only exposed

---A network of a container.
---@class mr.ContainerNetwork
---@field ip? string
---@field aliases string[]

---What is mounted into a container.
---@class mr.ContainerMount
---@field type string bind, volume or tmpfs
---@field name? string of a volume
---@field source? string
---@field target string
---@field is_read_only boolean

---A container. Times are seconds since 1970.
---@class mr.Container
---@field id string
---@field name string
---@field image string as it was given
---@field image_id string
---@field command string
---@field state string created, running, paused, restarting, removing, exited or dead
---@field status string as `docker ps` tells it
---@field health? "healthy"|"unhealthy"|"starting"
---@field created integer
---@field started? integer
---@field finished? integer of one that has ended
---@field exit_code? integer of one that has ended
---@field error? string why it did not start
---@field is_oom_killed boolean
---@field restarts integer how often it was restarted by itself
---@field restart string the policy
---@field ports mr.ContainerPort[]
---@field labels table<string, string>
---@field networks table<string, mr.ContainerNetwork>
---@field mounts mr.ContainerMount[]

---Which containers.
---@class mr.PsOpts
---@field all? boolean those too that do not run
---@field filter? table<string, string|string[]> as `docker ps --filter` takes them

---Its containers, in one round trip.
---```lua
---local d = server("web-01"):docker()
---print(#d:ps { filter = { label = "machineroom.app=shop" } })
---```
---@param opts? mr.PsOpts
---@return mr.Container[]
function Docker:ps(opts) end

---What to look into.
---@class mr.InspectOpts
---@field type? "container"|"image"|"network"|"volume" when several have the name

---What docker itself says of something, with docker's own names; nil when there is none.
---```lua
---local d = server("web-01"):docker()
---local raw = d:inspect("web", { type = "container" })
---print(raw and raw.Id)
---```
---@param name string
---@param opts? mr.InspectOpts
---@return table?
function Docker:inspect(name, opts) end

---A check that docker makes itself.
---@class mr.ContainerHealth
---@field command? string|string[]|false a text for the container's `sh`; `false`: none, though the image has one
---@field interval? number seconds
---@field timeout? number seconds
---@field retries? integer
---@field start_period? number seconds

---Where its output goes.
---@class mr.ContainerLog
---@field driver? string
---@field options? table<string, string|number>

---A container to be.
---@class mr.ContainerOpts
---@field image string
---@field name? string
---@field command? mr.Command a text for the container's `sh`, or a list of words
---@field ports? string|(string|number)[] "80:80", "127.0.0.1:8080:80/tcp"
---@field volumes? string|string[] "data:/data", "/srv/conf:/etc/app:ro"
---@field env? table<string, string|number|boolean|Secret>|string[] a secret goes in over standard input
---@field env_file? string|string[] files on the server
---@field labels? table<string, string|number>|string[]
---@field network? string
---@field aliases? string|string[] its names in that network
---@field restart? string no, always, unless-stopped, on-failure[:N]
---@field user? string|integer
---@field workdir? string
---@field entrypoint? string|string[]
---@field memory? string|integer "512m", or bytes
---@field cpus? number
---@field hostname? string
---@field add_hosts? table<string, string>|string[] names and their addresses
---@field cap_add? string|string[]
---@field cap_drop? string|string[]
---@field privileged? boolean
---@field read_only? boolean
---@field devices? string|string[]
---@field tmpfs? string|string[]
---@field ulimits? table<string, string|number>|string[]
---@field sysctls? table<string, string|number>|string[]
---@field health? mr.ContainerHealth
---@field log? mr.ContainerLog
---@field detach? boolean `false`: wait for its end, and give the result of a command
---@field rm? boolean remove it when it has ended
---@field pull? "missing"|"always"|"never"
---@field stop_timeout? number seconds from the signal to the kill
---@field init? boolean
---@field platform? string
---@field on_conflict? "fail"|"replace"|"keep" when there is one of that name
---@field extra? string[] further flags of `docker run`
---@field timeout? number seconds that the command may take, its pull included

---Makes a container and starts it. One that cannot be started is removed again.
---```lua
---local d = server("web-01"):docker()
---local c = d:run {
---  image = "nginx:1.27",
---  name = "edge",
---  ports = { "80:80" },
---  env = { TOKEN = mr.secret "t0ken-of-edge" },
---  restart = "unless-stopped",
---  on_conflict = "replace",
---}
---print(c.id, c.state)
---```
---@param opts mr.ContainerOpts
---@return mr.Container|mr.Result
function Docker:run(opts) end

---Makes a container without starting it.
---```lua
---local d = server("web-01"):docker()
---d:create { image = "nginx:1.27", name = "edge" }
---d:start "edge"
---```
---@param opts mr.ContainerOpts
---@return mr.Container
function Docker:create(opts) end

---Starts containers.
---@param names string|string[]
function Docker:start(names) end

---How to stop.
---@class mr.StopOpts
---@field timeout? number seconds from the signal to the kill

---Stops containers.
---```lua
---local d = server("web-01"):docker()
---d:stop({ "web", "worker" }, { timeout = 5 })
---```
---@param names string|string[]
---@param opts? mr.StopOpts
function Docker:stop(names, opts) end

---Stops containers and starts them again.
---@param names string|string[]
---@param opts? mr.StopOpts
function Docker:restart(names, opts) end

---Which signal.
---@class mr.KillOpts
---@field signal? string KILL when not given

---Sends a signal to containers.
---@param names string|string[]
---@param opts? mr.KillOpts
function Docker:kill(names, opts) end

---What to remove.
---@class mr.RmOpts
---@field force? boolean those too that run
---@field volumes? boolean their nameless volumes too

---Removes containers.
---```lua
---server("web-01"):docker():rm("old", { force = true })
---```
---@param names string|string[]
---@param opts? mr.RmOpts
function Docker:rm(names, opts) end

---Gives a container another name.
---@param from string
---@param to string
function Docker:rename(from, to) end

---How long to wait.
---@class mr.DockerWaitOpts
---@field timeout? number seconds

---Waits until a container has ended; gives its exit code.
---@param name string
---@param opts? mr.DockerWaitOpts
---@return integer
function Docker:wait(name, opts) end

---Which part of what a container said.
---@class mr.LogsOpts
---@field tail? integer|string that many lines from the end
---@field since? string|integer "10m", a moment, or seconds since 1970
---@field until_? string|integer
---@field timestamps? boolean
---@field follow? boolean go on until the container ends
---@field on_line? fun(line: string, stream: "stdout"|"stderr"): boolean? called with each line; false ends it
---@field timeout? number seconds

---What a container has said. With `on_line` both are empty.
---```lua
---local d = server("web-01"):docker()
---print(d:logs("web", { tail = 20 }).stderr)
---d:logs("web", {
---  follow = true,
---  on_line = function(line)
---    return not line:find "ready"
---  end,
---})
---```
---@param name string
---@param opts? mr.LogsOpts
---@return { stdout: string, stderr: string }
function Docker:logs(name, opts) end

---How to run a command in a container.
---@class mr.DockerExecOpts
---@field user? string|integer
---@field workdir? string
---@field env? table<string, string|number|boolean|Secret>|string[]
---@field stdin? string|Secret what it reads
---@field check? boolean `false`: an exit code other than 0 is no error
---@field timeout? number seconds

---Runs a command in a container: a text for its `sh`, or a list of words.
---```lua
---local d = server("db-01"):docker()
---print(d:exec("db", { "psql", "-c", "select 1" }, { user = "postgres" }).stdout)
---```
---@param name string
---@param command mr.Command
---@param opts? mr.DockerExecOpts
---@return mr.Result
function Docker:exec(name, command, opts) end

---How to copy into a container.
---@class mr.CpToOpts
---@field mode? string octal, such as "0644"

---Copies a local file or folder, or a text, into a container. `path` is its new name; one that ends
---in `/` is the folder for it. It may be as long as you like: on its way it is in a temporary file (in
---`TMPDIR`), not in memory. A file that changes while it is read is an error.
---```lua
---local d = server("web-01"):docker()
---d:cp_to("web", { content = "on" }, "/etc/app/flag", { mode = "0600" })
---```
---@param name string
---@param from string|{ content: string|Secret }
---@param path string
---@param opts? mr.CpToOpts
function Docker:cp_to(name, from, path, opts) end

---Copies a file or folder out of a container; gives the bytes. Links are left out. Nothing is written
---until all of it is there, in a temporary file (in `TMPDIR`); more than 64 GiB is an error.
---@param name string
---@param path string
---@param to string local
---@return integer
function Docker:cp_from(name, path, to) end

---What a container uses now. Sizes are bytes, `cpu` and `memory_percent` percent.
---@class mr.ContainerStats
---@field id string
---@field name string
---@field cpu? number
---@field memory? integer
---@field memory_limit? integer
---@field memory_percent? number
---@field net_in? integer
---@field net_out? integer
---@field block_in? integer
---@field block_out? integer
---@field pids? integer

---What containers use now, those that run when none is named.
---@param names? string|string[]
---@return mr.ContainerStats[]
function Docker:stats(names) end
