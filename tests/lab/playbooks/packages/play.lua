-- Packages, a source of them, versions that stay, and what must go.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  on:file("/etc/lab-mended", { content = "so that lab-broken can be configured\n" })
  on:package({ "lab-broken", "jq", "tree" }, { recommends = false })
  on:package("lab-greeter=1.*", { hold = true })
  on:package("hello", { state = "latest", update = 86400 })
  on:package({ "less", "vim-tiny" }, { state = "absent", purge = true })
  on:repo("extra", { url = "file:/srv/lab/extra", suites = "./", trusted = true })
  on:package "lab-extra"
end)
