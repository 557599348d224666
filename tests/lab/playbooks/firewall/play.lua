-- ufw, then a table of nftables beside it.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  on:package({ "ufw", "nftables" }, { recommends = false })
  local rules = { "allow 80/tcp", "allow 5432/tcp from 10.0.0.0/8", "deny from 203.0.113.7" }
  on:firewall(rules, { backend = "ufw", policy = "deny", enabled = true })
  on:firewall({ "allow 9/tcp" }, { backend = "ufw", state = "absent" })
  on:firewall(rules, { backend = "nftables", policy = "deny", enabled = true })
end)
