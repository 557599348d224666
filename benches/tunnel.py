"""The tunnels inside of mroom: time to the first byte, and bytes a second, beside `ssh -D` and beside
WireGuard as an interface of the machine (wireguard-go on both sides, in network namespaces). Needs root,
wireguard-go and wireguard-tools; the namespaces and interfaces are gone afterwards."""

import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path

from lab import compare, row

SIZE = 256
GATEWAY, CLIENT = "mroom-bench-gw", "mroom-bench-wg"
BEHIND, SSH_PORT, HTTP_PORT = "10.66.0.1", 2222, 8000


def sh(*argv, stdin=None):
    argv = [str(a) for a in argv]
    done = subprocess.run(argv, input=stdin, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, ready):
    until = time.monotonic() + 20
    while not ready():
        if time.monotonic() > until:
            raise RuntimeError(f"{what} does not come up")
        time.sleep(0.05)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Network:
    """A gateway with a server behind it, and a machine with an interface of WireGuard's."""

    def __init__(self, lab, stack):
        self.lab, self.stack, self.port = lab, stack, free_port()
        keys = {name: sh("wg", "genkey") for name in ("gateway", "mroom", "machine")}
        public = {name: sh("wg", "pubkey", stdin=key) for name, key in keys.items()}
        files = {name: lab.file(f"wg-{name}", key) for name, key in keys.items()}
        for file in files.values():
            file.chmod(0o600)
        for space in (GATEWAY, CLIENT):
            subprocess.run(["ip", "netns", "del", space], stderr=subprocess.DEVNULL)
            sh("ip", "netns", "add", space)
            stack.callback(sh, "ip", "netns", "del", space)
        self.interface("mrbgw", GATEWAY, "10.66.1.1", [
            "listen-port", self.port, "private-key", files["gateway"],
            "peer", public["mroom"], "allowed-ips", "10.66.1.2/32",
            "peer", public["machine"], "allowed-ips", "10.66.1.3/32",
        ])
        self.interface("mrbwg", CLIENT, "10.66.1.3", [
            "private-key", files["machine"], "peer", public["gateway"],
            "allowed-ips", "10.66.0.0/16", "endpoint", f"127.0.0.1:{self.port}",
        ])
        sh("ip", "-n", GATEWAY, "addr", "add", f"{BEHIND}/32", "dev", "lo")
        sh("ip", "-n", CLIENT, "route", "add", "10.66.0.0/16", "dev", "mrbwg")
        self.server()
        line = f"#bench--WireGuard--127.0.0.1:{self.port}----{keys['mroom']}--backend=userspace"
        line += f"--public_key={public['gateway']}--address=10.66.1.2/32\n"
        line += f"behind--{BEHIND}--{lab.user}----{SSH_PORT}--{lab.key}\n"
        lab.run("import", str(lab.file("room.txt", line)))

    def interface(self, name, space, address, settings):
        log = subprocess.DEVNULL
        daemon = subprocess.Popen(["wireguard-go", "-f", name], stdout=log, stderr=log)
        self.stack.callback(ended, daemon)
        wait_for(name, Path(f"/var/run/wireguard/{name}.sock").exists)
        sh("wg", "set", name, *settings)
        sh("ip", "link", "set", name, "netns", space)
        sh("ip", "-n", space, "addr", "add", f"{address}/24", "dev", name)
        sh("ip", "-n", space, "link", "set", name, "mtu", "1420", "up")
        sh("ip", "-n", space, "link", "set", "lo", "up")

    def server(self):
        """sshd and a web server, both behind the gateway; the web server on loopback too."""
        lab = self.lab
        host = lab.dir / "behind_host_key"
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host)
        config = f"Port {SSH_PORT}\nHostKey {host}\nAuthorizedKeysFile {lab.key}.pub\nPidFile none\n"
        config += "StrictModes no\nUsePAM no\nPermitRootLogin yes\n"
        # As the sandbox has it: what a person's own shell does when it begins is not measured.
        config += f'SetEnv "HOME={lab.dir}"\n'
        config = lab.file("behind_sshd", config)
        self.start("ip", "netns", "exec", GATEWAY, shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-f", config)
        known = Path(lab.env["MROOM_KNOWN_HOSTS"])
        key = host.with_suffix(".pub").read_text()
        with known.open("a") as file:
            file.write(f"[{BEHIND}]:{SSH_PORT} {key}")
        web = lab.dir / "web"
        web.mkdir()
        with (web / "large").open("wb") as file:
            file.truncate(SIZE << 20)
        serve = ["python3", "-m", "http.server", "-d", web, "-b"]
        self.start("ip", "netns", "exec", GATEWAY, *serve, BEHIND, HTTP_PORT)
        self.http = free_port()
        self.start(*serve, "127.0.0.1", self.http)
        wait_for("the web server", lambda: listens(self.http))
        self.ssh = ["ssh", "-F", lab.file("behind_config", (
            f"Host behind\n HostName {BEHIND}\n Port {SSH_PORT}\n User {lab.user}\n IdentityFile {lab.key}\n"
            f" IdentitiesOnly yes\n BatchMode yes\n UserKnownHostsFile {known}\n LogLevel ERROR\n"
        ))]

    def start(self, *argv):
        argv = [str(a) for a in argv]
        log = subprocess.DEVNULL
        child = subprocess.Popen(argv, stdin=log, stdout=log, stderr=log, env=self.lab.env)
        self.stack.callback(ended, child)

    def listener(self, *argv):
        """A SOCKS server, and its port."""
        port = free_port()
        self.start(*(a.replace("PORT", str(port)) if isinstance(a, str) else a for a in argv))
        wait_for(argv[0], lambda: listens(port))
        return port


def ended(child):
    child.terminate()
    child.wait()


def tunnel(lab, rounds):
    """First bytes and bytes a second through the tunnels of mroom and their peers."""
    missing = [tool for tool in ("wireguard-go", "wg", "ip", "curl") if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        print(f"\ntunnels are left out: root is needed, and {' '.join(missing) or 'nothing else'}")
        return
    with contextlib.ExitStack() as stack:
        network = Network(lab, stack)
        first(lab, network, rounds)
        bulk(lab, network, rounds)


def first(lab, network, rounds):
    print(f"\nfrom the command to its first byte (median of {rounds * 3})")

    def cold():
        lab.run("tunnel", "down", "bench", "--force")
        return lab.run("exec", "behind", "--", "true")

    got = compare(
        {
            "mroom exec, its own WireGuard": cold,
            "the same, up already": lambda: lab.run("exec", "behind", "--", "true"),
            "mroom exec, no tunnel": lambda: lab.run("exec", lab.ids[0], "--", "true"),
            "ssh over wireguard-go, up already": lambda: lab.peer(
                "ip", "netns", "exec", CLIENT, *network.ssh, "behind", "true"
            ),
        },
        rounds * 3,
    )
    for name, (wall, cpu, rss) in got.items():
        row(name, f"{wall * 1000:6.1f} ms {cpu * 1000:6.1f} ms CPU {rss:4.0f} MiB")


def bulk(lab, network, rounds):
    print(f"\n{SIZE} MiB from a server behind it (median of {rounds})")
    lab.run("tunnel", "add", "over-ssh", "SSH", lab.ids[0])
    mroom = [lab.mroom, "tunnel", "socks"]
    own = network.listener(*mroom, "bench", "--listen", "127.0.0.1:PORT")
    over_ssh = network.listener(*mroom, "over-ssh", "--listen", "127.0.0.1:PORT")
    ssh = network.listener("ssh", "-N", "-D", "127.0.0.1:PORT", "-F", lab.ssh_config, lab.ids[0])
    curl = ["curl", "-sf", "-o", "/dev/null"]
    behind = f"http://{BEHIND}:{HTTP_PORT}/large"
    near = f"http://127.0.0.1:{network.http}/large"
    zeros = f"head -c {SIZE << 20} /dev/zero"
    quiet = lambda *argv: lab.peer("sh", "-c", f"{shlex.join(map(str, argv))} >/dev/null")
    inside = ("ip", "netns", "exec", CLIENT)
    got = compare(
        {
            "mroom tunnel socks, its own WireGuard": lambda: lab.peer(
                *curl, "-x", f"socks5h://127.0.0.1:{own}", behind
            ),
            "wireguard-go as an interface": lambda: lab.peer(*inside, *curl, behind),
            "mroom tunnel socks, SSH": lambda: lab.peer(
                *curl, "-x", f"socks5h://127.0.0.1:{over_ssh}", near
            ),
            "ssh -D": lambda: lab.peer(*curl, "-x", f"socks5h://127.0.0.1:{ssh}", near),
            "mroom exec, its own WireGuard": lambda: quiet(lab.mroom, "-q", "exec", "behind", "--", zeros),
            "ssh over wireguard-go": lambda: quiet(*inside, *network.ssh, "behind", zeros),
        },
        rounds,
    )
    rate = {name: SIZE / wall for name, (wall, _, _) in got.items()}
    # By what each is to be judged, and the least that it may reach.
    peers = {
        "mroom tunnel socks, its own WireGuard": ("wireguard-go as an interface", 0.9),
        "mroom tunnel socks, SSH": ("ssh -D", 0.9),
        "mroom exec, its own WireGuard": ("ssh over wireguard-go", 0.9),
    }
    for name, figure in rate.items():
        peer, least = peers.get(name, (None, 0))
        if peer not in rate:
            row(name, f"{figure:6.0f} MiB/s")
            continue
        ratio = figure / rate[peer]
        row(name, f"{figure:6.0f} MiB/s", f"{ratio:.2f} x the next, >= {least}", ratio >= least)
