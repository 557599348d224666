-- Ten steps that bring a service's folder into shape: the same as in `pyinfra.py` and `ansible.yml`
-- beside this file. `-e homes=DIR` is the folder with the servers' homes.
return fleet.select("@sandbox"):map(function(s)
  local on = s:ops()
  local home = ("%s/%s/home"):format(vars.homes, s.id)
  local app = home .. "/app"
  on:dir(app, { mode = "0750" })
  on:dir(app .. "/conf", { mode = "0750" })
  on:file(app .. "/conf/app.conf", { content = "workers = 4\nlog = warn\n", mode = "0640" })
  on:template(app .. "/conf/site.conf", {
    from = "site.conf.tpl",
    values = { site = s.id, port = 8080 },
    mode = "0644",
  })
  on:file(app .. "/run.sh", { from = "run.sh", mode = "0755" })
  on:line(home .. "/.profile", { line = "umask 027", create = true })
  on:block(home .. "/hosts", { content = "192.0.2.1 one\n192.0.2.2 two\n", create = true })
  on:link(app .. "/current", { to = app .. "/conf" })
  on:file(app .. "/old.conf", { state = "absent" })
  on:file(app .. "/VERSION", { content = "1.0\n", mode = "0644" })
end, { label = "playbook" })
