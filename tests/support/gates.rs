//! A cell with two VPN gateways on wires of their own: OpenVPN, and behind each of them, at the same
//! address, a server that only its tunnel reaches. The cell is the operator's machine.

use std::path::Path;
use std::process::{Command, Stdio};

use super::cell::Cell;
use super::home::{Done, MROOM};
use super::sshd::{has, skip};

/// The password of the gateways; no file format likes it.
pub const PASSWORD: &str = r#"p w"o'r\d #$1"#;
/// Where both servers are.
pub const BEHIND: &str = "10.77.0.10";

/// Makes certificates, gateways and servers. The first word is the folder of the checkout, the second that
/// of the binary; the password is on standard input of `check`.
const MAKE: &str = r##"
mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
mkdir -p /srv/gates && cd /srv/gates
new() { openssl req -newkey rsa:2048 -nodes -keyout $1.key -subj /CN=$1 "$2" $3 $1.$4 2>/dev/null; }
new ca -x509 -out pem; new gate -new -out csr
printf 'extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature,keyEncipherment\n' >ext
openssl x509 -req -in gate.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out gate.pem 2>/dev/null
cat >check <<'END'
#!/bin/sh
{ read -r user; IFS= read -r pass; } <"$1"
[ "$user" = anna ] && [ "$pass" = "$(cat /srv/gates/password)" ]
END
chmod 755 check
mkdir -p /run/sshd
for n in 1 2; do
    outside=192.0.2; [ $n = 1 ] || outside=198.51.100
    ip netns add gate$n
    ip link add wire$n type veth peer name outer netns gate$n
    ip addr add $outside.2/24 dev wire$n && ip link set wire$n up
    ip -n gate$n addr add $outside.1/24 dev outer && ip -n gate$n link set outer up
    ip -n gate$n link set lo up && ip -n gate$n addr add 10.77.0.10/32 dev lo
    cat >server$n.conf <<END
mode server
tls-server
dev tun
topology subnet
ifconfig 10.9.8.1 255.255.255.0
ifconfig-pool 10.9.8.10 10.9.8.50
push "topology subnet"
push "redirect-gateway def1"
proto udp4
local $outside.1
ca ca.pem
cert gate.pem
key gate.key
dh none
verify-client-cert none
username-as-common-name
auth-user-pass-verify /srv/gates/check via-file
script-security 2
keepalive 1 5
tmp-dir /tmp
END
    ip netns exec gate$n openvpn --cd /srv/gates --config server$n.conf --daemon --log gate$n.log --writepid gate$n.pid
    sed -e "s/^ListenAddress.*/ListenAddress 10.77.0.10/" /etc/lab/sshd_config >sshd$n
    echo "SetEnv BEHIND=gate$n" >>sshd$n
    # The same address, and yet another server.
    ssh-keygen -q -t ed25519 -N '' -f host$n
    sed -i "s,^HostKey.*,HostKey /srv/gates/host$n," sshd$n
    ip netns exec gate$n /usr/sbin/sshd -f /srv/gates/sshd$n -E /srv/gates/sshd$n.log
done
"##;

/// The cell.
pub struct Gates {
    /// The operator's machine.
    pub cell: Cell,
}

impl Gates {
    /// Makes one, or says why not.
    pub fn start() -> Option<Gates> {
        if !["openvpn", "openssl", "nft", "pgrep"].into_iter().all(has) {
            return None;
        }
        if !Path::new("/dev/net/tun").exists() {
            skip("no /dev/net/tun");
            return None;
        }
        let cell = Cell::start()?;
        cell.shell(&format!(
            "mkdir -p /srv/gates; cat >/srv/gates/password <<'END'\n{PASSWORD}\nEND\n"
        ))
        .ended(0);
        cell.shell(MAKE).ended(0);
        let gates = Gates { cell };
        for path in [
            Path::new(env!("CARGO_MANIFEST_DIR")),
            Path::new(MROOM).parent().unwrap(),
        ] {
            gates.lend(path);
        }
        gates.user("root", "/root");
        Some(gates)
    }

    /// A folder of this machine, seen at the same place in the cell.
    fn lend(&self, path: &Path) {
        let root = self.cell.home.path("cell/root");
        let script = "mkdir -p \"$1$2\" && mount --bind \"$2\" \"$1$2\"";
        let status = Command::new("nsenter")
            .args(["-t", self.cell.pid(), "-m", "sh", "-euc", script, "sh"])
            .arg(&root)
            .arg(path)
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{}", path.display());
    }

    /// Gives a user the key that the servers take, and two lists.
    pub fn user(&self, name: &str, home: &str) {
        let key = std::fs::read_to_string(self.cell.home.path(".ssh/id_ed25519")).unwrap();
        let list = |n: u32, outside: &str| {
            let tunnel = format!(
                "#gate{n}--OpenVPN--{outside}--anna--{PASSWORD}--ca=/srv/gates/ca.pem--timeout=40"
            );
            format!(
                "cat >'{home}/list{n}' <<'END'\n{tunnel}\nbehind{n}--{BEHIND}--root------22\nEND\n"
            )
        };
        let script = format!(
            "mkdir -p {home}/.ssh\ncat >{home}/.ssh/id_ed25519 <<'END'\n{key}END\n\
             chmod 600 {home}/.ssh/id_ed25519\n{}{}chown -R {name} {home}\n",
            list(1, "192.0.2.1"),
            list(2, "198.51.100.1")
        );
        self.cell.shell(&script).ended(0);
        for list in ["list1", "list2"] {
            self.mroom_as(name, &format!("-q import {list}")).ended(0);
        }
    }

    /// Runs `mroom` as root of the cell.
    pub fn mroom(&self, line: &str) -> Done {
        self.mroom_as("root", line)
    }

    /// The same as another user.
    pub fn mroom_as(&self, user: &str, line: &str) -> Done {
        self.cell.shell(&as_user(user, line))
    }

    /// Forgets all host keys: what is behind a name is another server now.
    pub fn forget_hosts(&self) {
        self.cell.shell("rm -f /root/.ssh/known_hosts").ended(0);
    }

    /// What a tunnel could leave: interfaces, routes, rules, namespaces, processes, files.
    pub fn traces(&self) -> String {
        let script = "ip -o link | cut -d: -f2; ip route show table all | grep -v fe80; ip rule; ip netns list; nft list ruleset
            cat /proc/sys/net/ipv4/conf/*/forwarding | sort -u
            find /run/mroom /root/.local/share/machineroom/tunnels -name '*.json' -o -name 'mr*' -o -name '*-[0-9]' 2>/dev/null || true
            ps -eo args | grep -E '^(openvpn|.*mroom)' | grep -v grep | sort || true";
        self.cell.shell(script).ended(0).stdout
    }
}

/// The line that runs `mroom` as a user of the cell.
pub fn as_user(user: &str, line: &str) -> String {
    let words = format!("cd; exec {MROOM} {line} </dev/null").replace('\'', r"'\''");
    format!("su -s /bin/sh {user} -c '{words}'\n")
}
