//! The stages firewall and harden for real, on a Debian in namespaces that is reached over a network
//! of its own: what they do, that a second run changes nothing, that what is broken by hand is
//! repaired, and that what locks us out is undone by the server itself.

use std::process::{Child, Command, Stdio};

use crate::support::cell::Cell;
use crate::support::home::{Done, MROOM, run};
use crate::support::sshd::has;

/// A machine, and a second network namespace from where it is the server `far`.
struct Far {
    cell: Cell,
    /// Holds the namespace.
    holder: Child,
}

impl Drop for Far {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

impl Far {
    fn start() -> Option<Far> {
        let cell = Cell::start()?;
        let holder = Command::new("unshare")
            .args(["--net", "sleep", "600"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let far = Far { cell, holder };
        let pid = far.holder.id().to_string();
        // `unshare` is that namespace's only once it has become `sleep`.
        let comm = || std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        while comm().trim() != "sleep" {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let ip = |words: &str| {
            let mut command = far.cell.network("ip");
            run(command.args(words.split(' ')), "").ended(0);
        };
        ip(&format!("link add out type veth peer name in netns {pid}"));
        ip("addr add 10.9.0.1/24 dev out");
        ip("link set out up");
        let there = "ip addr add 10.9.0.2/24 dev in && ip link set in up && ip link set lo up";
        run(far.there("sh").args(["-c", there]), "").ended(0);
        far.shell(
            "sed -i 's/^ListenAddress.*/ListenAddress 0.0.0.0/' /etc/lab/sshd_config; kill -HUP 1",
        );
        let known = far.cell.home.path(".ssh/known_hosts");
        let hosts = std::fs::read_to_string(&known).unwrap();
        far.cell
            .home
            .write(known, hosts.replace("127.0.0.1", "10.9.0.1"));
        far.cell.home.ok(&["add", "far", "root@10.9.0.1"]);
        Some(far)
    }

    /// A program of this machine in the other namespace.
    fn there(&self, program: &str) -> Command {
        let mut command = self.cell.home.command("nsenter");
        command.args(["-t", &self.holder.id().to_string(), "-n", program]);
        command
    }

    fn stage(&self, words: &[&str]) -> Done {
        let mut command = self.there(MROOM);
        command.args(["-T", "3", "stage"]).args(words);
        run(&mut command, "")
    }

    /// The stage ends so: `ok`, `changed`; gives what was told.
    fn ends(&self, status: &str, words: &[&str]) -> String {
        let done = self.stage(words).ended(0);
        let told = format!("{} {status}", words[0]);
        assert!(done.stdout.contains(&told), "{done:?}");
        done.stderr
    }

    /// The stage fails with these words.
    fn fails(&self, told: &[&str], words: &[&str]) {
        let done = self.stage(words).ended(3);
        for told in told {
            assert!(done.stderr.contains(told), "`{told}` is not in {done:?}");
        }
    }

    /// By hand, on the machine; must end well.
    fn shell(&self, script: &str) {
        self.cell.shell(script).ended(0);
    }
}

const CUT: &[&str] = &[
    "undone by the server itself (put back ",
    "undo ended well): after this change no new connection came: connecting to 10.9.0.1:22",
];

#[test]
fn a_firewall_of_nftables_and_one_that_would_cut_us_off() {
    let Some(far) = Far::start() else { return };
    if !has("nft") {
        return;
    }
    let stage = ["firewall", "far", "--set", "backend=nftables"];
    let with = |more: &[&'static str]| [&stage[..], more].concat();
    let ruleset = "nft list table inet mroom";

    far.fails(&["which ports are allowed?", "allowed_ports=22"], &stage);
    // Somebody else's table, as Docker has its own: it stays as it is.
    far.shell(
        "nft add table ip others; nft add chain ip others c; nft add rule ip others c accept",
    );
    far.cell.home.ok(&["set", "far", "allowed_ports=22,80/tcp"]);
    far.ends("changed", &with(&["--check"]));
    far.shell(&format!(
        "! {ruleset} 2>/dev/null; test ! -e /var/lib/mroom-confirm/armed"
    ));
    far.ends("changed", &stage);
    far.shell(&format!("{ruleset} | grep -q 'tcp dport 80 accept'"));
    far.shell("grep -qx 'include \"/etc/nftables.d/\\*.nft\"' /etc/nftables.conf");
    far.ends("ok", &stage);

    for broken in [
        "nft insert rule inet mroom input tcp dport 9999 accept",
        "nft delete table inet mroom",
        "sed -i /80/d /etc/nftables.d/mroom.nft",
    ] {
        far.shell(broken);
        far.ends("changed", &stage);
        far.shell(&format!(
            "{ruleset} | grep -q 'dport 80'; ! {ruleset} | grep 9999"
        ));
    }
    far.ends(
        "changed",
        &with(&["--set", "allow=22,5432 from 10.9.0.0/24"]),
    );
    far.shell(&format!("! {ruleset} | grep 'dport 80'"));
    far.ends("changed", &stage);

    // Without our own port: refused. By force: the server takes it back.
    let told = "`no allow 22/tcp` would shut out this very connection, from 10.9.0.2 to port 22";
    far.fails(&[told], &with(&["--set", "allow=80"]));
    far.fails(
        CUT,
        &with(&[
            "--set",
            "allow=80",
            "--set",
            "force=true",
            "--set",
            "timeout=8",
        ]),
    );
    far.ends("ok", &stage);
    far.shell(
        "nft list table ip others | grep -q accept; test -z \"$(ls /var/lib/mroom-confirm)\"",
    );
}

#[test]
fn a_firewall_of_ufw_and_one_that_would_cut_us_off() {
    let Some(far) = Far::start() else { return };
    if !has("ufw") {
        return;
    }
    let stage = [
        "firewall",
        "far",
        "--set",
        "backend=ufw",
        "--set",
        "allow=22,443",
    ];
    far.ends("changed", &stage);
    far.shell("ufw status | grep -q '^443/tcp  *ALLOW'; grep -q '^ENABLED=yes' /etc/ufw/ufw.conf");
    far.ends("ok", &stage);
    far.shell("ufw allow 9999/tcp; ufw delete allow 443/tcp");
    far.ends("changed", &stage);
    far.shell("ufw status | grep -q '^443/tcp  *ALLOW'; ! ufw status | grep 9999");
    let mut cut = stage.to_vec();
    cut[5] = "allow=443";
    cut.extend(["--set", "force=true", "--set", "timeout=12"]);
    far.fails(&[CUT[0]], &cut);
    far.ends("ok", &stage);
}

#[test]
fn sshd_is_hardened_and_nobody_is_locked_out() {
    let Some(far) = Far::start() else { return };
    let counts = |line: &str| {
        far.shell(&format!(
            "/usr/sbin/sshd -T -f /etc/lab/sshd_config | grep -qix '{line}'"
        ));
    };
    far.shell(
        "mkdir -m 700 /home/ada /home/ada/.ssh; useradd -M -s /bin/sh ada; \
         ssh-keygen -q -t ed25519 -N '' -f /home/ada/.ssh/id; chmod 644 /home/ada/.ssh/id; \
         touch /home/ada/.ssh/authorized_keys; chmod 666 /home/ada/.ssh/authorized_keys; \
         touch /etc/linked; chmod 644 /etc/linked; ln -s /etc/linked /home/ada/.ssh/authorized_keys2; chown -R -h ada /home/ada; \
         chmod 644 /etc/shadow",
    );
    counts("passwordauthentication yes");
    let told = far.ends("changed", &["harden", "far", "--check"]);
    assert!(told.contains("PasswordAuthentication yes -> no"), "{told}");
    counts("passwordauthentication yes");
    far.shell("test \"$(stat -c %a /etc/shadow)\" = 644");
    far.ends("changed", &["harden", "far"]);
    for line in [
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "permitrootlogin without-password",
    ] {
        counts(line);
    }
    far.shell(
        "test \"$(stat -c %a /etc/shadow /home/ada/.ssh/id \
         /home/ada/.ssh/authorized_keys | tr '\\n' ' ')\" = '640 600 600 '; \
         test \"$(stat -c %a /etc/linked)\" = 644",
    );
    far.ends("ok", &["harden", "far"]);

    // Broken by hand, and repaired.
    far.shell("sed -i '/^# BEGIN/,/^# END/d' /etc/lab/sshd_config; kill -HUP 1");
    counts("passwordauthentication yes");
    let other = "/etc/ssh/ssh_host_lab_key";
    far.shell(&format!("cp /etc/lab/host {other}; chmod 644 {other}"));
    far.ends("changed", &["harden", "far"]);
    counts("passwordauthentication no");
    far.shell(&format!("test \"$(stat -c %a {other})\" = 600"));

    // What locks us out: refused when that is sure, undone when it is forced.
    let others = ["harden", "far", "--set", "allow_users=ada"];
    far.fails(&["`allow_users` leaves out `root`"], &others);
    let forced = [&others[..], &["--set", "force=true", "--set", "timeout=8"]].concat();
    let told = "undo ended well): after this change no new connection came: `root` was refused";
    far.fails(&[told], &forced);
    far.shell("! grep AllowUsers /etc/lab/sshd_config");
    far.ends("ok", &["harden", "far"]);

    // Where a Match block says otherwise, a person decides.
    far.shell("printf 'Match User root\\nPasswordAuthentication yes\\n' >>/etc/lab/sshd_config");
    let told = "`PasswordAuthentication yes` still counts for us";
    far.fails(&[told, "sets it"], &["harden", "far"]);

    // A configuration that is broken already is told, with its line, and left.
    far.shell("echo Frobnicate yes >>/etc/lab/sshd_config");
    let told = "broken already: /etc/lab/sshd_config: line";
    far.fails(&[told], &["harden", "far"]);
}
