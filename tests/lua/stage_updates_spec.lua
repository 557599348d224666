-- The stage updates on pretended servers of each kind: what it writes, and what it refuses.
local web ---@type Fake

local function facts(manager, init)
  local lines = { "--mroom-facts--", "kernel_name=Linux", "user=root", "uid=0" }
  lines[#lines + 1] = manager and "package_manager=" .. manager
  lines[#lines + 1] = init and "init=" .. init
  return table.concat(lines, "\n") .. "\n--mroom-facts-end--\n"
end

local SERVICE = "mroom-service\nLoadState=loaded\nActiveState=active\nSubState=running\nType=simple\n"
  .. "NeedDaemonReload=no\nenabled=enabled\nunit=dnf-automatic.timer\nmroom-service-end\n"

-- A server with that manager, on which the packages are there already.
local function server_of(manager, package, init)
  web = fake "web-1"
  web:on_like("*look: service*", SERVICE)
  web:on_like("*look: package*", ("lists\t60\nhave\t%s\t%s\t1\t-\nend\n"):format(package, package))
  web:on_like("sh -s -- *=*", facts(manager, init))
end

local function run(options)
  return fleet.select("web-1"):stage("updates", { options = { updates = options } })[1]
end

describe("updates", function()
  it("tells apt what and when, and asks it whether that counts", function()
    server_of("apt", "unattended-upgrades")
    web:put("/etc/apt/apt.conf.d/50unattended-upgrades", "")
    web:on_like("unattended-upgrade --dry-run", "")
    web:on("apt-config dump", 'Unattended-Upgrade::Automatic-Reboot-Time "01:00";\n')
    local outcome = run { reboot = true, reboot_time = "03:30", exclude = { "linux-*" } }
    local text = web:file "/etc/apt/apt.conf.d/52mroom-updates"
    expect(text):has 'APT::Periodic::Unattended-Upgrade "1";\n'
    expect(text):has 'Unattended-Upgrade::Automatic-Reboot "true";\n'
    expect(text):has 'Unattended-Upgrade::Automatic-Reboot-Time "03:30";\n'
    expect(text):has "#clear Unattended-Upgrade::Package-Blacklist;\n"
    expect(text):has 'Unattended-Upgrade::Package-Blacklist:: "linux-*";\n'
    expect(outcome.status):is "failed"
    expect(assert(outcome.err).message):has "is `not set`: another file of apt sets it"
  end)

  it("sets dnf's own settings, with the window in its timer", function()
    server_of("dnf", "dnf-automatic", "systemd")
    web:put(
      "/etc/dnf/automatic.conf",
      "[commands]\nupgrade_type = default\napply_updates=no\n[emitters]\n"
    )
    web:on_like("*look: systemd_unit*", SERVICE)
    run {}
    local text = web:file "/etc/dnf/automatic.conf"
    expect(text):is(
      "[commands]\nreboot = never\nupgrade_type = security\napply_updates = yes\n[emitters]\n"
    )
  end)

  it("makes a daily job for apk", function()
    server_of("apk", "none", "openrc")
    web:put("/etc/periodic/daily/other", "")
    run {}
    local text, mode = web:file "/etc/periodic/daily/mroom-updates"
    expect(text):has "exec apk --no-progress --update-cache upgrade\n"
    expect(mode):is "0755"
    local outcome = run { reboot = true }
    expect(assert(outcome.err).message):has "apk cannot tell when a restart is needed"
    expect(assert(run({ exclude = { "a" } }).err).message):has "`exclude` is for apt"
  end)

  it("refuses what it does not know, and bad options before anything is done", function()
    server_of("pacman", "x")
    expect(assert(run({}).err).message):has "does not know how packages of `pacman` update"
    local before = #web:calls()
    for words, options in pairs {
      ["`reboot_time` must be a time, not `4`"] = { reboot_time = "4" },
      ["not `24:00`"] = { reboot_time = "24:00" },
      ["`exclude`: `a b`"] = { exclude = { "a b" } },
      ['`exclude`: `";x`'] = { exclude = { '";x' } },
    } do
      local err = assert(run(options).err)
      expect(err.kind):is "usage"
      expect(err.message):has(words)
    end
    expect(#web:calls()):is(before)
  end)
end)
