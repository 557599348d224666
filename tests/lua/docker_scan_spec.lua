-- What Docker runs on a server, from what the probe printed.
local script = require "mr.docker_scan.script"

local UP = [[
engine=direct
version={"Server":{"Version":"26.1.5+dfsg1","ApiVersion":"1.45","MinAPIVersion":"1.24","Os":"linux","Arch":"amd64"}}
compose=v2.26.1
container=["b2","/web","web:1","sha256:aa","running","unhealthy",2,0,false,"2026-01-31T12:00:00.5Z","2026-01-31T12:00:01Z","always"]
container=["a1","/api","api:2","sha256:bb","running",null,0,0,false,"2026-01-31T12:00:00Z","2026-01-31T12:00:01Z","no"]
container=["c3","/job","api:2","sha256:bb","restarting",null,41,1,false,"2026-01-31T12:00:00Z","0001-01-01T00:00:00Z","always"]
container=["d4","/gave-up","api:2","sha256:bb","exited",null,5,2,false,"2026-01-31T12:00:00Z","2026-01-31T12:00:01Z","on-failure"]
container=["e5","/stopped","api:2","sha256:bb","exited",null,0,137,false,"2026-01-31T12:00:00Z","2026-01-31T12:00:01Z","always"]
container=["f6","/large","api:2","sha256:bb","exited",null,0,137,true,"2026-01-31T12:00:00Z","2026-01-31T12:00:01Z","no"]
image="sha256:aa" "web" "1" "2026-01-01 01:00:00 +0100 CET"
image="sha256:bb" "api" "2" "2026-01-02 00:00:00 +0000 UTC"
image="sha256:cc" "<none>" "<none>" "1970-01-01 00:00:00 +0000 UTC"
disk={"Type":"Images","TotalCount":"3","Active":"2","Size":"1.5GB","Reclaimable":"500kB (0%)"}]]

local function answer(lines)
  return "Welcome!\r\n" .. script.first .. "\n" .. lines .. "\n" .. script.last .. "\nbye\n"
end

local web ---@type Fake
before_each(function()
  web = fake "web"
end)

local function scan(lines, opts)
  web:on_like("sh -s -- *", answer(lines))
  return server("web"):scan_docker(opts)
end

