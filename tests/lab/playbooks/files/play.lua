-- Files, folders, links, and parts of files that others write, too.
return fleet.select(arg[1]):map(function(s)
  local on = s:ops { sudo = true }
  on:handler("count", function()
    s:run("echo ran >>/srv/site/.handler", { sudo = true })
  end)
  on:dir("/srv/site", { mode = "0750", owner = "www-data", group = "www-data" })
  on:file("/srv/site/it's a $(test)", { content = "plain\n", owner = "deploy", notify = "count" })
  on:file("/srv/site/key", { content = mr.secret "hunter2000", mode = "0600" })
  on:template("/srv/site/site.conf", {
    text = "{% for port in ports %}\nlisten {{ port }};\n{% endfor %}\n",
    values = { ports = { 80, 8080 } },
    validate = "grep -q listen %s",
    backup = true,
  })
  on:line("/etc/ssh/sshd_config", {
    line = "X11Forwarding no",
    match = "^#?X11Forwarding%s",
    validate = "/usr/sbin/sshd -tf %s",
  })
  on:block("/etc/hosts", { name = "cluster", content = "192.0.2.1 one\n192.0.2.2 two\n" })
  on:link("/srv/current", { to = "site" })
  on:link("/srv/site/second", { to = "/srv/site/key", hard = true })
  on:dir("/srv/tree", { owner = "deploy", group = "users", recurse = true })
  on:dir("/srv/tree/below", { mode = "0711", owner = "deploy", group = "users" })
  on:file("/srv/site/old", { state = "absent" })
end)
