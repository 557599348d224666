-- Files that come from elsewhere: a folder of this machine, the web, a git repository, archives.
local HELLO = "815944980a6088f9f1d01a2a0e63cdefb877afb5a865a54e9244f6e8c1c411b3"

return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  local sum = s:capture("sha256sum /srv/lab/www/app-1.0.tar.gz"):match "^%x+"

  on:package { "curl", "git", "unzip" }
  on:sync("site", "/srv/site", { delete = true, exclude = { "/notes.txt", "*.log" } })
  on:sync("site", "/srv/it's mine", { owner = "deploy", group = "users", dir_mode = "0750" })

  on:dir "/var/cache/lab"
  on:download("http://127.0.0.1:8000/hello.txt", "/var/cache/lab/hello.txt", { sha256 = HELLO })
  on:download("http://127.0.0.1:8000/private/hello.txt", "/var/cache/lab/private.txt", {
    unverified = true,
    user = "lab",
    password = mr.secret "sesame",
    mode = "0600",
  })
  on:download("http://127.0.0.1:8000/app-1.0.tar.gz", "/var/cache/lab/app.tar.gz", { sha256 = sum })
  on:archive("/var/cache/lab/app.tar.gz", "/opt/app", { remote = true, strip = 1 })
  on:archive("site.zip", "/opt/site", { owner = "deploy" })

  on:git("/srv/lab/git/app.git", "/srv/main")
  on:git("file:///srv/lab/git/app.git", "/srv/v1", { revision = "v1", depth = 1, force = true })
end)
