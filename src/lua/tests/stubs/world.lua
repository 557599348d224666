-- The world of the specs that hold the stubs to what there is: a server that tells all that it can,
-- and the words of those specs.
local web
local script = require "mr.facts.script"
local ANSWER = [[
os_id=debian
os_like=debian
os_name=Debian
os_version=12
kernel_name=Linux
kernel_release=6.1
arch=x86_64
hostname=web
user=root
uid=0
home=/root
shell=/bin/sh
cpu_count=2
cpu_model=Some
memory_total=1
memory_available=1
swap_total=1
swap_free=1
uptime=7
boot_id=abc
timezone=Europe/Berlin
interface=eth0
disk_total=9
disk_free=8
mount=9 8 /dev/vda /
address=eth0 192.0.2.1/24
login=root:0:/root:/bin/sh
virtualization=kvm
init=systemd
package_manager=apt
docker_version=27.1
compose_version=2.24
]]
local PROBES = [[
--mroom-status--
system Linux
uptime 7
load 0.1 0.1 0.1
cpus 2
memory 2 1
disk 2 1
--mroom-status-end--
--mroom-health--
clock_begin=1700000000.5
swap=2 1
disk=2 1 /
inodes=2 1 /
units=systemd
unit=nginx.service
updates=apt
lists=1700000000
update=openssl security
reboot=asked
needed=it says so
oom=1
ntp=yes
certs=asked
cert=/etc/ssl/a.pem	notAfter=Mar  3 10:00:00 2027 GMT	issuer=O=Some		
clock_end=1700000000.6
scanner=trivy
--mroom-engine--
engine=direct
version={"Server":{"Version":"26.1.5","ApiVersion":"1.45","MinAPIVersion":"1.24","Os":"linux","Arch":"amd64","Components":[{"Name":"rootlesskit"}]}}
compose=2.26.1
container=["ab12","/api","api:1","sha256:ab","restarting","unhealthy",3,1,true,"2026-01-31T12:00:00Z","2026-01-31T12:00:00Z","always"]
image="sha256:ab" "api" "1" "2026-01-31 12:00:00 +0100 CET"
disk={"Type":"Images","TotalCount":"1","Active":"1","Size":"1.5GB","Reclaimable":"0B (0%)"}
--mroom-engine-end--
--mroom-health-end--
]]
before_each(function()
  web = fake "web"
  web:on_like("*", "out")
  web:on("bad", { code = 1 })
  web:on("killed", { signal = "KILL" })
  web:on_like("sh -s -- *", script.first .. "\n" .. ANSWER .. script.last .. "\n" .. PROBES)
  web:on_like("trivy *", '{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"Severity":"HIGH"}]}]}')
  fake.module("stages.one", "return { name = 'one', apply = function(s) s:capture 'x' end }")
  server("web"):run "x"
end)
local function facts()
  return server("web"):facts { refresh = true }
end
local function health()
  return server("web"):health { scan_images = true }
end
-- `fields` is whether each may be left out.
local function describes(fields, data)
  for key in pairs(data) do
    if fields[key] == nil then
      mr.fail(("`%s` is not described"):format(tostring(key)))
    end
  end
  for key, optional in pairs(fields) do
    if not optional and data[key] == nil then
      mr.fail(("`%s` is described as always there, and is not"):format(key))
    end
  end
end
local function told(hint)
  local set = {}
  for key in hint:match("has: (.*)$"):gmatch "[%w_]+" do
    set[key] = true
  end
  return set
end
