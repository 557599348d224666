---@meta

-- Operations that bring files from elsewhere to a server. What all operations take, and what they
-- give, is in ops_files.lua.

---@class mr.Ops
local Ops = {}

---@class mr.ops.SyncOpts : mr.ops.Common
---@field delete? boolean remove what is only on the server
---@field exclude? string[] patterns of what is neither copied nor removed: `*.log` `/cache/` `docs/**/*.tmp`
---@field mode? string of files; else 0755 for what is executable here, and 0644
---@field dir_mode? string of folders; else 0755 for new ones
---@field owner? string|integer of everything, a name or id
---@field group? string|integer of everything, a name or id

---What is in a folder of this machine, in a folder on the server: only what differs in size or SHA-256
---goes over, and one look tells of the whole tree. Links stay links and are never followed.
---```lua
---on:sync("dist", "/srv/app", { delete = true, exclude = { "*.log", "/uploads/" }, owner = "app" })
---```
---@param from string folder of this machine, here or beside the script; what is in it is copied
---@param to string folder on the server
---@param opts? mr.ops.SyncOpts
---@return mr.OpResult
function Ops:sync(from, to, opts) end

---@class mr.ops.DownloadOpts : mr.ops.Common
---@field sha256? string the SHA-256 that it must have, 64 hexadecimal digits
---@field unverified? boolean take what comes, without a SHA-256; a file that is there is left alone
---@field mode? string permissions of the file; 0644 when not given
---@field owner? string|integer its owner, a name or id
---@field group? string|integer its group, a name or id
---@field user? string user for a server that asks for one
---@field password? string|Secret that user's password
---@field headers? table<string, string|Secret> header lines: name = value or secret
---@field connect_timeout? integer seconds to wait for a connection; 20 when not given
---@field timeout? integer seconds that all may take; 1800 when not given

---A file that the server fetches from the web by its own curl or wget. It is put into its place whole,
---and only when its SHA-256 is the right one. Nobody on the server sees the URL, password or headers.
---```lua
---on:download("https://example.org/tool-1.2.tar.gz", "/var/cache/tool.tar.gz", {
---  sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
---})
---```
---@param url string|Secret https:// or http://; may be a secret
---@param to string the file on the server
---@param opts? mr.ops.DownloadOpts
---@return mr.OpResult
function Ops:download(url, to, opts) end

---@class mr.ops.GitOpts : mr.ops.Common
---@field revision? string branch, tag or whole commit; else the remote's HEAD
---@field depth? integer so many commits of history; 0, which is all, when not given
---@field submodules? boolean its submodules too
---@field force? boolean throw away what was changed or committed in the clone
---@field timeout? integer seconds that each git command may take; 1800 when not given

---A clone at the commit that a branch or tag of its remote has now. A clone in which something was
---changed is refused unless `force`.
---```lua
---on:git("https://example.org/app.git", "/srv/app/source", { revision = "v2", sudo = "app" })
---```
---@param url string https, ssh, or a path on the server
---@param to string folder of the clone
---@param opts? mr.ops.GitOpts
---@return mr.OpResult
function Ops:git(url, to, opts) end

---@class mr.ops.ArchiveOpts : mr.ops.Common
---@field remote? boolean the archive is on the server already
---@field format? "tar"|"tar.gz"|"tar.bz2"|"tar.xz"|"tar.zst"|"zip" else by the archive's name
---@field strip? integer so many folders are taken off each name; 0 when not given
---@field sha256? string the SHA-256 that the archive must have
---@field owner? string|integer of all that comes out, a name or id
---@field group? string|integer of all that comes out, a name or id
---@field timeout? integer seconds that unpacking may take; 1800 when not given

---What is in a tar or zip archive, in a folder. It is unpacked again when the archive is another one,
---or when something that came out of it is missing; files that were changed since stay until then. An
---archive with a name that leads out of the folder is refused.
---```lua
---on:archive("tool-1.2.tar.gz", "/opt/tool", { strip = 1 })
---on:archive("/var/cache/tool.tar.gz", "/opt/tool", { strip = 1, remote = true })
---```
---@param from string the archive, on this machine, here or beside the script
---@param to string folder on the server; it is made when it is missing
---@param opts? mr.ops.ArchiveOpts
---@return mr.OpResult
function Ops:archive(from, to, opts) end
