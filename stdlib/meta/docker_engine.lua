---@meta

---@class Docker
local Docker = {}

---An image. Times are seconds since 1970, sizes bytes.
---@class mr.Image
---@field id string
---@field tags string[]
---@field digests string[]
---@field created? integer
---@field size integer
---@field os string
---@field arch string
---@field labels table<string, string>

---Which images.
---@class mr.ImagesOpts
---@field all? boolean those between the layers too
---@field filter? table<string, string|string[]> as `docker images --filter` takes them

---Its images, each once.
---```lua
---for _, image in ipairs(server("web-01"):docker():images()) do
---  print(image.tags[1] or image.id, image.size)
---end
---```
---@param opts? mr.ImagesOpts
---@return mr.Image[]
function Docker:images(opts) end

---How to pull.
---@class mr.PullOpts
---@field platform? string
---@field policy? "always"|"missing" `missing`: not when it is there
---@field timeout? number seconds

---What was pulled.
---@class mr.Pulled
---@field id string
---@field digest? string
---@field is_new boolean the name stood for another image before, or for none

---Pulls an image.
---```lua
---local image = server("web-01"):docker():pull "nginx:1.27"
---print(image.id, image.is_new)
---```
---@param image string
---@param opts? mr.PullOpts
---@return mr.Pulled
function Docker:pull(image, opts) end

---Pushes an image to its registry.
---@param image string
function Docker:push(image) end

---Gives an image another name.
---@param from string
---@param to string
function Docker:tag(from, to) end

---How to remove images.
---@class mr.RmiOpts
---@field force? boolean

---Removes images, or names of images.
---@param names string|string[]
---@param opts? mr.RmiOpts
function Docker:rmi(names, opts) end

---An image to be.
---@class mr.BuildOpts
---@field context string a local folder; what its `.dockerignore` names stays here
---@field file? string the Dockerfile, from there
---@field tags? string|string[]
---@field args? table<string, string|number>|string[]
---@field labels? table<string, string|number>|string[]
---@field target? string
---@field platform? string
---@field network? string
---@field pull? boolean the image that it begins with is pulled anew
---@field no_cache? boolean
---@field on_line? fun(line: string): boolean? called with each line as it builds
---@field timeout? number seconds that the command may take

---Builds an image on the server from a local folder. On its way it is in a temporary file (in
---`TMPDIR`), not in memory. Without `on_line` the id is given too.
---@param opts mr.BuildOpts
---@return { id: string?, tags: string[] }
function Docker:build(opts) end

---Who logs in where.
---@class mr.LoginOpts
---@field registry? string Docker Hub when not given
---@field user string
---@field password string|Secret goes over standard input

---Logs the server in at a registry. Docker keeps it in the login's own settings.
---```lua
---local d = server("web-01"):docker()
---d:login { registry = "r.example.com", user = "ci", password = mr.secret "s3cret-of-ci" }
---```
---@param opts mr.LoginOpts
function Docker:login(opts) end

---Logs it out again.
---@param registry? string
function Docker:logout(registry) end

---Docker's versions.
---@class mr.DockerVersion
---@field client string
---@field server string
---@field api string
---@field min_api? string
---@field os string
---@field arch string
---@field is_rootless boolean
---@field compose? string none when the plugin is not there

---Which docker it is.
---@return mr.DockerVersion
function Docker:version() end

---What docker itself says of the engine, with docker's own names.
---@return table
function Docker:info() end

---A network.
---@class mr.Network
---@field id string
---@field name string
---@field driver string
---@field scope string
---@field subnets string[]
---@field is_internal boolean
---@field created? integer
---@field labels table<string, string>

---Its networks.
---@return mr.Network[]
function Docker:networks() end

---A network to be.
---@class mr.NetworkOpts
---@field name string
---@field driver? string
---@field subnet? string|string[]
---@field gateway? string|string[]
---@field internal? boolean no way out
---@field attachable? boolean
---@field ipv6? boolean
---@field labels? table<string, string|number>|string[]
---@field options? table<string, string|number>|string[]

---Makes a network.
---```lua
---local d = server("web-01"):docker()
---d:network_create { name = "back", internal = true }
---d:network_connect("back", "db", { aliases = { "postgres" } })
---```
---@param opts mr.NetworkOpts
function Docker:network_create(opts) end

---Removes networks.
---@param names string|string[]
function Docker:network_rm(names) end

---How a container is seen in a network.
---@class mr.ConnectNetworkOpts
---@field aliases? string|string[]
---@field ip? string

---Connects a container to a network.
---@param network string
---@param name string
---@param opts? mr.ConnectNetworkOpts
function Docker:network_connect(network, name, opts) end

---Takes a container off a network.
---@param network string
---@param name string
function Docker:network_disconnect(network, name) end

