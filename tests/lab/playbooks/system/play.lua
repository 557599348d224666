-- The machine's name, zone, kernel settings and cron jobs, and a command behind a guard.
return fleet.select(arg[1]):map(function(s)
	local on = s:ops({ sudo = true })
	on:hostname("lab-01.example.org")
	on:timezone("Europe/Berlin")
	on:sysctl("net.ipv4.ip_forward", { value = true })
	on:sysctl("net.ipv4.tcp_rmem", { value = "4096  131072 6291456" })
	on:sysctl("vm.swappiness", { value = 7, persist = false })
	on:package("cron")
	on:cron("lab-clean", {
		schedule = "30 2 * * mon-fri",
		command = "test -d /tmp",
		env = { MAILTO = "ops@example.org" },
	})
	on:cron("lab-own", { schedule = "@daily", command = "date +\\%F", to = "crontab" })
	on:cron("lab-gone", { state = "absent" })
	on:command("echo done >lab-made", { cwd = "/var/lib", creates = "/var/lib/lab-made" })
	on:command({ "rm", "-f", "/var/lib/lab-old" }, { only_if = "test -e /var/lib/lab-old" })
end)
