-- Docker on pretended servers: what is asked, what becomes of the answers, and what check mode
-- keeps back. Real engines are in tests/suite/docker_*.rs.
local ID = ("ab"):rep(32)
local CONTAINER = mr.json.encode {
  {
    Id = ID,
    Name = "/web",
    Created = "2026-11-23T16:24:30.5Z",
    State = { Status = "running" },
    Config = { Image = "demo:1" },
  },
}
local DENIED = {
  code = 1,
  stderr = "permission denied while trying to connect to the Docker daemon socket at unix:///x\n",
}

local web ---@type Fake
local d ---@type Docker
before_each(function()
  web = fake "web"
  d = server("web"):docker()
end)

local function commands()
  local list = {}
  for i, call in ipairs(web:calls()) do
    list[i] = call.command
  end
  return list
end

describe("readers", function()
  it("give tables", function()
    web:on_like("d() {*d ps *", ID .. " Up 2 minutes\n\n" .. CONTAINER)
    local list = d:ps { all = true, filter = { label = { "a=b", "c" } } }
    expect(list[1]):has {
      id = ID,
      name = "web",
      state = "running",
      status = "Up 2 minutes",
      created = 1795451070,
    }
    expect(list[1].health):is(nil)
    expect(commands()[1]):has "--all --filter=label=a=b --filter=label=c"
    expect(web:calls()[1].reads):is(true)
  end)

  it("give nothing for what is not there", function()
    web:on(
      "docker inspect gone",
      { code = 1, stdout = "[]", stderr = "Error: No such object: gone" }
    )
    expect(d:inspect "gone"):is(nil)
    web:on("docker inspect odd", { code = 1, stderr = "Error response from daemon: odd" })
    expect(function()
      d:inspect "odd"
    end):raises "odd"
  end)

  it("say what they do not understand", function()
    web:on_like("d() {*", "<html>")
    local err = expect(function()
      d:ps()
    end):raises "not understood"
    expect(err.kind):is "docker"
  end)

  it("call a function with each line, until it has enough", function()
    web:on("docker logs --follow web", { stdout = "one\ntwo\nthree\n", stderr = "" })
    web:on("docker version '--format={{.Server.Version}}'", "26.1\n")
    local seen = {}
    d:logs("web", {
      follow = true,
      on_line = function(line, stream)
        seen[#seen + 1] = stream .. " " .. line
        return #seen < 2
      end,
    })
    expect(seen):is { "stdout one", "stdout two" }
  end)
end)

describe("the way to the daemon", function()
  it("is a rootless socket when the login has one, for the rest of the run", function()
    local home = fake "rootless"
    home:on_like("docker *", DENIED)
    home:on_like("for socket*", "unix:///run/user/7/docker.sock\n")
    home:on_like("docker --host=*", "")
    server("rootless"):docker():stop "web"
    server("rootless"):docker():start "web"
    local calls = home:calls()
    expect({ calls[2].command, calls[2].sudo }):is {
      "docker version '--format={{.Server.Version}}'",
      "root",
    }
    expect({ calls[#calls - 1].command, calls[#calls].command }):is {
      "docker --host=unix:///run/user/7/docker.sock stop web",
      "docker --host=unix:///run/user/7/docker.sock start web",
    }
  end)
end)

describe("errors", function()
  it("have a reason and a way out", function()
    for _, case in ipairs {
      { DENIED, "permission", "-b" },
      { { code = 127, stderr = "sh: 1: docker: not found" }, "absent", "stage docker" },
      {
        { code = 1, stderr = "Cannot connect to the Docker daemon at unix:///x." },
        "daemon_down",
        "start",
      },
      { { code = 1, stderr = "Error response from daemon: No such container: web" }, "not_found" },
    } do
      web:on_like("for socket*", "")
      web:on_like("docker *", case[1])
      local err = expect(function()
        d:stop "web"
      end):raises()
      expect({ err.kind, err.reason, err.server }):is { "docker", case[2], "web" }
      if case[3] then
        expect(err.hint):has(case[3])
      end
    end
  end)

  it("may be raised again, and by Lua code", function()
    local err = expect(function()
      error { kind = "docker", reason = "unhealthy", message = "it is ill" }
    end):raises "ill"
    expect({ err.kind, err.reason }):is { "docker", "unhealthy" }
  end)

  it("name options that are none, and values of the wrong kind", function()
    for _, case in ipairs {
      { { imagee = "x" }, "unknown option `imagee`" },
      { { image = "x", ports = true }, "`ports` must be a string" },
      { { image = "x", privileged = "yes" }, "`privileged` must be true or false" },
      { { image = "x", health = { every = 3 } }, "`health` has no `every`" },
      { { image = "--rm" }, "no name of an image" },
      { { image = "x", on_conflict = "replace" }, "needs a `name`" },
      { { image = "x", stop_timeout = "soon" }, "`stop_timeout` must be a number of seconds" },
      { { image = "x", labels = { 1, a = 2 } }, "both names and numbers" },
      { { image = mr.secret "s3cret-image" }, "a secret in `image`" },
      { {}, "no name of an image" },
    } do
      expect(function()
        d:run(case[1] --[[@as mr.ContainerOpts]])
      end):raises(case[2])
    end
    expect(function()
      d:rm {}
    end):raises "the name of a container is missing"
    expect(function()
      d:stop "-f"
    end):raises "no name of a container"
    expect(function()
      d:exec("web", {})
    end):raises "an empty list is no command"
    expect(function()
      d:events {}
    end):raises "no end"
    expect(function()
      server("web"):docker { host = "tcp://x", context = "y" }
    end):raises "exclude each other"
    expect(#web:calls()):is(0)
  end)
end)

describe("verbs that change", function()
  it("keep secrets out of commands", function()
    web:on_like("cat | docker run *", ID .. "\n")
    web:on_like("d() {*container inspect*", "\n" .. CONTAINER)
    d:run { image = "demo:1", name = "web", env = { A = "1", B = mr.secret "s3cret-b" } }
    expect(web:calls()[1]):has {
      command = "cat | docker run --detach --name=web --env=A=1 --env-file=/dev/stdin demo:1",
      stdin = "B=s3cret-b\n",
    }
    web:on_like("docker login *", "")
    d:login { registry = "r:5000", user = "ci", password = mr.secret "s3cret-ci" }
    local calls = web:calls()
    expect(calls[#calls]):has {
      command = "docker login --username=ci --password-stdin r:5000",
      stdin = "s3cret-ci",
    }
  end)

  it("tell a command's end from docker's own", function()
    web:on("docker exec web sh -c 'exit 3'", { code = 3 })
    expect(d:exec("web", "exit 3", { check = false }).code):is(3)
    local err = expect(function()
      d:exec("web", "exit 3")
    end):raises "exited with 3"
    expect(err.kind):is "exit"
    web:on("docker exec web true", {
      code = 1,
      stderr = "Error response from daemon: No such container: web",
    })
    err = expect(function()
      d:exec("web", { "true" }, { check = false })
    end):raises "no such container"
    expect(err.reason):is "not_found"
  end)

  it("resolve a name that is taken as they are told", function()
    local taken = {
      code = 125,
      stderr = 'docker: Error response from daemon: Conflict. The container name "/web" is already in use by container "x".',
    }
    web:on("docker run --detach --name=web demo:1", taken)
    web:on_like("d() {*container inspect*", "\n" .. CONTAINER)
    local err = expect(function()
      d:run { image = "demo:1", name = "web" }
    end):raises "already in use"
    expect({ err.reason, err.hint }):is { "conflict", '`on_conflict` takes "replace" and "keep"' }
    expect(d:run({ image = "demo:1", name = "web", on_conflict = "keep" }).id):is(ID)
    web:on("docker rm --force web", "web\n")
    expect(function()
      d:run { image = "demo:1", name = "web", on_conflict = "replace" }
    end):raises "already in use"
    local all = table.concat(commands(), "\n")
    expect(all):has "docker rm --force web\ndocker run --detach"
  end)

  it("go as they are for a daemon that was named", function()
    web:on_like("docker *", "")
    server("web"):docker({ host = "unix:///run/user/7/docker.sock" }):stop "web"
    server("web"):docker({ context = "far" }):stop "web"
    server("web"):docker({ sudo = true }):stop "web"
    expect(commands()):is {
      "docker --host=unix:///run/user/7/docker.sock stop web",
      "docker --context=far stop web",
      "docker stop web",
    }
    expect(web:calls()[3].sudo):is "root"
  end)

  it("never reach a server in check mode", function()
    local waited = false
    local out = fleet.select("web"):map(function(s)
      local docker = s:docker()
      docker:stop "web"
      docker:rm({ "a", "b" }, { force = true })
      docker:pull "demo:2"
      docker:prune()
      docker:compose({ folder = "/srv/x" }):up { wait = true }
      local made = docker:run { image = "demo:1", name = "x" }
      waited = true
      return made.id
    end, { check = true })
    expect(out[1].status):is "unknown"
    expect(tostring(out[1].err)):has "check mode cannot tell `id`"
    expect(waited):is(true)
    expect(#web:calls()):is(0)
  end)
end)

describe("compose", function()
  it("says which way it is missing", function()
    web:on_like("docker compose *", {
      code = 125,
      stderr = "unknown flag: --ansi\nSee 'docker --help'.",
    })
    web:on_like("d() {*docker-compose version*", "1.29.2\n")
    local shop = d:compose { folder = "/srv/shop" }
    local err = expect(function()
      shop:up()
    end):raises "only version 1.29.2 of docker-compose"
    expect(err.reason):is "absent"
    web:on_like("d() {*docker-compose version*", "")
    expect(function()
      shop:up()
    end):raises "compose plugin of docker is not installed"
  end)

  it("gives the containers of a project", function()
    web:on_like(
      "docker compose *",
      '{"ID":"1","Name":"shop-web-1","Service":"web","State":"running","Health":"healthy"}\n'
    )
    local shop = d:compose { folder = "~/shop", files = { "a.yml" }, profiles = "x" }
    expect(shop:ps()[1]):has { service = "web", health = "healthy" }
    expect(commands()[1]):is(
      "docker compose --ansi=never --project-directory=shop --file=shop/a.yml --profile=x ps --all --no-trunc --format=json"
    )
    expect(tostring(shop)):is "compose project shop of web"
    expect(tostring(d)):is "docker of web"
  end)
end)
