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

---Helpers for playbooks and stages.
---@class mr
---@field version string
---@field check boolean the run is in check mode
---@field config table<string, any> the effective settings
mr = {}

---The values of f(...), or nil and the error.
---@generic T
---@param f fun(...): T
---@param ... any
---@return T?
---@return mr.Err?
function mr.try(f, ...) end

---Raises an error of kind `script`.
---@param message string
---@param opts? { hint?: string }
function mr.fail(message, opts) end

---Calls f until it does not raise.
---@generic T
---@param f fun(try: integer): T
---@param opts? { tries?: integer, delay?: number, backoff?: number }
---@return T
function mr.retry(f, opts) end

---Calls f until it gives something true; raises a `timeout` error when that takes too long.
---@generic T
---@param f fun(): T
---@param opts? { timeout?: number, every?: number, what?: string }
---@return T
function mr.wait(f, opts) end

---@param seconds number
function mr.sleep(seconds) end

---Seconds since the run began.
---@return number
function mr.now() end

---@param message string
function mr.log(message) end
---Shown with `-v`.
---@param message string
function mr.info(message) end
---Shown with `-vv`.
---@param message string
function mr.debug(message) end
---@param message string
function mr.warn(message) end

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

---A template in Jinja's language: `{{ name }}`, `{% for item in list %}`, `{% if %}`, filters. What is not
---defined is an error. With a secret among the values the text is a secret.
---@param text string
---@param values table<string, any>
---@param opts? { name?: string } what messages call it
---@return string|Secret
function mr.template(text, values, opts) end

---A text table of records.
---@param records table[]
---@param opts? { columns?: string[] }
---@return string
function mr.table(records, opts) end

---Any value as Lua text for people: what is very large is cut, secrets are taken out.
---@param value any
---@return string
function mr.inspect(value) end

---@class mr.json
---@field null any
mr.json = {}
---@param value any
---@param opts? { pretty?: boolean }
---@return string
function mr.json.encode(value, opts) end
---@param text string
---@return any
function mr.json.decode(text) end
---A table that is written as a list, even when it is empty.
---@param list table
---@return table
function mr.json.array(list) end

---@class mr.text
mr.text = {}
---Without the white space around it.
---@param s string
---@return string
function mr.text.trim(s) end
---@param s string
---@return string[]
function mr.text.lines(s) end
---The parts between the separators; white space when none is given.
---@param s string
---@param separator? string
---@return string[]
function mr.text.split(s, separator) end
---@param s string
---@param start string
---@return boolean
function mr.text.starts_with(s, start) end
---@param s string
---@param finish string
---@return boolean
function mr.text.ends_with(s, finish) end
---@param s string
---@param part string
---@return boolean
function mr.text.contains(s, part) end
---@param s string
---@param n? integer
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

---@class mr.stage
mr.stage = {}
---One stage, validated, and the file it came from.
---@param name string
---@return mr.Stage
---@return string
function mr.stage.load(name) end
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
---The work of these stages, validated.
---@param names string[]
---@param options? table<string, table>
---@return table
function mr.stage.plan(names, options) end
---Brings one server through a plan.
---@param s Server
---@param plan table
---@return table
function mr.stage.run(s, plan) end
---What `Fleet:stage` does.
---@param fleet Fleet
---@param names string|string[]
---@param opts? table
---@return mr.Outcome[]
function mr.stage.on_fleet(fleet, names, opts) end
