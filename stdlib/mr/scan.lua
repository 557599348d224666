-- `server:scan_ports()`: a scan from this machine, beside what the server itself says. The scan and
-- the comparison are native; see mr.scan in stdlib/meta/scan.lua. Changes nothing.
local args = require "mr.args"
local native = require "mr.native"
local mr = require "mr"
local scan = {}

local OPTIONS = {
  ports = true,
  wait = true,
  concurrency = true,
  rate = true,
  banner = true,
  tls = true,
  expect = true,
  inside = true,
}

-- opts: those of mr.scan, and `inside = false` to not ask the server itself.
function scan.of(s, opts)
  opts = args.checked("scan_ports", opts, OPTIONS)
  local host, behind = native.scan_place(s)
  if behind then
    error({
      kind = "connect",
      server = s.id,
      message = ("it is %s: it cannot be scanned from here"):format(behind),
      hint = "`listening` asks the server itself",
    }, 0)
  end
  local more = {}
  for key, value in pairs(opts) do
    more[key] = value
  end
  more.inside = nil
  if opts.inside ~= false then
    more.listening = s:listening()
  end
  return mr.scan(host, more)
end

return scan
