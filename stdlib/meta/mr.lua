---@meta

---The variables of `-e`.
---@type table<string, any>
vars = {}

---A text that never shows: it prints as `[redacted]`.
---@class Secret

---What is raised, as `mr.try` and `pcall` give it.
---@class mr.Err
---@field kind "connect"|"auth"|"host_key"|"timeout"|"exit"|"transfer"|"docker"|"tunnel"|"usage"|"script"|"cancelled"
---@field message string
---@field server string?
---@field command string?
---@field code integer?
---@field stderr string?
---@field hint string?
---@field reason string? one word of those of its kind, where there are: see `Remote:docker`
---@field evidence table? what a container that failed has to say for itself: state, health checks, last lines

---The commands on the servers, when they are not in the usual place.
---@class mr.ConfigCommands
---@field bash string
---@field docker string
---@field docker_compose string

---The settings as they count in this run; `mroom config` tells what each is.
---@class mr.Config
---@field commands mr.ConfigCommands
---@field data_dir string folder of the database
---@field public_key string public key that the cert stage installs
---@field key_dir string folder of the private keys
---@field key_comment string comment that marks our key
---@field known_hosts string known host keys, read and appended to
---@field remote_workspace string workspace on the servers, below home
---@field local_workspace string workspace on this machine
---@field ram_gb integer RAM that a server should have, GB
---@field disk_gb integer disk that a server should have, GB
---@field strict boolean too little RAM or disk fails the env stage
---@field compose_version string Docker Compose version
---@field default_stages string[] stages of `bringup`
---@field forks integer servers worked on at once
---@field timeout integer seconds to connect and authenticate
---@field keepalive integer seconds between keepalives, 0 for none
---@field log boolean keep a log of what goes to servers (`mroom log`)
---@field log_days integer days that the log keeps, 0 for all
---@field log_rows integer entries that the log keeps, 0 for all
---@field lua mr.ConfigLua
---@field health mr.ConfigHealth

---Thresholds of `server:health()`: `warn,critical`, `-` for never.
---@class mr.ConfigHealth
---@field load string load on each processor that warns, that is critical
---@field memory string memory in use, percent
---@field swap string swap in use, percent
---@field disk string the fullest file system, percent
---@field inodes string its inodes, percent
---@field units string units that have failed
---@field updates string updates that wait
---@field security string those of them for security
---@field reboot string a restart that is waited for
---@field clock string the clock is off, seconds
---@field certs string days left of a certificate
---@field oom string processes killed for want of memory
---@field containers string containers that are not well
---@field vulnerabilities string critical ones in images that run

---Bounds of what Lua code may use.
---@class mr.ConfigLua
---@field memory_mb integer memory that Lua code may take, MB, 0 for any
---@field instructions integer instructions of Lua without a call that waits, 0 for any

---Helpers for playbooks and stages.
---@class mr
---@field version string
---@field check boolean the run is in check mode
---@field config mr.Config the effective settings
mr = {}

---The values of f(...), or nil and the error: the one way to go on after a call that cannot do its
---work. A method is handed over with its object.
---```lua
---local s = server "web-01"
---local state, err = mr.try(s.capture, s, "systemctl is-active nginx")
---if err and err.kind == "exit" then
---  s:warn("nginx is not active: " .. tostring(err.code))
---elseif err then
---  error(err)
---end
---print(state)
---```
---@generic T
---@param f fun(...: any): T, any
---@param ... any
---@return T?
---@return mr.Err?
function mr.try(f, ...) end

---Which TCP ports of a host answer, found by connecting to them. A list of hosts is scanned at once
---and gives a list; one that cannot be asked has `err` in there, and raises when it is the only one.
---```lua
---local scan = mr.scan("203.0.113.9", { ports = "1-1024", banner = true })
---for _, open in ipairs(scan.open) do
---  print(open.port, open.name, open.banner)
---end
---```
---@overload fun(hosts: string[], opts?: mr.ScanOpts): mr.ScanOfMany[]
---@param host string
---@param opts? mr.ScanOpts
---@return mr.Scan
function mr.scan(host, opts) end

---@class mr.FailOpts
---@field hint? string what to do about it

---Raises an error of kind `script`.
---@param message string
---@param opts? mr.FailOpts
function mr.fail(message, opts) end

---@class mr.RetryOpts
---@field tries? integer 3 when not given
---@field delay? number seconds before the second try, 1 when not given
---@field backoff? number how much longer each further delay is, 2 times when not given

---Calls f until it does not raise. Wrong usage and Ctrl-C are not tried again.
---```lua
---local page = mr.retry(function()
---  return server("web-01"):capture "curl -fsS localhost/health"
---end, { tries = 5, delay = 2 })
---print(page)
---```
---@generic T
---@param f fun(try: integer): T, any
---@param opts? mr.RetryOpts
---@return T
function mr.retry(f, opts) end

---@class mr.WaitOpts
---@field timeout? number seconds, 60 when not given
---@field every? number seconds between two calls, 1 when not given
---@field what? string what is waited for, for the error

---Calls f until it gives something true; raises a `timeout` error when that takes too long.
---```lua
---local s = server "web-01"
---mr.wait(function()
---  return s:test "nc -z localhost 80"
---end, { timeout = 30, what = "the web server" })
---```
---@generic T
---@param f fun(): T, any
---@param opts? mr.WaitOpts
---@return T
function mr.wait(f, opts) end

---Waits. Servers that others work on go on.
---@param seconds number
function mr.sleep(seconds) end

---Seconds since the run began.
---@return number
function mr.now() end

