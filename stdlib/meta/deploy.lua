---@meta

-- What `s:docker()` can besides docker's own verbs: versions of an app that follow each other.

---@class Docker
local Docker = {}

---How the proxy reaches an app: the stage `proxy` makes one.
---@class mr.DeployProxy
---@field listen? integer port of the proxy, 80 when not given
---@field hosts? string[] host names; without them whatever no other app answers
---@field path? string beginning of the path
---@field mode? "http"|"tcp"
---@field cert? string PEM file on the server, chain and key: TLS on that port. A renewed one is read at the next deploy, or by `systemctl reload haproxy`
---@field timeout? integer of an answer, seconds

---How a version shows that it is well: one of `http`, `tcp` and `command`, else its health check.
---@class mr.DeployProbe
---@field http? string path that must answer, asked on the server
---@field host? string name in the request
---@field status? integer|integer[] code, or { lowest, highest }; 200 to 399 when not given
---@field body? string a part of the answer
---@field tcp? boolean listens on `port`
---@field command? mr.Command ends with 0 inside the container
---@field timeout? integer seconds until it must be well, 60 when not given
---@field interval? number seconds between two looks
---@field settle? number seconds that it must stay well

---What is deployed. A file `deploys/APP.lua` beside your stages returns one for `mroom docker PATTERN deploy APP`.
---@class mr.Deploy
---@field app? string its name; a file's is the file's
---@field image? string what runs
---@field port? integer port inside on which it answers, for proxy and probe
---@field proxy? boolean|mr.DeployProxy behind the proxy: no answer fails while versions change
---@field ports? string[] "80:8080", fixed ports without a proxy: the gap is told, and measured
---@field probe? mr.DeployProbe
---@field restart? string docker's restart policy, unless-stopped when not given
---@field keep? integer stopped versions kept for `rollback`, 1 when not given
---@field drain? integer seconds for what the old one has begun, 30 when not given
---@field stop_timeout? integer seconds to stop before it is killed, 10 when not given
---@field pull? "always"|"missing"|"never"
---@field force? boolean also when that very version serves
---@field sudo? boolean|string for what is kept on the server; docker finds its own way
---@field compose? string a local folder with docker-compose.yml, instead of an image
---@field project? string of compose; the app's name when not given
---@field folder? string of compose, on the server; below the workspace
---@field values? table<string, any> of compose: for its *.j2 and *.tmpl files
---@field timeout? integer of compose: seconds until all are well
---@field on_step? fun(step: string, s: Server) hears of each step before it begins
---@field command? mr.Command instead of the image's
---@field entrypoint? string|string[] instead of the image's
---@field env? table<string, string|number|boolean|Secret> variables; a secret is in no command
---@field env_file? string|string[] files on the server with variables
---@field volumes? string[] old and new have them at the same time
---@field labels? table<string, string|number>
---@field network? string docker's network
---@field user? string|integer inside the container
---@field workdir? string
---@field memory? string "512m"
---@field cpus? number
---@field hostname? string
---@field add_hosts? table<string, string>
---@field cap_add? string[]
---@field cap_drop? string[]
---@field read_only? boolean the root file system
---@field devices? string[]
---@field tmpfs? string[]
---@field ulimits? table<string, string|number>
---@field sysctls? table<string, string|number>
---@field health? mr.ContainerHealth
---@field log? mr.ContainerLog
---@field init? boolean an init inside, which reaps processes
---@field platform? string
---@field extra? string[] further flags of `docker run`

---What a deployment has come to.
---@class mr.Deployed
---@field app string
---@field action "deploy"|"rollback"|"compose"
---@field status "ok"|"changed" `ok`: it served already
---@field server string
---@field way? "proxy"|"ports"|"none" how it was switched
---@field deploy? string what serves now
---@field was? string what served before, and is kept
---@field image? string
---@field digest? string
---@field gap? number seconds without an answer, where ports changed hands
---@field files? integer of compose: how many changed

---Brings a version up beside the one that serves, lets it serve once it is well, and keeps the old
---one for `rollback`. When it is not well, the old one goes on serving, and the error has `evidence`:
---the new one's state, health checks and last lines. One at a time on a server; a run that broke off
---is brought to its end by the next one.
---```lua
---local d = server("web-01"):docker()
---d:deploy {
---  app = "shop",
---  image = "registry.example.com/shop:7",
---  port = 8080,
---  proxy = { hosts = { "shop.example.com" } },
---  probe = { http = "/health" },
---  env = { DATABASE = mr.secret "postgres://…" },
---}
---```
---@param app mr.Deploy
---@return mr.Deployed
function Docker:deploy(app) end

---@class mr.RollbackOpts
---@field to? string a deployment that is kept; else the one that served before

---Lets the version serve again that did before, through the same gates.
---```lua
---server("web-01"):docker():rollback { app = "shop", port = 8080, proxy = true }
---```
---@param app mr.Deploy
---@param opts? mr.RollbackOpts
---@return mr.Deployed
function Docker:rollback(app, opts) end

---@class mr.DeploysOpts
---@field count? integer entries of each app, 20 when not given
---@field sudo? boolean|string as root, or as that user

---One line of the history.
---@class mr.DeployEntry
---@field time string UTC
---@field app string
---@field action "deploy"|"rollback"|"compose"
---@field outcome "ok"|"failed"
---@field by string who, where
---@field deploy? string
---@field image? string
---@field digest? string
---@field was? string
---@field gap? number
---@field message? string why it failed
---@field seconds? number

---What was deployed there, of one app or of all, oldest first.
---@param app? string
---@param opts? mr.DeploysOpts
---@return mr.DeployEntry[]
function Docker:deploys(app, opts) end
