-- A small shop on a fresh server, as people set one up: packages, accounts, folders, settings, a
-- release, services, jobs, the kernel's settings, memory, the firewall. Check mode must foretell
-- every one of these steps; what it cannot know it says.
local here = arg[0]:match "^(.*)/" .. "/files/"
local KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPppppppppppppppppppppppppppppppppppppppppppp ada@desk"

return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  local release = s:capture("sha256sum /srv/lab/www/app-1.0.tar.gz"):match "^%x+"
  on:handler("restart shop", function()
    on:service("shop", { state = "restarted" })
  end)

  -- The machine.
  on:hostname "shop-01"
  on:timezone "Europe/Berlin"
  on:line("/etc/hosts", { line = "10.0.2.2 db.internal" })
  on:sysctl("vm.swappiness", { value = 10 })
  on:swap("/swapfile", { size = "64M" })
  on:repo("lab-extra", { url = "file:/srv/lab/extra", suites = "./", trusted = true })
  on:package { "nginx-light", "curl", "git", "cron", "nftables" }
  on:package("lab-greeter=1.0", { hold = true })

  -- Who works on it, and where.
  on:group("shop", { gid = 1600 })
  on:user("shop", { uid = 1600, group = "shop", home = "/srv/shop", shell = "/bin/sh" })
  on:authorized_key("shop", { key = KEY, options = "no-pty" })
  on:file("/etc/sudoers.d/shop", {
    content = "shop ALL=(root) NOPASSWD: /usr/bin/systemctl restart shop\n",
    mode = "0440",
    validate = "visudo -cqf %s",
  })
  on:dir("/srv/shop/shared", { owner = "shop", group = "shop", mode = "0750" })
  on:dir("/srv/shop/releases", { owner = "shop", group = "shop" })
  on:mount("/srv/shop/tmp", { src = "tmpfs", fstype = "tmpfs", options = "size=16m,mode=1777" })

  -- What it runs.
  on:dir "/var/cache/shop"
  on:download("http://127.0.0.1:8000/app-1.0.tar.gz", "/var/cache/shop/app.tar.gz", {
    sha256 = release,
  })
  on:archive("/var/cache/shop/app.tar.gz", "/srv/shop/releases/1.0", { remote = true, strip = 1 })
  on:link("/srv/shop/current", { to = "releases/1.0", notify = "restart shop" })
  on:sync(here .. "pages", "/srv/shop/pages", { owner = "shop", delete = true })
  on:git("/srv/lab/git/app.git", "/srv/shop/source", { revision = "v1" })

  -- Its settings.
  on:dir("/etc/shop", { mode = "0750", group = "shop" })
  on:template("/etc/shop/shop.conf", {
    from = here .. "shop.conf.tpl",
    values = { name = "The shop", port = 8081, pages = "/srv/shop/pages" },
    notify = "restart shop",
  })
  on:file("/etc/shop/token", { content = mr.secret "hunter2\n", mode = "0640", group = "shop" })
  on:file("/etc/motd", { from = here .. "motd" })
  on:block("/etc/profile", { content = "export SHOP=/srv/shop\n" })

  -- And keeps running.
  on:systemd_unit("shop.service", {
    sections = {
      Unit = { Description = "The shop" },
      Service = { User = "shop", ExecStart = "/bin/busybox httpd -f -p 8081 -h /srv/shop/pages" },
      Install = { WantedBy = "multi-user.target" },
    },
    enabled = true,
    running = true,
  })
  on:service("nginx", { state = "running", enabled = true })
  on:cron("shop", { schedule = "*/5 * * * *", command = "true", user = "shop" })
  on:firewall({ "allow 80/tcp", "allow 8081/tcp" }, { policy = "deny", enabled = true })
  on:command("date >/srv/shop/born", { creates = "/srv/shop/born" })
end)
