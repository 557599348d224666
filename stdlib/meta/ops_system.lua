---@meta

---@class mr.Ops
local Ops = {}

---@class mr.ops.UserOpts : mr.ops.Common
---@field state? "present"|"absent" should it be there?
---@field uid? integer its number
---@field group? string its primary group; by default one of its own name
---@field groups? string[] further groups that it is in
---@field exact? boolean take it out of all other groups
---@field home? string its home folder
---@field create_home? boolean make the home folder; by default for new accounts that are not `system`
---@field move_home? boolean move what is in the home when `home` changes
---@field shell? string its login shell
---@field comment? string the full name, the fifth field of passwd
---@field system? boolean a new account is a system account
---@field password_hash? string|Secret hash of its password, as crypt(3) and `openssl passwd -6` make it
---@field locked? boolean no login by password; keys still open
---@field remove_home? boolean with `absent`: its home and mail go too

---An account: its groups, home, shell and password.
---```lua
---on:user("app", {
---  uid = 1500,
---  groups = { "video" },
---  shell = "/bin/sh",
---  home = "/srv/app",
---})
---```
---@param name string login name
---@param opts? mr.ops.UserOpts
---@return mr.OpResult
function Ops:user(name, opts) end

---@class mr.ops.GroupOpts : mr.ops.Common
---@field state? "present"|"absent" should it be there?
---@field gid? integer its number
---@field system? boolean a new group gets a system number
---@field members? string[] users that it has as members
---@field exact? boolean no others are members

---A group and its members.
---```lua
---on:group("deployers", { gid = 1600, members = { "root" } })
---```
---@param name string its name
---@param opts? mr.ops.GroupOpts
---@return mr.OpResult
function Ops:group(name, opts) end

---@class mr.ops.AuthorizedKeyOpts : mr.ops.Common
---@field state? "present"|"absent" should they be there?
---@field key? string|string[] a public key as text, or a list of them
---@field from? string a local file of public keys, instead of `key`
---@field options? string what stands before the key, such as `no-pty,from="10.*"`
---@field exclusive? boolean take all other keys out

---Public keys that open a user's login.
---```lua
---local key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPppppppppppppppppppppppppppppppppppppppppppp ada"
---on:authorized_key("app", { key = key, options = "no-pty" })
---```
---@param user string whose `~/.ssh/authorized_keys`
---@param opts? mr.ops.AuthorizedKeyOpts
---@return mr.OpResult
function Ops:authorized_key(user, opts) end

---@class mr.ops.CronOpts : mr.ops.Common
---@field state? "present"|"absent" should it be there?
---@field schedule? string when: `"*/5 * * * *"`, or `"@daily"`
---@field command? string what, as in crontab(5): `%` is written `\%`
---@field user? string as whom
---@field env? table<string, string|number> variables, such as `MAILTO`; only in /etc/cron.d
---@field to? "cron.d"|"crontab" a file in /etc/cron.d, or the user's own crontab; by default what the system reads

---Something that cron runs again and again.
---```lua
---on:cron("backup", {
---  schedule = "30 2 * * mon-fri",
---  command = "/usr/local/bin/backup >/dev/null",
---  env = { MAILTO = "ops@example.org" },
---})
---```
---@param name string its name, by which it is found again
---@param opts? mr.ops.CronOpts
---@return mr.OpResult
function Ops:cron(name, opts) end

---@class mr.ops.SysctlOpts : mr.ops.Common
---@field state? "present"|"absent" `absent`: out of the file; the running kernel keeps its value
---@field value? string|integer|boolean a text, a whole number, or true and false for 1 and 0
---@field file? string where it is written down
---@field persist? boolean write it down
---@field live? boolean set it now

---A setting of the kernel, now and after the next start.
---```lua
---on:sysctl("net.ipv4.ip_forward", { value = true })
---```
---@param name string such as `net.ipv4.ip_forward`
---@param opts? mr.ops.SysctlOpts
---@return mr.OpResult
function Ops:sysctl(name, opts) end

---@class mr.ops.HostnameOpts : mr.ops.Common
---@field hosts? boolean give it a line in /etc/hosts

---The server's own name, and its line in /etc/hosts.
---```lua
---on:hostname "web-01.example.org"
---```
---@param name string a name, or one with its domain
---@param opts? mr.ops.HostnameOpts
---@return mr.OpResult
function Ops:hostname(name, opts) end

---@class mr.ops.TimezoneOpts : mr.ops.Common

---The server's time zone.
---```lua
---on:timezone "Europe/Berlin"
---```
---@param zone string such as `Europe/Berlin` or `UTC`
---@param opts? mr.ops.TimezoneOpts
---@return mr.OpResult
function Ops:timezone(zone, opts) end

---@class mr.ops.SwapOpts : mr.ops.Common
---@field state? "present"|"absent" should it be there?
---@field size? string|integer how large: `2G`, `512M`, or bytes; whole MiB
---@field priority? integer 0 to 32767; the highest is used first

---A swap file of a size, in use and in fstab.
---```lua
---on:swap("/swapfile", { size = "2G" })
---```
---@param path string the file
---@param opts? mr.ops.SwapOpts
---@return mr.OpResult
function Ops:swap(path, opts) end

---@class mr.ops.MountOpts : mr.ops.Common
---@field state? "mounted"|"present"|"unmounted"|"absent" `present`: only in fstab; `unmounted`: not mounted, and left in fstab
---@field src? string what is mounted: a device, `UUID=...`, `HOST:/PATH`, `tmpfs`, a folder with `bind`
---@field fstype? string its type, such as ext4, nfs, tmpfs; none with `bind`
---@field options? string|string[] mount options, a text or a list
---@field dump? integer the fifth field of fstab
---@field pass? integer the sixth field of fstab: order of fsck

---A file system in fstab, and mounted.
---```lua
---on:mount("/srv/data", {
---  src = "UUID=2f5c9d0e-5f0a-4c0e-9a53-1d9c5c7b7a10",
---  fstype = "ext4",
---  options = { "defaults", "noatime" },
---})
---```
---@param path string where it is mounted
---@param opts? mr.ops.MountOpts
---@return mr.OpResult
function Ops:mount(path, opts) end

---@class mr.ops.RebootOpts : mr.ops.Common
---@field if_needed? boolean only when the system says that it waits for one
---@field unless_users? boolean fail when somebody is logged in
---@field timeout? number seconds for the return, and again for `test`
---@field test? string a command that must end with 0 when it is back
---@field command? string what restarts it, instead of the system's own way
---@field boot_id? string a command that prints another text after each start

---A restart, and its end waited for.
---```lua
---on:reboot { if_needed = true, test = "systemctl is-system-running --wait" }
---```
---@param opts? mr.ops.RebootOpts
---@return mr.OpResult
function Ops:reboot(opts) end

---@class mr.ops.CommandOpts : mr.ops.Common
---@field creates? string what is there when the work is done
---@field removes? string what is gone when the work is done
---@field unless? mr.Command a command that ends with 0 when the work is done
---@field only_if? mr.Command a command that ends with 0 when there is work to do
---@field cwd? string the folder in which it runs
---@field env? table<string, string|number> variables
---@field stdin? string|Secret its standard input
---@field timeout? number seconds
---@field codes? integer[] exit codes that are no error

---A command, run unless a guard says that its work is done.
---```lua
---on:command("tar -xzf app.tar.gz", { cwd = "/srv/app", creates = "/srv/app/bin" })
---```
---@param command mr.Command a text for the shell, or a list of words
---@param opts? mr.ops.CommandOpts
---@return mr.OpResult
function Ops:command(command, opts) end
