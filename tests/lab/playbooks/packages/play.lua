-- Packages, a source of them, versions that stay, what must go; and a firewall out of one of them.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  on:file("/etc/lab-mended", { content = "so that lab-broken can be configured\n" })
  on:package({ "lab-broken", "jq", "tree" }, { recommends = false })
  on:package("lab-greeter=1.*", { hold = true, downgrade = true })
  on:package("hello", { state = "latest", update = 86400 })
  on:package({ "less", "vim-tiny" }, { state = "absent", purge = true })
  on:repo("extra", { url = "file:/srv/lab/extra", suites = "./", trusted = true })
  on:package "lab-extra"
  on:package("nftables", { recommends = false })
  local rules = { "allow 80/tcp", "allow 5432/tcp from 10.0.0.0/8", "deny from 203.0.113.7" }
  on:firewall(rules, { backend = "nftables", policy = "deny", enabled = true })
  on:firewall({ "allow 9/tcp" }, { backend = "nftables", state = "absent" })
end)
