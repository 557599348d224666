---@meta

-- What `server:facts()` gives. Sizes are bytes.

---What a server is. What it did not tell is nil.
---@class mr.Facts
---@field os mr.OsFacts
---@field kernel mr.KernelFacts
---@field arch? string `x86_64`, `aarch64`
---@field hostname? string
---@field user? string the login
---@field uid? integer its number
---@field home? string its home
---@field shell? string its shell
---@field cpu mr.CpuFacts
---@field memory mr.MemoryFacts
---@field swap mr.SwapFacts
---@field disk mr.DiskFacts of the file system of `/`
---@field disks mr.MountFacts[]
---@field addresses mr.AddressFacts[]
---@field address? string that of the default route's interface
---@field interface? string that of the default route
---@field users mr.UserFacts[] those who can log in
---@field virtualization? string `kvm`, `docker`, `lxc`
---@field init? string `systemd`, `openrc`
---@field package_manager? string `apt`, `dnf`, `apk`
---@field uptime? integer seconds
---@field boot_id? string another one after each start
---@field timezone? string `Europe/Berlin`
---@field docker mr.DockerFacts
---@field commands table<string, string> where the commands are that were looked for
---@field folders table<string, true> the folders that are there of those that were looked for

---@class mr.OsFacts
---@field id? string `debian`, `alpine`
---@field family? string `debian`, `redhat`, `suse`, `arch`, `alpine`, `bsd`, `darwin`, else the id
---@field name? string for people
---@field version? string

---@class mr.KernelFacts
---@field name? string `Linux`
---@field release? string

---@class mr.CpuFacts
---@field count? integer
---@field model? string

---@class mr.MemoryFacts
---@field total? integer
---@field available? integer

---@class mr.SwapFacts
---@field total? integer
---@field free? integer

---@class mr.DiskFacts
---@field total? integer
---@field free? integer

---@class mr.MountFacts
---@field device string
---@field mount string
---@field total integer
---@field free integer

---@class mr.AddressFacts
---@field interface string
---@field address string
---@field prefix? integer
---@field family "inet"|"inet6"

---@class mr.UserFacts
---@field name string
---@field uid integer
---@field home? string
---@field shell? string

---@class mr.DockerFacts
---@field version? string of the engine
---@field compose? string of Compose
