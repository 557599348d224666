-- Swap, and file systems in fstab.
return fleet.select(arg[1]):map(function(s)
	local on = s:ops({ sudo = true })
	on:swap("/swapfile", { size = "64M", priority = 5 })
	on:swap("/old-swap", { state = "absent" })
	on:mount("/srv/lab scratch", {
		src = "tmpfs",
		fstype = "tmpfs",
		options = { "size=8m", "nosuid", "nodev", "mode=0750" },
	})
	on:command("mke2fs -q -t ext4 -L lab-disk /var/lib/lab-disk.img 32M", {
		creates = "/var/lib/lab-disk.img",
	})
	on:mount("/srv/lab-disk", {
		src = "/var/lib/lab-disk.img",
		fstype = "ext4",
		options = "loop,noatime",
		pass = 2,
	})
	on:mount("/srv/lab-bind", { src = "/srv/lab-disk", fstype = "none", options = "bind" })
	on:mount("/srv/lab-later", { state = "present", src = "LABEL=later", fstype = "ext4", options = "noauto" })
	on:mount("/srv/lab-never", { state = "absent" })
end)
