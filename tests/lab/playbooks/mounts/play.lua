-- File systems in fstab, mounted and not.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  on:mount("/srv/lab scratch", {
    src = "tmpfs",
    fstype = "tmpfs",
    options = { "size=8m", "nosuid", "nodev", "mode=0750" },
  })
  on:mount("/srv/lab-bind", { src = "/usr", fstype = "none", options = "bind" })
  on:mount("/srv/lab-later", {
    state = "present",
    src = "LABEL=later",
    fstype = "ext4",
    options = "noauto",
  })
  on:mount("/srv/lab-never", { state = "absent" })
end)
