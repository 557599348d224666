-- The stages that change the way in, and updates that install themselves. A computed processor needs
-- minutes for what takes a machine seconds: the guards wait that long.
return fleet.select(arg[1]):stage({ "harden", "firewall", "updates" }, {
  options = {
    harden = { timeout = 600 },
    firewall = { allow = { 22, "8000/tcp" }, timeout = 600 },
    updates = { reboot = true, reboot_time = "03:30" },
  },
})
