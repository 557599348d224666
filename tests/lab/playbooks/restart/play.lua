-- A restart, once, when a change asks for one.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops({ sudo = true })
  local asked = on:command("date >/var/lib/lab-restart && touch /run/lab-before", {
    creates = "/var/lib/lab-restart",
  })
  if asked.changed then
    on:reboot({ timeout = 900, test = "systemctl is-active ssh" })
  end
  -- The same connection goes on behind it.
  on:command("touch /run/lab-after", { creates = "/run/lab-after" })
end)
