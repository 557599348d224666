//! The docker object on a real engine: what its verbs do, and what goes wrong.

use super::docker_engine::IMAGE;
use crate::support::cell::Cell;

/// Runs Lua text that has `d`, docker of that server, and `fails(f, reason)`.
pub fn lua(cell: &Cell, server: &str, text: &str) {
    let head = format!(
        "local s = server '{server}'\nlocal d = s:docker()\n\
         local function fails(reason, f, ...)\n\
           local value, err = mr.try(f, ...)\n\
           assert(err, 'no error, but ' .. tostring(value))\n\
           assert(err.kind == 'docker' and err.reason == reason, \
                  tostring(err.kind) .. ' ' .. tostring(err.reason) .. ': ' .. tostring(err))\n\
           return err\n\
         end\n"
    );
    let file = cell.home.write("play.lua", head + text);
    cell.mroom(&["run", file.to_str().unwrap()]).ended(0);
}

#[test]
fn containers_are_made_asked_and_removed() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    lua(
        &cell,
        "dock",
        r#"
local c = d:run {
  image = "demo:1", name = "web", command = "echo hello; echo $TOKEN; echo oops >&2; sleep 1000",
  env = { TOKEN = mr.secret "t0ken-of-web", MODE = "a b" }, labels = { ["machineroom.app"] = "web" },
  ports = { "127.0.0.1:8080:80" }, volumes = { "data:/data" }, memory = "64m", restart = "always",
  health = { command = { "true" }, interval = 0.2 }, init = true, stop_timeout = 1,
}
assert(c.name == "web" and c.state == "running" and #c.id == 64)
assert(c.ports[1].host_port == 8080 and c.ports[1].host_ip == "127.0.0.1" and c.ports[1].port == 80)
assert(c.mounts[1].name == "data" and c.restart == "always" and c.restarts == 0)
mr.wait(function() return d:ps({ filter = { name = "web" } })[1].health == "healthy" end, { timeout = 30 })
assert(d:ps()[1].status:find("^Up "))
local said = d:logs("web", { tail = 10 })
assert(said.stdout == "hello\nt0ken-of-web\n" and said.stderr == "oops\n")
local seen = {}
d:logs("web", { follow = true, on_line = function(line, stream) seen[#seen + 1] = stream .. line return #seen < 3 end })
table.sort(seen)
assert(seen[1] == "stderroops" and seen[2] == "stdouthello", table.concat(seen, ","))
assert(d:exec("web", "echo $MODE").stdout == "a b\n")
assert(d:exec("web", { "cat" }, { stdin = "in\0put" }).stdout == "in\0put")
assert(d:exec("web", "echo $S", { env = { S = mr.secret "s3cret-of-exec" } }).stdout == "s3cret-of-exec\n")
assert(d:exec("web", "exit 3", { check = false }).code == 3)
local _, err = mr.try(d.exec, d, "web", "exit 3")
assert(err.kind == "exit" and err.code == 3)
assert(d:stats("web")[1].memory > 0)
assert(d:inspect("web").HostConfig.Memory == 64 << 20)
assert(d:inspect("nothing") == nil)
d:network_create { name = "back", internal = true, labels = { a = "b" } }
d:network_connect("back", "web", { aliases = { "shop" } })
assert(d:ps()[1].networks.back.aliases[1] == "shop")
d:network_disconnect("back", "web")
local names = {}
for _, n in ipairs(d:networks()) do names[n.name] = n end
assert(names.back.is_internal and names.back.labels.a == "b")
d:network_rm "back"
d:rename("web", "old")
d:restart("old", { timeout = 0 })
d:stop("old", { timeout = 0 })
local old = d:ps({ all = true })[1]
assert(old.name == "old" and old.state == "exited" and old.exit_code and old.finished >= old.created)
d:start "old"
d:kill("old", { signal = "KILL" })
d:rm({ "old" }, { force = true })
assert(#d:ps { all = true } == 0)
assert(#d:volumes() == 1)
d:volume_rm "data"
d:volume_create { name = "made" }
assert(d:volumes()[1].name == "made" and d:volumes()[1].path)
d:create { image = "demo:1", name = "one", command = { "sh", "-c", "exit 7" } }
d:start "one"
assert(d:wait("one", { timeout = 30 }) == 7)
assert(d:run({ image = "demo:1", command = "echo out; echo err >&2", detach = false, rm = true }).stdout == "out\n")
local found = false
for _, event in ipairs(d:events { since = "10m", until_ = "0s", filter = { event = "rename" } }) do
  found = found or event.Actor.Attributes.name == "old"
end
assert(found)
local v = d:version()
assert(tonumber(v.server:match "^%d+") >= 25 and v.compose and v.arch == "amd64" or v.arch == "arm64")
assert(d:info().ServerVersion == v.server)
d:tag("demo:1", "demo:2")
assert(#d:images({ filter = { reference = "demo" } })[1].tags == 2)
d:rmi "demo:2"
"#,
    );
    // What was secret is nowhere: not in the log of commands, not in what docker keeps of them.
    let log = cell.mroom(&["log", "--json"]).ended(0).stdout;
    assert!(log.contains("--env-file=/dev/stdin"), "{log}");
    for file in ["log", "play"] {
        assert!(
            !log.contains("t0ken-of-web") && !log.contains("s3cret-of-exec"),
            "{file}"
        );
    }
}

#[test]
fn archives_go_in_and_out() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    let home = &cell.home;
    home.write(
        "context/Dockerfile",
        "FROM demo:1\nARG WHO\nCOPY . /srv\nRUN echo \"hi $WHO\" >/who\n",
    );
    home.write("context/.dockerignore", "*.o\nsecret\n!keep.o\n");
    home.write("context/a.o", "x");
    home.write("context/keep.o", "x");
    home.write("context/secret/key", "x");
    home.write("context/big", vec![b'b'; 3_000_000]);
    home.write("tree/one/two", "2");
    let at = home.path("").display().to_string();
    lua(
        &cell,
        "sudoer",
        &format!(
            "local at = '{at}'\n{}",
            r#"
local built = d:build { context = at .. "context", tags = { "app:1", "app:2" }, args = { WHO = "ann" } }
assert(built.id:find "^sha256:" and built.tags[2] == "app:2", built.id)
local said = {}
d:build { context = at .. "context", tags = "app:3", no_cache = true, args = { WHO = "bob" }, on_line = function(l) said[#said + 1] = l end }
assert(table.concat(said, "\n"):find "COPY", table.concat(said, "\n"))
d:run { image = "app:3", name = "app", command = { "sleep", "1000" } }
assert(d:exec("app", "cat /who").stdout == "hi bob\n")
local files = d:exec("app", "cd /srv; for f in * .d*; do echo $f; done").stdout
assert(files:find "keep.o" and files:find "big" and not files:find "a.o" and not files:find "secret", files)
local _, err = mr.try(d.build, d, { context = at .. "tree" })
assert(err.kind == "docker", tostring(err))
d:cp_to("app", { content = mr.secret "s3cret-of-copy" }, "/srv/flag", { mode = "0600" })
assert(d:exec("app", "cat /srv/flag").stdout == "s3cret-of-copy")
d:cp_to("app", at .. "tree", "/srv/new")
assert(d:exec("app", "cat /srv/new/one/two").stdout == "2")
d:cp_to("app", at .. "tree", "/srv/")
assert(d:exec("app", "cat /srv/tree/one/two").stdout == "2")
assert(d:cp_from("app", "/srv/big", at .. "back") == 3000000)
assert(d:cp_from("app", "/srv/new", at .. "folder") == 1)
assert(io.open(at .. "folder/one/two"):read "a" == "2")
fails("not_found", d.cp_from, d, "app", "/nothing", at .. "x")
fails("not_found", d.cp_to, d, "app", { content = "x" }, "/no/such/folder")
"#
        ),
    );
    let log = cell.mroom(&["log", "--json"]).ended(0).stdout;
    assert!(!log.contains("s3cret-of-copy"), "{log}");
}

#[test]
fn what_goes_wrong_has_a_reason() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    cell.shell("tar -C /tmp/image -c . | docker import --platform linux/arm64 - other:1")
        .ended(0);
    lua(
        &cell,
        "root",
        r#"
d:run { image = "demo:1", name = "web", command = { "sleep", "1000" }, ports = "8080:80" }
local err = fails("conflict", d.run, d, { image = "demo:1", name = "web", command = { "true" } })
assert(err.server == "root" and err.hint:find "on_conflict")
local first = d:ps()[1].id
assert(d:run({ image = "demo:1", name = "web", command = { "true" }, on_conflict = "keep" }).id == first)
local new = d:run { image = "demo:1", name = "web", command = { "sleep", "1000" }, ports = "8080:80", on_conflict = "replace" }
assert(new.id ~= first and #d:ps { all = true } == 1)
fails("port_taken", d.run, d, { image = "demo:1", name = "two", command = { "true" }, ports = "8080:80" })
assert(d:inspect "two" == nil, "a container that could not start is left behind")
fails("not_found", d.run, d, { image = "demo:1", name = "two", command = { "nosuch" } })
assert(d:inspect "two" == nil)
fails("not_found", d.stop, d, "nothing")
fails("not_found", d.exec, d, "nothing", "true")
fails("not_found", d.logs, d, "nothing")
fails("invalid", d.run, d, { image = "demo:1", name = "bad name" })
fails("invalid", d.run, d, { image = "Demo:1" })
fails("platform", d.run, d, { image = "other:1", platform = "linux/amd64", pull = "never", command = { "true" } })
fails("conflict", d.rmi, d, "demo:1")
fails("conflict", d.network_rm, d, "bridge")
local gone = d:run { image = "demo:1", name = "gone", command = "echo last words; exit 4" }
assert(d:wait "gone" == 4)
gone = d:ps({ all = true, filter = { name = "gone" } })[1]
assert(gone.state == "exited" and gone.exit_code == 4 and d:logs("gone").stdout == "last words\n")
local _, exit = mr.try(d.run, d, { image = "demo:1", command = "exit 9", detach = false, rm = true })
assert(exit.kind == "exit" and exit.code == 9)
fails("conflict", d.exec, d, "gone", "true")
d:rm { "gone" }
-- A container to be kept stays, and its image.
d:tag("demo:1", "demo:old")
d:create { image = "demo:old", name = "kept", command = { "true" }, labels = { ["machineroom.keep"] = "1" } }
d:create { image = "demo:1", name = "ended", command = { "true" } }
s:run { "docker", "rm", "-f", "web" }
d:prune { containers = true, images = true, all = true }
assert(d:inspect "kept" and not d:inspect "ended" and d:inspect("demo:old", { type = "image" }))
d:rm "kept"
-- Of the image only the name is left that the container had.
assert(not d:inspect("demo:1", { type = "image" }))
d:tag("demo:old", "demo:1")
d:prune { images = true, all = true, keep = { "demo:1" } }
assert(d:inspect("demo:1", { type = "image" }) and d:inspect("demo:old", { type = "image" }))
d:rmi "demo:old"
d:prune { images = true, all = true, keep = "demo:old" }
assert(#d:images() == 0)
"#,
    );
}

#[test]
fn a_compose_project_lives() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(IMAGE).ended(0);
    cell.shell(
        "mkdir -p /srv/shop && cd /srv/shop && cat >compose.yml <<'END'\n\
         services:\n  web:\n    image: demo:1\n    command: [sh, -c, 'echo up $$MODE; exec sleep 1000']\n    \
         environment: [\"MODE=${MODE}\"]\n    init: true\n    ports: ['8081:80']\n    \
         healthcheck: {test: [CMD, 'true'], interval: 1s}\n\
         END\n\
         echo MODE=prod >prod.env\n\
         printf 'services: {web: {imagee: x}}\\n' >bad.yml\n\
         printf 'services: {web: {image: \"demo:1\", command: [sleep, \"99\"], healthcheck: {test: [CMD, \"false\"], interval: 1s, retries: 1}}}\\n' >ill.yml",
    )
    .ended(0);
    lua(
        &cell,
        "sudoer",
        r#"
local shop = d:compose { folder = "/srv/shop", project = "shop", env_file = "prod.env" }
assert(shop:config().services.web.image == "demo:1")
assert(shop:version():find "^2%.")
shop:up { wait = true, wait_timeout = 60 }
local c = shop:ps()[1]
assert(c.service == "web" and c.state == "running" and c.health == "healthy" and c.ports[1].host_port == 8081)
assert(shop:logs({ tail = 5 }).stdout:find "up prod")
shop:restart "web"
shop:stop()
assert(shop:ps()[1].state == "exited")
shop:down { volumes = true }
assert(#shop:ps() == 0)
local bad = d:compose { folder = "/srv/shop", files = { "bad.yml" } }
fails("invalid", bad.up, bad)
local none = d:compose { folder = "/srv" }
fails("invalid", none.up, none)
local ill = d:compose { folder = "/srv/shop", files = "ill.yml", project = "ill" }
fails("unhealthy", ill.up, ill, { wait = true, wait_timeout = 30 })
ill:down()
"#,
    );
    // Without the plugin, and with the old program only.
    cell.shell("rm -f /usr/libexec/docker/cli-plugins/docker-compose /usr/lib/docker/cli-plugins/docker-compose /usr/bin/docker-compose")
        .ended(0);
    let begin = "local shop = d:compose { folder = '/srv/shop' }\nlocal err = fails('absent', shop.up, shop)\n";
    lua(
        &cell,
        "root",
        &format!("{begin}assert(err.message:find 'not installed' and d:version().compose == nil)"),
    );
    cell.shell("printf '#!/bin/sh\\necho 1.29.2\\n' >/usr/local/bin/docker-compose; chmod +x /usr/local/bin/docker-compose")
        .ended(0);
    lua(
        &cell,
        "root",
        &format!("{begin}assert(err.message:find('only version 1.29.2', 1, true), err.message)"),
    );
}
