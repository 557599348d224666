---@meta

---A port on which a server says that it listens.
---@class mr.Listener
---@field port integer
---@field addresses string[] to which it is bound; `0.0.0.0`, `::` and `*` are all
---@field is_local boolean only the server itself reaches it

---@class mr.Listening
---@field ports mr.Listener[] by number
---@field ephemeral integer[]? the first and the last port of outgoing connections

---What a port's certificate says of it. Nothing of that is verified.
---@class mr.ScanTls
---@field version string?
---@field subject string?
---@field names string[]
---@field issuer string?
---@field not_after integer? seconds since 1970

---@class mr.ScanPort
---@field port integer
---@field name string? what usually listens there
---@field banner string? what it said first
---@field tls mr.ScanTls?

---Something remarkable about a port: `hidden` is listening but not reached from here, `foreign` open
---although the server itself does not listen, `unexpected` open and not in `expect`, `missing` in
---`expect` and not open.
---@class mr.ScanRemark
---@field port integer
---@field remark "hidden"|"foreign"|"unexpected"|"missing"

---@class mr.Scan
---@field host string
---@field address string the address that was asked
---@field open mr.ScanPort[] by number
---@field closed integer so many refused
---@field filtered integer[] no answer, or something in between says no
---@field is_silent boolean nothing at all has come from the host: nobody knows whether it is up
---@field round_trip number? seconds
---@field duration number seconds
---@field remarks mr.ScanRemark[]

---One of a list of hosts: with `err` it could not be asked, and nothing else but `host` is there.
---@class mr.ScanOfMany : mr.Scan
---@field err mr.Err?

---@class mr.ScanOpts
---@field ports? string|integer|(string|integer)[] `1-65535`, `22,80,8000-8100`, `all`, `top` (the default), `top:100`
---@field wait? number seconds for an answer of a host that is not known yet (1)
---@field concurrency? integer most questions open at once
---@field rate? integer most questions a second
---@field banner? boolean read what open ports say first
---@field tls? boolean ask open ports for their certificate
---@field expect? string|integer|(string|integer)[] the ports that should be open
---@field listening? mr.Listening what the server itself says, to be compared

---@class mr.ScanPortsOpts
---@field ports? string|integer|(string|integer)[] as mr.scan
---@field wait? number
---@field concurrency? integer
---@field rate? integer
---@field banner? boolean
---@field tls? boolean
---@field expect? string|integer|(string|integer)[]
---@field inside? boolean false: do not ask the server itself
