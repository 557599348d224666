-- Swap, and a disk in a file.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  on:swap("/swapfile", { size = "64M", priority = 5 })
  on:swap("/old-swap", { state = "absent" })
  on:command("mke2fs -q -t ext4 /var/lib/lab-disk.img 32M", {
    creates = "/var/lib/lab-disk.img",
  })
  on:mount("/srv/lab-disk", {
    src = "/var/lib/lab-disk.img",
    fstype = "ext4",
    options = "loop,noatime",
    pass = 2,
  })
end)
