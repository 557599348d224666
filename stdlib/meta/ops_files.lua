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
---@param name string
---@param body fun()
function Ops:handler(name, body) end

---Runs the handlers that wait now, not at the end.
function Ops:flush() end

---@class mr.ops.FileOpts : mr.ops.Common
---@field content? string|Secret what is in it; a secret is hidden in diffs
---@field from? string a local file that has the content
---@field mode? string permissions; a new file gets 0644
---@field owner? string|integer user's name or id
---@field group? string|integer group's name or id
---@field state? "present"|"absent" whether it is there
---@field force? boolean replaces a symbolic link
---@field backup? boolean keeps a copy PATH.TIME.bak
---@field validate? string a command that must accept the new content, such as `visudo -cf %s`
---@field secret? boolean hides the content in diffs

---A file: its content, mode and owner.
---```lua
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
---@field state? "present"|"absent" whether it is there; `absent` removes what is in it, too
---@field force? boolean replaces a symbolic link

---A folder: its mode and owner.
---```lua
---on:dir("/srv/app", { mode = "0750" })
---```
---@param path string absolute path on the server
---@param opts? mr.ops.DirOpts
---@return mr.OpResult
function Ops:dir(path, opts) end
