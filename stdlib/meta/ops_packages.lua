---@meta

---@class mr.Ops
local Ops = {}

---@class mr.ops.PackageOpts : mr.ops.Common
---@field state? "present"|"latest"|"absent" `latest` upgrades to what the lists have
---@field purge? boolean removes settings too (apt, apk, pacman)
---@field update? integer refreshes lists that are older, seconds; else only when they lack something
---@field hold? boolean keeps the version from upgrades; `false` frees it
---@field downgrade? boolean an older version may be installed
---@field recommends? boolean with what is recommended; else as the server is set up
---@field manager? "apt"|"dnf"|"yum"|"zypper"|"pacman"|"apk"|"brew" else the one of the system
---@field args? string[] further words for the manager's command
---@field lock_timeout? integer waits for a lock, seconds
---@field timeout? integer for one command, seconds

---Packages: there, not there, newest, in one version, held. All of a call go to the manager in one
---command. While somebody else has its lock it waits, and says for whom.
---```lua
---on:package({ "nginx", "curl" }, { update = 3600 })
---on:package("lab-greeter=1.*", { hold = true })
---on:package("telnetd", { state = "absent", purge = true })
---```
---@param names string|string[] `nginx`, `nginx=1.22*`, or the path of a package file on the server
---@param opts? mr.ops.PackageOpts
---@return mr.OpResult
function Ops:package(names, opts) end

---@class mr.ops.RepoOpts : mr.ops.Common
---@field url? string|string[] where it is; several are mirrors of each other
---@field suites? string|string[] apt: `bookworm`, or a path with `/` at its end
---@field components? string|string[] apt: `main`
---@field architectures? string|string[] apt: `amd64`; else all of the system
---@field source? boolean apt: source packages too
---@field description? string dnf, yum, zypper: its long name
---@field key? string the text of the key that signs it
---@field key_file? string a local file that has the key
---@field key_url? string an https URL of the key, fetched by this machine
---@field trusted? boolean takes it without a signature
---@field enabled? boolean is it used?
---@field state? "present"|"absent" whether it is there
---@field refresh? boolean fetches its lists after a change
---@field manager? "apt"|"dnf"|"yum"|"zypper"|"pacman"|"apk"|"brew" else the one of the system
---@field lock_timeout? integer waits for a lock, seconds
---@field timeout? integer for fetching its lists, seconds

---A source of packages, with its key. Its lists are fetched after a change, and when that fails the
---source is taken back as it was.
---```lua
---on:repo("extra", { url = "file:/srv/extra", suites = "./", trusted = true })
---```
---@param name string what its files are called
---@param opts? mr.ops.RepoOpts
---@return mr.OpResult
function Ops:repo(name, opts) end

---@class mr.ops.ServiceOpts : mr.ops.Common
---@field state? "running"|"stopped"|"restarted"|"reloaded" the last two always do it, for handlers; what does not run is started by them
---@field enabled? boolean starts with the system
---@field masked? boolean cannot be started at all (systemd)
---@field user? boolean a service of the user's own systemd
---@field settle? integer looks so long whether it stays, seconds
---@field timeout? integer for starting and stopping, seconds
---@field runlevel? string of OpenRC

---A service: runs or not, starts with the system or not. One that dies right after its start is a
---failure, told with the last lines of its journal.
---```lua
---on:service("nginx", { state = "running", enabled = true })
---```
---@param name string `nginx`, `backup.timer`, `getty@tty1`
---@param opts? mr.ops.ServiceOpts
---@return mr.OpResult
function Ops:service(name, opts) end

---@class mr.ops.SystemdUnitOpts : mr.ops.Common
---@field content? string|Secret the text of the file
---@field sections? table or its settings: `{ Service = { ExecStart = … } }`; a list is several lines
---@field dropin? string a drop-in of this name, not the unit itself
---@field state? "present"|"absent" `absent` stops, disables and removes it
---@field enabled? boolean starts with the system
---@field running? boolean runs now
---@field restart? boolean restarts what runs after a change
---@field validate? boolean asks `systemd-analyze verify` first
---@field settle? integer looks so long whether it stays, seconds
---@field timeout? integer for starting and stopping, seconds

---A unit file or a drop-in of systemd; enabled, running.
---```lua
---on:systemd_unit("backup.timer", {
---  sections = {
---    Timer = { OnCalendar = "daily", Persistent = true },
---    Install = { WantedBy = "timers.target" },
---  },
---  enabled = true,
---})
---```
---@param name string `app.service`, `backup.timer`
---@param opts? mr.ops.SystemdUnitOpts
---@return mr.OpResult
function Ops:systemd_unit(name, opts) end

---@class mr.ops.FirewallOpts : mr.ops.Common
---@field state? "present"|"absent" whether these rules are there; others stay as they are
---@field policy? "allow"|"deny"|"reject" what happens to all else that comes in
---@field exact? boolean rules that are not in the list go
---@field enabled? boolean is the firewall on, now and after a start?
---@field backend? "ufw"|"firewalld"|"nftables" else the one that is installed
---@field zone? string firewalld: else its default zone
---@field ssh_port? integer the port of the connection, where it cannot be seen
---@field connection? "allow"|"refuse"|"ignore" when the rules leave the connection in use out: allow it first, fail, or shut it out

---Rules for what may come in. The port of the connection in use stays open: it is allowed first, and
---a rule that would shut it is refused.
---```lua
---on:firewall(
---  { "allow 80/tcp", "allow 5432/tcp from 10.0.0.0/8" },
---  { policy = "deny", enabled = true }
---)
---```
---@param rules string|(string|table)[] `allow 443/tcp`, `allow 5432/tcp from 10.0.0.0/8`, `deny from 203.0.113.7`
---@param opts? mr.ops.FirewallOpts
---@return mr.OpResult
function Ops:firewall(rules, opts) end
