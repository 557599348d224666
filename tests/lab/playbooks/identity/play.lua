-- The machine's name, zone and network settings, and a command behind a guard.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  on:hostname "lab-01.example.org"
  on:timezone "Europe/Berlin"
  on:sysctl("net.ipv4.ip_forward", { value = true })
  on:sysctl("net.ipv4.tcp_rmem", { value = "4096  131072 6291456" })
  on:sysctl("net.ipv4.ip_default_ttl", { value = 70, persist = false })
  on:command("echo done >lab-made", { cwd = "/var/lib", creates = "/var/lib/lab-made" })
  on:command({ "rm", "-f", "/var/lib/lab-old" }, { only_if = "test -e /var/lib/lab-old" })
end)
