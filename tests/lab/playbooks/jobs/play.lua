-- Cron jobs, of the system and of a user; and a kernel setting that is only for now.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  on:package "cron"
  on:cron("lab-clean", {
    schedule = "30 2 * * mon-fri",
    command = "test -d /tmp",
    env = { MAILTO = "ops@example.org" },
  })
  on:cron("lab-own", { schedule = "@daily", command = "date +\\%F", to = "crontab" })
  on:cron("lab-gone", { state = "absent" })
  on:cron("lab-start", { schedule = "@reboot", command = "true", user = "deploy" })
  on:cron("lab-often", { schedule = "*/10 8-18 * 1,7 *", command = "true" })
  on:cron("lab-monthly", { schedule = "@monthly", command = "true", user = "deploy" })
  on:sysctl("vm.swappiness", { value = 7, file = "/etc/sysctl.d/99-zz-lab.conf" })
  on:sysctl("kernel.panic", { value = 9 })
  on:sysctl("vm.overcommit_memory", { value = false, persist = false })
end)