---Says something to the person, on standard error.
---@param message string
function mr.log(message) end

---Shown with `-v`.
---@param message string
function mr.info(message) end

---Shown with `-vv`.
---@param message string
function mr.debug(message) end

---Warns.
---@param message string
function mr.warn(message) end

---A text that never shows: it is taken out of all that is printed, logged or raised.
---```lua
---local token = mr.secret(mr.env("TOKEN", "none"))
---server("web-01"):write("/etc/app/token", token, { mode = "0600", sudo = true })
---print(token) --> [redacted]
---```
---@param text string
---@return Secret
function mr.secret(text) end

---Asks a person for a secret, without echo.
---@param prompt string
---@return Secret
function mr.ask(prompt) end

---A yes/no question.
---@param question string
---@return boolean
function mr.confirm(question) end

---One word, or a list of words, quoted for a POSIX shell.
---```lua
---server("web-01"):run("cd " .. mr.quote "/srv/my app" .. " && ls | wc -l")
---```
---@param value string|number|(string|number)[]
---@return string
function mr.quote(value) end

---A local path with `~` put in.
---@param path string
---@return string
function mr.expand(path) end

---Is there a local file or folder?
---@param path string
---@return boolean
function mr.exists(path) end

---An environment variable of this machine; an error when it is not set and has no default.
---@param name string
---@param default? string
---@return string
function mr.env(name, default) end

---@class mr.TemplateOpts
---@field name? string what messages call it

---A template in Jinja's language: `{{ name }}`, `{% for item in list %}`, `{% if %}`, filters. What is not
---defined is an error. With a secret among the values the text is a secret.
---```lua
---local text = mr.template("{% for port in ports %}listen {{ port }};\n{% endfor %}", { ports = { 80, 443 } })
---server("web-01"):write("/etc/app.conf", text)
---```
---@param text string
---@param values table<string, any>
---@param opts? mr.TemplateOpts
---@return string|Secret
function mr.template(text, values, opts) end

---@class mr.TableOpts
---@field columns? string[] which keys, and in which order; else all of them, sorted

---A text table of records.
---```lua
---print(mr.table({ { id = "web-01", load = 0.3 } }, { columns = { "id", "load" } }))
---```
---@param records table[]
---@param opts? mr.TableOpts
---@return string
function mr.table(records, opts) end

---Any value as Lua text for people: what is very large is cut, secrets are taken out.
---@param value any
---@return string
function mr.inspect(value) end

---@class mr.JsonOpts
---@field pretty? boolean on many lines

---JSON.
---@class mr.json
---@field null any stands for null, which nil cannot in a table
mr.json = {}

---A value as JSON.
---@param value any
---@param opts? mr.JsonOpts
---@return string
function mr.json.encode(value, opts) end

---The value that a JSON text says.
---```lua
---local text = '[{ "name": "edge", "ports": [80, 443] }]'
---print(mr.json.decode(text)[1].ports[2])
---```
---@param text string
---@return any
function mr.json.decode(text) end

---A table that is written as a list, even when it is empty.
---@param list table
---@return table
function mr.json.array(list) end

---Small things that Lua's own `string` does not have.
---@class mr.text
mr.text = {}

---Without the white space around it.
---@param s string
---@return string
function mr.text.trim(s) end

---Its lines, without their ends.
---@param s string
---@return string[]
function mr.text.lines(s) end

---The parts between the separators; white space when none is given.
---@param s string
---@param separator? string
---@return string[]
function mr.text.split(s, separator) end

---Does it begin so?
---@param s string
---@param start string
---@return boolean
function mr.text.starts_with(s, start) end

---Does it end so?
---@param s string
---@param finish string
---@return boolean
function mr.text.ends_with(s, finish) end

---Is that part in it?
---@param s string
---@param part string
---@return boolean
function mr.text.contains(s, part) end

---Every line behind n blanks.
---@param s string
---@param n? integer 2 when not given
---@return string
function mr.text.indent(s, n) end

---Without the indent that all lines share.
---@param s string
---@return string
function mr.text.dedent(s) end

---`key=value` lines as a table.
---@param s string
---@return table<string, string>
function mr.text.pairs(s) end

---What brings servers through stages; `Fleet:stage` is the usual way to it.
---@class mr.stage
mr.stage = {}

---One stage, validated, and the file it came from.
---@param name string
---@return mr.Stage
---@return string
function mr.stage.load(name) end

---All stages that there are, by name.
---@return mr.Stage[]
function mr.stage.all() end

---The value, when it is a stage; else an error that names the file and the key.
---@param value any
---@param name string as the file is called
---@param file string for the message
---@return mr.Stage
function mr.stage.validate(value, name, file) end

---The stages and what they need, in the order in which they run.
---@param names string[]
---@return mr.Stage[]
function mr.stage.sorted(names) end

---One stage of a run, with the options that count.
---@class mr.PlanStep
---@field stage mr.Stage
---@field options table<string, any>

---The work of these stages, validated.
---@param names string[]
---@param options? table<string, table<string, any>> the options of each: `{ cert = { key = … } }`
---@return mr.PlanStep[]
function mr.stage.plan(names, options) end

---Brings one server through a plan.
---@param s Server
---@param plan mr.PlanStep[]
---@return mr.StageResult
function mr.stage.run(s, plan) end

---What `Fleet:stage` does.
---@param fleet Fleet
---@param names string|string[]
---@param opts? mr.FleetStageOpts
---@return mr.Outcome<mr.StageResult>[]
function mr.stage.on_fleet(fleet, names, opts) end
