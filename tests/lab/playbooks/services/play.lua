-- Units of our own, a drop-in, a timer, and services that run, stop and never start.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  on:systemd_unit("lab-app.service", {
    sections = {
      Unit = { Description = "Says something now and then" },
      Service = {
        ExecStart = "/bin/sh -c 'while :; do echo here; sleep 5; done'",
        Environment = { "COLOUR=red", '"NAME=a b"' },
      },
      Install = { WantedBy = "multi-user.target" },
    },
    enabled = true,
    running = true,
    restart = true,
  })
  on:systemd_unit("lab-app.service", {
    dropin = "limits",
    sections = { Service = { LimitNOFILE = 4096 } },
    restart = true,
  })
  on:systemd_unit("lab-job.service", {
    content = "[Service]\nType=oneshot\nExecStart=/bin/touch /run/lab-job\n",
  })
  on:systemd_unit("lab-job.timer", {
    sections = {
      Timer = { OnCalendar = "daily", Persistent = true },
      Install = { WantedBy = "timers.target" },
    },
    enabled = true,
    running = true,
  })
  on:service("systemd-tmpfiles-clean.timer", { masked = true })
  on:service("dpkg-db-backup.timer", { state = "stopped", enabled = false })
  on:service("ssh", { state = "running", enabled = true })
end)
