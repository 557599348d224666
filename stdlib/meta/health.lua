---@meta

-- `server:health()` and `server:scan_docker()`, and what they give. Sizes are bytes, moments seconds since 1970.

---@class mr.Remote
local Remote = {}

---@class mr.HealthOpts
---@field checks? string[] only these: `load`, `memory`, `disk`, `updates`, …
---@field certs? string[] files on the server, and names with or without a port, whose certificates are looked at
---@field thresholds? table<string, string> `{ disk = "80,95" }`: it warns, it is critical; `-` is never
---@field scan_images? boolean count vulnerabilities by trivy or grype; what was counted within a day is known
---@field timeout? number seconds, 120 when not given

---How the server is, judged by the settings `health.NAME`, its metadata `health.NAME` and `thresholds`. One round
---trip. What cannot be read is unknown, never ok.
---```lua
---local health = server("web-01"):health { thresholds = { disk = "70,90" } }
---for _, check in ipairs(health.checks) do
---  if check.level ~= "ok" then
---    print(check.name, check.level, check.text)
---  end
---end
---```
---@param opts? mr.HealthOpts
---@return mr.Health
function Remote:health(opts) end

---@class mr.ScanDockerOpts
---@field disk? boolean how much disk Docker uses, too
---@field timeout? number seconds, 60 when not given

---What Docker runs there, in one round trip. Marks a server of the inventory that has Docker and Compose.
---```lua
---local docker = server("web-01"):scan_docker()
---for _, one in ipairs(docker.unwell or {}) do
---  print(one.name, one.why)
---end
---```
---@param opts? mr.ScanDockerOpts
---@return mr.Engine
function Remote:scan_docker(opts) end

---@alias mr.Level "ok"|"warn"|"critical"|"unknown"

---How a server is, judged. What it did not tell is nil, and its check is `unknown`.
---@class mr.Health
---@field level mr.Level the worst of its checks
---@field checks mr.HealthCheck[] in the order of the settings `health.NAME`; what is not there has none
---@field system? string `Linux`
---@field uptime? integer seconds
---@field load? number[] averages over 1, 5 and 15 minutes
---@field cpus? integer processors online
---@field memory? mr.Space
---@field disk? mr.Space the file system of `/`
---@field swap? mr.Space
---@field disks mr.MountSpace[] what may be used of each local file system
---@field inodes mr.MountSpace[] counts, not bytes
---@field init? string what keeps the units: `systemd`, `openrc`
---@field units? string[] those that have failed
---@field manager? string the package manager: `apt`
---@field updates? mr.Update[] those that wait, as far as the server's lists know
---@field security? integer how many of them are for security, where the manager says so
---@field reboot? mr.RebootNeed
---@field clock? mr.Clock
---@field is_synchronised? boolean what the server says of its clock
---@field certs? mr.Certificate[]
---@field oom_kills? integer processes killed for want of memory since its start
---@field docker? mr.Engine
---@field vulnerabilities? mr.Vulnerabilities

---@class mr.HealthCheck
---@field name string
---@field level mr.Level
---@field text string what it found
---@field value? number what is compared with the thresholds
---@field warn? number from here on it warns
---@field critical? number from here on it is critical

---@class mr.Space
---@field total integer
---@field free integer

---@class mr.MountSpace
---@field mount string
---@field total integer
---@field free integer

---@class mr.Update
---@field package string
---@field why? string `security`

---@class mr.RebootNeed
---@field is_needed boolean
---@field why? string

---@class mr.Clock
---@field offset number seconds that it is ahead of ours; below 0 behind
---@field within number seconds that this may be wrong by

---@class mr.Certificate
---@field name string the file, or the name with its port
---@field state "good"|"soon"|"expired"|"not trusted"|"unreachable"
---@field days? integer days left
---@field until? string the last moment, as openssl prints it
---@field issuer? string
---@field verdict? string openssl's, for what a name shows
---@field why? string why there is none

---What was counted in the images that run.
---@class mr.Vulnerabilities
---@field images mr.ImageScan[]
---@field scanner? string `trivy` or `grype`
---@field why? string why some could not be scanned

---@class mr.ImageScan
---@field id string
---@field image string
---@field counts? table<string, integer> by severity: `critical`, `high`, …; nil when it was not scanned
---@field scanner? string
---@field at? integer

---What Docker runs on a server. Without an engine that answers there are no lists and no numbers.
---@class mr.Engine
---@field state "up"|"absent"|"down"|"denied"|"failed"
---@field reason? string what the client said when it is not up
---@field hint? string what to do then
---@field access? "direct"|"sudo"|"rootless" how it could be asked
---@field version? string
---@field api? string
---@field min_api? string
---@field os? string
---@field arch? string
---@field is_rootless? boolean
---@field compose? string the version of Compose
---@field containers? mr.ScannedContainer[] by name
---@field counts? table<string, integer> how many are `running`, `exited`, `healthy`, `unhealthy`, …
---@field restarts? integer restarts of all of them together
---@field unwell? mr.UnwellContainer[]
---@field images? mr.ScannedImages
---@field disk? mr.EngineDisk[] with the option `disk`

---@class mr.ScannedContainer
---@field id string
---@field name string
---@field image? string
---@field image_id? string
---@field image_created? integer
---@field state string `running`, `exited`, …
---@field health? string `healthy`, `unhealthy`, `starting`; nil without a health check
---@field restarts? integer
---@field exit_code? integer
---@field is_oom_killed? boolean
---@field created? integer
---@field started? integer
---@field restart_policy? string `always`, `unless-stopped`, …

---@class mr.UnwellContainer
---@field name string
---@field why string
---@field restarts? integer

---@class mr.ScannedImages
---@field count integer
---@field dangling integer those without a name
---@field newest? integer
---@field oldest? integer

---@class mr.EngineDisk
---@field type string `Images`, `Containers`, …
---@field total? integer how many there are
---@field active? integer how many of them are in use
---@field size? integer
---@field reclaimable? integer
