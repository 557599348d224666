---@meta

---What an operation came to. Looking at `changed` of an `unknown` one makes the server's outcome
---unknown, too: check mode does not guess.
---@class mr.OpResult
---@field op string the operation's name
---@field target string what it worked on
---@field status "ok"|"changed"|"unknown"|"skipped"
---@field changed boolean something is different now; in check mode: would be
---@field changes string[] what, one difference each: `mode 0755 -> 0700`

---What every operation takes.
---@class mr.ops.Common
---@field notify? string|string[] handlers that run at the end when something has changed
---@field sudo? boolean|string as root, or as that user

---The operations of a server: `s:ops()` gives them.
---@class mr.Ops
local Ops = {}

---What is to be done once, at the end, because an operation with `notify` has changed something.
---Handlers run in the order in which they are defined. One that has not ended well waits for the next
---run of the same script or stage.
---```lua
---local on = server("web-01"):ops()
---on:handler("tell", function()
---  mr.log "the greeting is new"
---end)
---on:file("/etc/motd", { content = "hello\n", notify = "tell" })
---```
---@param name string
---@param body fun()
function Ops:handler(name, body) end

---Runs the handlers that wait now, not at the end.
function Ops:flush() end

---The same operations as another user.
---@param user boolean|string
---@return mr.Ops
function Ops:as_user(user) end

---What every operation that writes a file takes.
---@class mr.ops.WriteOpts : mr.ops.Common
---@field mode? string permissions; a new file gets 0644
---@field owner? string|integer user's name or id
---@field group? string|integer group's name or id
---@field backup? boolean keeps a copy PATH.TIME.bak
---@field validate? string a command that must accept the new content, such as `visudo -cf %s`

---@class mr.ops.FileOpts : mr.ops.WriteOpts
---@field content? string|Secret what is in it; a secret is hidden in diffs
---@field from? string a local file that has the content
---@field state? "present"|"absent" whether it is there
---@field force? boolean replaces a symbolic link
---@field secret? boolean hides the content in diffs

---A file: its content, mode and owner.
---```lua
---local on = server("web-01"):ops()
---on:file("/etc/motd", { content = "Kept by mroom.\n", mode = "0644" })
---```
---@param path string absolute path on the server
---@param opts? mr.ops.FileOpts
---@return mr.OpResult
function Ops:file(path, opts) end

---@class mr.ops.DirOpts : mr.ops.Common
---@field mode? string permissions; a new folder gets 0755
---@field owner? string|integer user's name or id
---@field group? string|integer group's name or id
---@field recurse? boolean owner and group of what is in it, too
---@field state? "present"|"absent" whether it is there; `absent` removes what is in it, too
---@field force? boolean replaces a symbolic link

---A folder: its mode and owner.
---```lua
---local on = server("web-01"):ops()
---on:dir("/srv/app", { mode = "0750", owner = "app" })
---```
---@param path string absolute path on the server
---@param opts? mr.ops.DirOpts
---@return mr.OpResult
function Ops:dir(path, opts) end

---@class mr.ops.LinkOpts : mr.ops.Common
---@field to? string what it leads to; relative to the link's folder
---@field hard? boolean a second name of the file, not a symbolic link
---@field owner? string|integer user's name or id; of the link itself
---@field group? string|integer group's name or id; of the link itself
---@field state? "present"|"absent" whether it is there
---@field force? boolean replaces a file

---A symbolic or hard link.
---```lua
---local on = server("web-01"):ops()
---on:link("/srv/current", { to = "releases/7" })
---```
---@param path string absolute path of the link
---@param opts? mr.ops.LinkOpts
---@return mr.OpResult
function Ops:link(path, opts) end

---@class mr.ops.LineOpts : mr.ops.WriteOpts
---@field line? string the line, without its end
---@field match? string a Lua pattern: the last line that fits is replaced
---@field after? string a Lua pattern: a new line goes behind the last that fits
---@field before? string a Lua pattern: a new line goes before the first that fits
---@field state? "present"|"absent" whether it is there; `absent` removes all that fit
---@field create? boolean makes the file when it is not there
---@field secret? boolean hides the content in diffs

---One line of a file that others write, too.
---```lua
---local on = server("web-01"):ops { sudo = true }
---on:line("/etc/ssh/sshd_config", {
---  line = "PermitRootLogin no",
---  match = "^#?PermitRootLogin%s",
---  validate = "sshd -tf %s",
---})
---```
---@param path string absolute path on the server
---@param opts? mr.ops.LineOpts
---@return mr.OpResult
function Ops:line(path, opts) end

---@class mr.ops.BlockOpts : mr.ops.WriteOpts
---@field content? string|Secret the lines; a secret has no line end of its own
---@field name? string tells blocks of one file apart
---@field comment? string how a comment begins in this file
---@field comment_end? string how it ends, such as `-->`
---@field after? string a Lua pattern: a new block goes behind the last that fits
---@field before? string a Lua pattern: a new block goes before the first that fits
---@field state? "present"|"absent" whether it is there
---@field create? boolean makes the file when it is not there
---@field secret? boolean hides the content in diffs

---Lines of a file between two markers.
---```lua
---local on = server("web-01"):ops { sudo = true }
---on:block("/etc/hosts", { name = "cluster", content = "10.0.0.1 a\n10.0.0.2 b\n" })
---```
---@param path string absolute path on the server
---@param opts? mr.ops.BlockOpts
---@return mr.OpResult
function Ops:block(path, opts) end

---@class mr.ops.TemplateOpts : mr.ops.WriteOpts
---@field from? string a local file, the template
---@field text? string the template itself
---@field values? table what the template knows; a secret makes all of it one
---@field force? boolean replaces a symbolic link
---@field secret? boolean hides the content in diffs

---A file made of a template and values: Jinja's language, as in `mr.template`.
---```lua
---local on = server("web-01"):ops()
---on:template("/srv/app/app.conf", { text = "port = {{ port }}\n", values = { port = 80 } })
---```
---@param path string absolute path on the server
---@param opts? mr.ops.TemplateOpts
---@return mr.OpResult
function Ops:template(path, opts) end

---@class mr.ops.CopyOpts : mr.ops.WriteOpts
---@field force? boolean replaces a symbolic link
---@field secret? boolean hides the content in diffs

---A file or folder of this machine on the server; only what differs goes over.
---```lua
---local on = server("web-01"):ops()
---on:copy("disk.lua", "/srv/app/disk.lua", { mode = "0644" })
---```
---@param from string file or folder of this machine
---@param path string absolute path on the server
---@param opts? mr.ops.CopyOpts
---@return mr.OpResult
function Ops:copy(from, path, opts) end
