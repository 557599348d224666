//! Registries: Debian's own on loopback, open and behind a password and TLS, one that has had
//! enough, and a disk that is too small.

use super::docker_engine::IMAGE;
use super::docker_object::lua;
use crate::support::cell::Cell;

/// Registries of the machine: `127.0.0.1:5000` is open, `10.9.9.9:5443` has TLS and the user `ann`,
/// `127.0.0.1:5001` answers everything with 429. (For the engine loopback needs no TLS at all.)
const REGISTRIES: &str = r#"
ip addr add 10.9.9.9/32 dev lo
cat >/tmp/answer <<'END'
#!/bin/sh
while read -r line; do [ "$line" = "$(printf '\r')" ] && break; done
body='{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'
printf 'HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s' ${#body} "$body"
END
chmod +x /tmp/answer
busybox nc -ll -p 5001 -e /tmp/answer </dev/null >/dev/null 2>&1 &
htpasswd -Bbn ann s3cret-of-ann >/tmp/htpasswd
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout /tmp/reg.key -out /tmp/reg.crt -subj /CN=lab \
    -addext subjectAltName=IP:10.9.9.9 2>/dev/null
config() {
    printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: /tmp/reg}}\nhttp: {addr: "%s"%s}\n%s\n' "$@"
}
config 127.0.0.1:5000 '' '' >/tmp/open.yml
config 10.9.9.9:5443 ', tls: {certificate: /tmp/reg.crt, key: /tmp/reg.key}' \
    'auth: {htpasswd: {realm: lab, path: /tmp/htpasswd}}' >/tmp/closed.yml
docker-registry serve /tmp/open.yml </dev/null >/tmp/open.log 2>&1 &
docker-registry serve /tmp/closed.yml </dev/null >/tmp/closed.log 2>&1 &
for tries in $(seq 100); do
    curl -s http://127.0.0.1:5000/v2/ >/dev/null && curl -sk https://10.9.9.9:5443/v2/ >/dev/null && break
    sleep 0.1
done
docker tag demo:1 127.0.0.1:5000/demo:1
docker tag demo:1 10.9.9.9:5443/demo:1
"#;

#[test]
fn images_go_to_registries_and_come_back() {
    let Some(cell) = Cell::docker() else { return };
    cell.shell(&format!("{IMAGE}{REGISTRIES}")).ended(0);
    lua(
        &cell,
        "dock",
        r#"
d:push "127.0.0.1:5000/demo:1"
local there = d:pull "127.0.0.1:5000/demo:1"
assert(not there.is_new and there.digest:find "^sha256:", "pulled again")
d:rmi "127.0.0.1:5000/demo:1"
local got = d:pull("127.0.0.1:5000/demo:1", { policy = "missing" })
assert(got.is_new and got.id == there.id)
fails("not_found", d.pull, d, "127.0.0.1:5000/demo:9")
fails("not_found", d.pull, d, "127.0.0.1:5000/nothing:1")
local err = fails("rate_limit", d.pull, d, "127.0.0.1:5001/demo:1")
assert(err.hint:find "login")
fails("registry", d.pull, d, "127.0.0.1:5999/demo:1")
-- A certificate that nobody vouches for, then a login.
fails("registry", d.pull, d, "10.9.9.9:5443/demo:1")
"#,
    );
    cell.shell("mkdir -p /etc/docker/certs.d/10.9.9.9:5443 && cp /tmp/reg.crt /etc/docker/certs.d/10.9.9.9:5443/ca.crt")
        .ended(0);
    lua(
        &cell,
        "dock",
        r#"
local r = "10.9.9.9:5443"
fails("unauthorized", d.pull, d, r .. "/demo:1")
fails("unauthorized", d.push, d, r .. "/demo:1")
fails("unauthorized", d.login, d, { registry = r, user = "ann", password = mr.secret "wr0ng-of-ann" })
d:login { registry = r, user = "ann", password = mr.secret "s3cret-of-ann" }
d:push(r .. "/demo:1")
assert(d:pull(r .. "/demo:1").digest)
d:logout(r)
fails("unauthorized", d.pull, d, r .. "/demo:1")
"#,
    );
    let log = cell.mroom(&["log", "--json"]).ended(0).stdout;
    assert!(log.contains("--password-stdin"), "{log}");
    assert!(!log.contains("of-ann"), "{log}");
    // The same by the command, the password over standard input.
    let login = ["docker", "dock", "login", "-u", "ann", "10.9.9.9:5443"];
    let refused = cell.mroom(&login).ended(5);
    assert!(refused.stderr.contains("--password-stdin"), "{refused:?}");
}

#[test]
fn a_full_disk_is_named() {
    let Some(cell) = Cell::docker_with("40m") else {
        return;
    };
    cell.shell(&format!("{IMAGE}{REGISTRIES}")).ended(0);
    cell.shell(
        "head -c 14000000 /dev/urandom >/tmp/image/big && tar -C /tmp/image -c . | docker import - 127.0.0.1:5000/big:1\n\
         docker push -q 127.0.0.1:5000/big:1 && docker rmi 127.0.0.1:5000/big:1\n\
         head -c 20000000 /dev/urandom >/var/lib/docker/filler",
    )
    .ended(0);
    lua(
        &cell,
        "root",
        r#"
local err = fails("no_space", d.pull, d, "127.0.0.1:5000/big:1")
assert(err.hint:find "prune")
s:run "rm /var/lib/docker/filler"
assert(d:pull("127.0.0.1:5000/big:1").is_new)
"#,
    );
}