describe("server:scan_docker", function()
  it("tells the engine, its containers and its images", function()
    local docker = scan(UP, { disk = true })
    expect(docker):has {
      state = "up",
      access = "direct",
      version = "26.1.5+dfsg1",
      api = "1.45",
      compose = "2.26.1",
      restarts = 48,
      counts = { running = 2, restarting = 1, exited = 3, unhealthy = 1 },
      images = { count = 3, dangling = 1, oldest = 0, newest = 1767312000 },
    }
    expect(assert(docker.containers)[1]):is {
      id = "a1",
      name = "api",
      image = "api:2",
      image_id = "sha256:bb",
      image_created = 1767312000,
      state = "running",
      restarts = 0,
      exit_code = 0,
      created = 1769860800,
      started = 1769860801,
      restart_policy = "no",
    }
    expect(assert(docker.containers)[3].started):is(nil)
    expect(docker.unwell):is {
      { name = "gave-up", why = "exited with 2", restarts = 5 },
      { name = "job", why = "restarting", restarts = 41 },
      { name = "large", why = "killed for its memory", restarts = 0 },
      { name = "web", why = "unhealthy", restarts = 2 },
    }
    expect(docker.disk):is {
      { type = "Images", total = 3, active = 2, size = 1500000000, reclaimable = 500000 },
    }
  end)

  it("does not believe what has just been restarted", function()
    local line = 'engine=direct\nnow=1769860830\ncontainer=["a1","/api","i","s","running",null,%d,0,false,"",'
      .. '"2026-01-31T12:00:%sZ","always"]'
    expect(scan(line:format(3, "25")).unwell):is {
      { name = "api", why = "restarted, 3 times by now", restarts = 3 },
    }
    expect(scan(line:format(0, "25")).unwell):is {}
    expect(scan(line:gsub("12:00", "11:58"):format(3, "25")).unwell):is {}
  end)

  it("marks what it found, and takes no mark away", function()
    scan(UP)
    expect(server("web").meta):has { docker_installed = true, docker_compose_installed = true }
    scan "engine=absent"
    expect(server("web").meta.docker_installed):is(true)
    fake("db"):on_like("*", answer "engine=absent")
    server("db"):scan_docker()
    expect(server("db").meta.docker_installed):is(nil)
  end)

  it("has no numbers where nobody could ask", function()
    for line, state in pairs {
      ["engine=absent"] = "absent",
      ["alone=\nrefused=Cannot connect to the Docker daemon"] = "absent",
      ["alone=\nrefused=client version 1.99 is too new"] = "failed",
      ["refused=Cannot connect to the Docker daemon at unix:///var/run/docker.sock."] = "down",
      ["refused=dial unix /run/podman.sock: connect: no such file or directory"] = "down",
      ["refused=error during connect: dial tcp: connection refused"] = "down",
      ["refused=permission denied while trying to connect"] = "denied",
      ["refused=permission denied while trying to connect\nsudo=sudo: a password is required"] = "denied",
      ["refused=permission denied while trying to connect\nsudo=sudo: docker: command not found"] = "denied",
      ["refused=permission denied while trying to connect\nsudo=failed to connect to the docker API"] = "down",
      ["refused=dial unix /run/podman/podman.sock: connect: permission denied"] = "denied",
      ["refused=client version 1.99 is too new\nsudo=Cannot connect to the Docker daemon"] = "failed",
      ["refused=client version 1.99 is too new"] = "failed",
      ["refused="] = "failed",
    } do
      local docker = scan(line .. "\ncontainer=[]\nimage=x")
      expect(docker.state):is(state)
      expect({ docker.containers, docker.counts, docker.images }):is {}
      expect(type(docker.hint)):is "string"
    end
    local docker = scan "engine=sudo\nmissed=containers\nmissed=images"
    expect(docker):has { state = "up", access = "sudo" }
    expect({ docker.containers, docker.unwell, docker.images }):is {}
  end)

  it("does not take half an answer for a whole one", function()
    for _, text in ipairs { "", "engine=absent", script.first .. "\nengine=direct\n", answer "" } do
      web:on_like("*", text)
      expect(function()
        server("web"):scan_docker()
      end):raises { kind = "script", message = "the server did not say what Docker runs on it" }
    end
  end)

  it("leaves out what has not the shape", function()
    for _, line in ipairs {
      "container=",
      "container={}",
      "container=[1,2,3]",
      'container=["x","",3]',
      'container=["a b","/n","i","s","running"]',
      "container=null",
      "image=",
      'image="a" "b"',
      'image="a;b" "r" "t" "c"',
      "disk=[]",
      "disk=1",
      "version=[]",
      "version=null",
      'version={"Server":null}',
      'version={"Server":{"Version":"1;2","Components":"x"}}',
      "engine=down",
      "alone=",
      "refused=Cannot connect to the Docker daemon",
      "sudo=Cannot connect to the Docker daemon",
      "nonsense",
    } do
      local docker = scan("engine=direct\n" .. line)
      expect(docker.state):is "up"
      expect({ #docker.containers, assert(docker.images).count, docker.version }):is { 0, 0 }
    end
  end)

  it("makes of control characters and numbers what they are worth", function()
    local docker = scan(
      'engine=direct\ncontainer=["a1","/x\\u001b[2J","i","s","running",null,-1,1e300,null,"","0001-01-01T00:00:00Z",null]'
    )
    expect(docker.containers):is {
      { id = "a1", name = "x[2J", image = "i", image_id = "s", state = "running" },
    }
  end)

  it("survives any text", function()
    local seed = 11
    ---@param most integer
    ---@return integer
    local function roll(most)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % most + 1
    end
    for _ = 1, 200 do
      local text = UP
      for _ = 1, roll(8) do
        local at = roll(#text)
        text = text:sub(1, at - 1) .. string.char(roll(256) - 1) .. text:sub(at + roll(9))
      end
      local _, err = mr.try(scan, text)
      expect(err and err.kind or "script"):is "script"
    end
  end)

  it("knows its options", function()
    expect(function()
      server("web"):scan_docker { all = true }
    end):raises { kind = "usage" }
  end)
end)

describe("mr.moment", function()
  local moment = require "mr.moment"

  it("reads what programs print", function()
    for text, at in pairs {
      ["1970-01-01T00:00:00Z"] = 0,
      ["2000-02-29 23:59:59 +0000 UTC"] = 951868799,
      ["2026-01-31T13:00:00.123456789+01:00"] = 1769860800,
      ["2026-01-31 05:30:00 -0630 XX"] = 1769860800,
    } do
      expect(moment.iso(text)):is(at)
    end
    expect(moment.openssl "Mar  3 10:00:00 2027 GMT"):is(1804068000)
  end)

  it("makes nothing of what is no moment", function()
    for _, text in ipairs {
      "",
      "0001-01-01T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-01-32T00:00:00Z",
      "2026-01-31T25:00:00Z",
      "2026-01-31T12:00:00",
      "2026-01-31T12:00:00 nonsense",
      "yesterday",
    } do
      expect(moment.iso(text)):is(nil)
    end
    for _, text in ipairs {
      "",
      "Foo  3 10:00:00 2027 GMT",
      "Mar 3 10:00:00 2027",
      "Mar 99 10:00:00 2027 GMT",
    } do
      expect(moment.openssl(text)):is(nil)
    end
  end)
end)