---A volume.
---@class mr.Volume
---@field name string
---@field driver string
---@field scope? string
---@field path string
---@field created? integer
---@field labels table<string, string>

---Its volumes.
---@return mr.Volume[]
function Docker:volumes() end

---A volume to be.
---@class mr.VolumeOpts
---@field name string
---@field driver? string
---@field labels? table<string, string|number>|string[]
---@field options? table<string, string|number>|string[]

---Makes a volume.
---@param opts mr.VolumeOpts
function Docker:volume_create(opts) end

---Removes volumes.
---@param names string|string[]
function Docker:volume_rm(names) end

---Which events.
---@class mr.EventsOpts
---@field since? string|integer
---@field until_? string|integer "0s" is now
---@field filter? table<string, string|string[]>
---@field on_event? fun(event: table): boolean? called with each as it happens; false ends it
---@field timeout? number seconds

---What has happened, with docker's own names; or what happens, with `on_event`, and
---then the list is empty.
---```lua
---local d = server("web-01"):docker()
---for _, event in ipairs(d:events { since = "1h", until_ = "0s", filter = { event = "die" } }) do
---  print(event.Actor.Attributes.name)
---end
---```
---@param opts mr.EventsOpts
---@return table[]
function Docker:events(opts) end

---What to remove. Without any of it: containers, networks and images.
---@class mr.PruneOpts
---@field containers? boolean those that have ended
---@field networks? boolean those without containers
---@field images? boolean those without a name and a container
---@field volumes? boolean those without a name and a container
---@field builder? boolean the cache of `build`
---@field all? boolean images and volumes that have a name too
---@field keep? string|string[] images that stay

---Removes what nothing uses. Containers with the label `machineroom.keep` stay, and their images.
---```lua
---print(server("web-01"):docker():prune({ images = true, all = true, keep = { "shop:41" } }).reclaimed)
---```
---@param opts? mr.PruneOpts
---@return { reclaimed: integer }
function Docker:prune(opts) end

---A compose project.
---@class mr.ComposeOpts
---@field folder string on the server
---@field files? string|string[] from there; compose looks itself when not given
---@field project? string its name
---@field profiles? string|string[]
---@field env_file? string|string[] from there

---A compose project in a folder of the server. Without the compose plugin its verbs raise.
---```lua
---local shop = server("web-01"):docker():compose { folder = "/srv/shop" }
---shop:up { wait = true, wait_timeout = 60 }
---for _, c in ipairs(shop:ps()) do
---  print(c.service, c.state, c.health)
---end
---```
---@param opts mr.ComposeOpts
---@return Compose
function Docker:compose(opts) end

---A compose project on a server.
---@class Compose
---@field folder string
local Compose = {}

---How to bring it up.
---@class mr.ComposeUpOpts
---@field services? string|string[] all of them when not given
---@field wait? boolean until they run, or are healthy
---@field wait_timeout? number seconds
---@field pull? "always"|"missing"|"never"
---@field remove_orphans? boolean
---@field force_recreate? boolean
---@field build? boolean
---@field timeout? number seconds that the command may take

---Makes and starts its containers.
---@param opts? mr.ComposeUpOpts
function Compose:up(opts) end

---How to take it down.
---@class mr.ComposeDownOpts
---@field volumes? boolean its volumes too
---@field remove_orphans? boolean
---@field timeout? number seconds from the signal to the kill

---Stops its containers and removes them.
---@param opts? mr.ComposeDownOpts
function Compose:down(opts) end

---Pulls its images.
---@param services? string|string[]
function Compose:pull(services) end

---Restarts its containers.
---@param services? string|string[]
function Compose:restart(services) end

---Stops its containers.
---@param services? string|string[]
function Compose:stop(services) end

---A container of a project.
---@class mr.ComposeContainer
---@field id string
---@field name string
---@field service string
---@field image string
---@field state string
---@field status? string
---@field health? string
---@field exit_code? integer of one that has ended
---@field ports mr.ContainerPort[]

---Its containers, those too that have ended.
---@return mr.ComposeContainer[]
function Compose:ps() end

---The project as compose understands it.
---@return table
function Compose:config() end

---Which part of what its containers said.
---@class mr.ComposeLogsOpts
---@field services? string|string[]
---@field tail? integer|string
---@field since? string|integer
---@field until_? string|integer
---@field timestamps? boolean
---@field follow? boolean
---@field on_line? fun(line: string, stream: "stdout"|"stderr"): boolean? called with each line; false ends it
---@field timeout? number seconds

---What its containers have said.
---@param opts? mr.ComposeLogsOpts
---@return { stdout: string, stderr: string }
function Compose:logs(opts) end

---The version of the compose plugin.
---@return string
function Compose:version() end
