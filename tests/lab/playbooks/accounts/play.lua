-- Groups, an account and the keys that open it.
local one =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPppppppppppppppppppppppppppppppppppppppppppp ada@desk"
local two =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIQqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq bob@desk"

return fleet.select(arg[1]):map(function(s)
  local on = s:ops({ sudo = true })
  on:group("lab-team", { gid = 1600 })
  on:group("lab-extra", { system = true })
  on:user("lab-app", {
    uid = 1500,
    group = "lab-team",
    groups = { "lab-extra", "video" },
    exact = true,
    home = "/srv/lab-app",
    shell = "/bin/sh",
    comment = "The lab's own",
    -- `openssl passwd -6 -salt lab secret`
    password_hash = mr.secret(
      "$6$lab$n2zGfLr0Hd1oRcWBoEoGrT3UKtS2Rd7WhzBNJyCzs6yVGUlhNhaf6Cr8vqEIAXR3Lx0D2QwdJvPGDr7v8S2Xk1"
    ),
  })
  on:user("lab-daemon", { system = true, shell = "/usr/sbin/nologin", locked = true })
  on:user("lab-gone", { state = "absent" })
  on:group("lab-team", { members = { "lab-daemon", "lab-app" }, exact = true })
  on:authorized_key("lab-app", { key = { one, two }, options = "no-pty", exclusive = true })
end)
