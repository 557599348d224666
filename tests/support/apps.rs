//! Apps that are deployed in a machine with a Docker engine: images whose version can be asked for,
//! some of them broken, and a playbook that deploys them.

use super::cell::Cell;
use super::home::Done;

/// Makes the images: `demo:1` and `demo:2` answer, the others are ill in their own ways.
const IMAGES: &str = r#"
base=/tmp/image
mkdir -p $base/bin $base/tmp $base/www
cp /bin/busybox $base/bin
for name in sh httpd sleep cat wget nc echo true false test touch rm kill; do ln -sf busybox $base/bin/$name; done
image() {
    echo "$2" >$base/www/version
    echo well >$base/www/health
    tar -C $base -c . | docker import -c "CMD $3" - "$1" >/dev/null
}
serve='["/bin/httpd","-f","-p","8080","-h","/www"]'
image demo:1 one "$serve"
image demo:2 two "$serve"
image demo:exits x '["/bin/sh","-c","echo cannot open the database; exit 7"]'
image demo:deaf x '["/bin/sh","-c","echo here I am; exec sleep 1000"]'
image demo:falls falls '["/bin/sh","-c","httpd -p 8080 -h /www; sleep 4; rm /www/health; exec sleep 1000"]'
"#;

/// Makes `haproxy:test` of the machine's own HAProxy and the libraries that it needs.
const PROXY: &str = r#"
root=/tmp/proxy
mkdir -p $root/usr/sbin $root/bin $root/etc $root/tmp
cp /usr/sbin/haproxy $root/usr/sbin
cp /bin/busybox $root/bin
ln -s busybox $root/bin/sh
echo 'root:x:0:0::/:/bin/sh' >$root/etc/passwd
ldd /usr/sbin/haproxy | sed -n 's,^[^/]*\(/[^ ]*\) (0x.*,\1,p' | while read -r lib; do
    mkdir -p "$root$(dirname "$lib")"
    cp -L "$lib" "$root$lib"
done
tar -C $root -c . | docker import -c 'ENV PATH=/usr/sbin:/bin' - haproxy:test >/dev/null
"#;

/// `deploys/shop.lua`'s like as a playbook: the image (or `back`) and the server's id are its words.
const PLAY: &str = r#"
local s = server(arg[2] or "root")
local d = s:docker()
local spec = {
  app = "shop",
  image = arg[1],
  port = 8080,
  pull = "never",
  proxy = vars.proxy and mr.json.decode(vars.proxy) or not vars.ports and { listen = 80 } or nil,
  ports = vars.ports and { "8090:8080" } or nil,
  probe = {
    http = not vars.talks and "/health" or nil,
    tcp = vars.talks and true or nil,
    timeout = 8,
    settle = tonumber(vars.settle),
  },
  health = vars.health and { command = "wget -q -O /dev/null 127.0.0.1:8080/health", interval = 1, retries = 1 } or nil,
  drain = 5,
  stop_timeout = 1,
  on_step = function(name)
    if vars.die == name then
      os.execute "kill -9 $PPID"
    elseif vars.cut == name then
      -- The session ends in the middle of what comes next.
      s:run("me=$PPID; (sleep 0." .. (vars.after or 1) .. "; kill -9 $me) >/dev/null 2>&1 &")
    end
  end,
}
local verb = d.deploy
if arg[1] == "back" then
  verb, spec.image = d.rollback, nil
end
local result, err = mr.try(verb, d, spec)
if err then
  error(err)
end
print(mr.json.encode(result))
"#;

/// A machine with a Docker engine, a proxy on it, and the images.
pub struct Apps {
    /// The machine.
    pub cell: Cell,
}

impl Apps {
    /// One whose proxy runs on the host.
    pub fn start() -> Option<Apps> {
        let apps = Apps::bare()?;
        let made = apps.cell.mroom(&["stage", "proxy", "root"]).ended(0);
        assert!(made.stdout.contains("proxy changed"), "{made:?}");
        Some(apps)
    }

    /// One whose proxy is a container, which has the machine's `/etc/ssl`.
    pub fn contained() -> Option<Apps> {
        let apps = Apps::bare()?;
        apps.cell.shell(PROXY).ended(0);
        let words = ["stage", "proxy", "root", "--set", "kind=container"];
        let volumes = "volumes=/etc/ssl:/etc/ssl:ro";
        let words = [
            &words[..],
            &["--set", "image=haproxy:test", "--set", volumes],
        ]
        .concat();
        let made = apps.cell.mroom(&words).ended(0);
        assert!(made.stdout.contains("proxy changed"), "{made:?}");
        let again = apps.cell.mroom(&words).ended(0);
        assert!(again.stdout.contains("proxy ok"), "{again:?}");
        Some(apps)
    }

    /// One without a proxy.
    pub fn bare() -> Option<Apps> {
        let cell = Cell::docker()?;
        cell.shell(IMAGES).ended(0);
        cell.home.write("shop.lua", PLAY);
        Some(Apps { cell })
    }

    /// Runs the playbook.
    pub fn play(&self, words: &[&str]) -> Done {
        let mut line = vec!["run", "shop.lua"];
        line.extend_from_slice(words);
        self.cell.mroom(&line)
    }

    /// What answers on a port of the machine; `-` when nothing does.
    pub fn answer(&self, port: u16) -> String {
        let text = format!("curl -s -m 5 http://127.0.0.1:{port}/version || echo -");
        self.cell.shell(&text).ended(0).stdout.trim().to_owned()
    }

    /// `NAME STATE` of the app's containers, sorted by state.
    pub fn containers(&self) -> Vec<String> {
        let text = "docker ps -a --filter label=machineroom.app --format '{{.State}} {{.Names}}'";
        let done = self.cell.shell(text).ended(0);
        let mut lines: Vec<String> = done.stdout.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// The states of the app's containers, sorted, as one text.
    pub fn states(&self) -> String {
        let states: Vec<String> = self
            .containers()
            .iter()
            .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
            .collect();
        states.join(" ")
    }

    /// Breaks what a run that was killed holds.
    pub fn unlock(&self) {
        let text = r#"for _, name in ipairs { "shop", "proxy" } do require("mr.lease").remove(server "root", name) end"#;
        self.cell.mroom(&["eval", text]).ended(0);
    }
}
