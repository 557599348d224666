---@meta

---Tunnels. Servers whose `tunnel` names a profile are reached through it without any of this.
---```lua
---tunnel.with("office", function(t)
---  print(t, t:socks { listen = "0" })
---end)
---```
---@class mr.TunnelModule
tunnel = {}

---What a profile may hold beside its name and type; `mroom help tunnels` tells which type has what.
---@class mr.TunnelFields
---@field server? string `host`, `host:port`; of SSH also a server's id
---@field user? string
---@field password? string|Secret a password, or WireGuard's private key
---@field backend? string what makes it; `auto`: the first that can
---@field routes? string|string[] ranges behind it, beside the servers' own addresses
---@field dns? string|string[] name servers behind it
---@field probe? string `host:port` that is asked to prove that it carries
---@field isolate? boolean|string in a network namespace of its own (Linux)
---@field needs? string another profile, which must be up first
---@field timeout? integer|string seconds that it may take to come up
---@field keepalive? integer|string seconds between signs of life
---@field mtu? integer|string
---@field key? string|Secret SSH: path of the private key; else the key of our certificate
---@field jump? string|string[] SSH: servers to go through first
---@field public_key? string WireGuard: the server's
---@field address? string|string[] WireGuard: ours
---@field allowed? string|string[] WireGuard: what the server may send from
---@field listen_port? integer|string WireGuard: our UDP port
---@field auth? string
---@field psk? string|Secret the pre-shared key
---@field id? string IPsec: our identity
---@field remote_id? string IPsec: the server's identity
---@field group? string Cisco: the group's name
---@field mode? string Cisco: `aggressive` or `main`
---@field domain? string Cisco: the login's domain
---@field proposals? string IPsec: algorithms of phase one
---@field esp_proposals? string IPsec: algorithms of phase two
---@field mppe? string PPTP: `require` or `off`
---@field config? string|Secret a wg-quick or .ovpn file's path or text
---@field ca? string a file's path or text
---@field cert? string a file's path or text
---@field tls_auth? string|Secret OpenVPN
---@field tls_crypt? string|Secret OpenVPN
---@field proto? string OpenVPN: `udp` or `tcp`
---@field cipher? string OpenVPN
---@field service? string the connection's name in NetworkManager or macOS

---A tunnel to be.
---@class mr.NewTunnel : mr.TunnelFields
---@field name string
---@field type "L2TP/IPsec"|"Cisco/IPsec"|"IKEv2"|"SSH"|"WireGuard"|"PPTP"|"OpenVPN"|string

---A profile of the inventory. What is secret is `"set"`.
---@class mr.TunnelProfile
---@field name string
---@field type string
---@field server string
---@field user string?
---@field has_password boolean
---@field fields table<string, string>

---Adds a profile to the inventory.
---```lua
---tunnel.add { name = "gate", type = "SSH", server = "gate.example.org", user = "ann" }
---```
---@param new mr.NewTunnel
---@return mr.TunnelProfile
function tunnel.add(new) end

---The profile of that name, or nil.
---```lua
---local office = tunnel.get "office"
---print(office and office.server)
---```
---@param name string
---@return mr.TunnelProfile?
function tunnel.get(name) end

---All profiles, by name.
---```lua
---for _, profile in ipairs(tunnel.list()) do print(profile.name, profile.type) end
---```
---@return mr.TunnelProfile[]
function tunnel.list() end

---Changes a profile; an empty text takes a field away.
---```lua
---tunnel.set("office", { routes = { "10.20.0.0/16" }, probe = "10.20.0.5:22" })
---```
---@param name string
---@param opts mr.TunnelFields
---@return mr.TunnelProfile
function tunnel.set(name, opts) end

---Removes a profile from the inventory.
---```lua
---tunnel.remove "office"
---```
---@param name string
function tunnel.remove(name) end

---Brings a tunnel up, or shares the one that is: a profile's name, or a profile that the inventory need not have.
---```lua
---local t <close> = tunnel.open "office"
---print(t:status().state)
---```
---@param what string|mr.NewTunnel
---@return Tunnel
function tunnel.open(what) end

---Has a tunnel up while a function runs, and gives what that gives.
---```lua
---tunnel.with("office", function() print(server("db-01"):capture "uptime") end)
---```
---@param what string|mr.NewTunnel
---@param f fun(t: Tunnel): any, any
---@return any ...
function tunnel.with(what, f) end

---@class mr.ForwardOpts
---@field server string|Server
---@field to string `host:port` as the server knows it
---@field listen? string a port, or `address:port`; any free port of loopback when not given

---Listens on this machine; each connection goes on from the server to `to`.
---```lua
---local db <close> = tunnel.forward { server = "db-01", to = "127.0.0.1:5432" }
---print(db.address)
---```
---@param opts mr.ForwardOpts
---@return Forward
function tunnel.forward(opts) end

---@class mr.TunnelStatus
---@field name string
---@field type string
---@field state "up"|"coming"|"left"|"lost"|"closed"
---@field duration number seconds since it was opened here
---@field since integer? when it came up, in seconds since 1970
---@field backend string? what makes it
---@field address string? ours in it
---@field interface string?
---@field gateway string? its server's address and port
---@field received integer? bytes that came through it
---@field sent integer? bytes that went
---@field routes string[] what goes through it, when it is a route of this machine
---@field keep boolean? it stays when nobody uses it
---@field ours boolean? we have made it; else somebody else, and it is left up
---@field namespace string? the network namespace that it lives in
---@field holders { pid: integer, for: string }[]? the processes that use it

---A tunnel that is up. It is let go by `close`, with the scope of a `<close>` variable, or unused.
---@class Tunnel
---@field name string
---@field type string
---@field is_open boolean
local Tunnel = {}

---How it is, as `mroom tunnel status --json` tells it. What lives in this process alone has no `backend` and `since`.
---```lua
---local t <close> = tunnel.open "office"
---print(t:status().received, table.concat(t:status().routes, " "))
---```
---@return mr.TunnelStatus
function Tunnel:status() end

---@class mr.SocksOpts
---@field listen? string a port, or `address:port` (1080 on loopback)

---Lets programs of this machine through it by SOCKS5; gives the address. Only for those that are no route of
---this machine: SSH, WireGuard in this process, isolated ones.
---```lua
---tunnel.with("office", function(t)
---  print("curl -x socks5h://" .. t:socks { listen = "0" } .. " http://intranet")
---end)
---```
---@param opts? mr.SocksOpts
---@return string
function Tunnel:socks(opts) end

---Lets it go, and waits for that. It stays up while somebody else needs it.
function Tunnel:close() end

---A port of this machine that leads to one behind a server.
---@class Forward
---@field address string where it listens
---@field port integer
---@field server string
---@field to string
local Forward = {}

---Ends it, and waits for that.
function Forward:close() end
