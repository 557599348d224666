"""What the measurements of `benches/run` share: one process measured, contenders in turns, and a
folder with sandbox servers and all that each peer needs to find them."""

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENV = ROOT / "target/bench/venv"
SERVERS, FORKS = 100, 50


class Failed(Exception):
    """A command that did not end with 0."""


class Run:
    """One process from start to end: seconds of wall and CPU, MiB at the most."""

    def __init__(self, argv, env=None, stdin=None):
        log = tempfile.TemporaryFile()
        begin = time.perf_counter()
        child = subprocess.Popen(
            argv, env=env, stdin=stdin or subprocess.DEVNULL, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(child.pid, 0)
        self.wall = time.perf_counter() - begin
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss / 1024
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        self.output = log.read().decode(errors="replace")
        if child.returncode != 0:
            command = shlex.join(map(str, argv))
            raise Failed(f"{command}: exit {child.returncode}\n{self.output[-2000:]}")


def compare(contenders, rounds):
    """Median (wall, cpu, rss) of each contender; one round unmeasured before. A peer that fails
    is left out and named; what is ours must not fail."""
    runs = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name in list(runs):
            try:
                run = contenders[name]()
            except Failed as failure:
                if name.startswith(("mroom", "bare")):
                    raise
                print(f"  {name} is left out: {failure}")
                del runs[name]
                continue
            if turn:
                runs[name].append(run)
    median = lambda name, what: statistics.median(getattr(r, what) for r in runs[name])
    return {n: tuple(median(n, what) for what in ("wall", "cpu", "rss")) for n in runs}


def row(name, figure, bar="", holds=None):
    """A line of the table; says so when a bar is missed."""
    verdict = "" if holds is None else "ok" if holds else "MISSED"
    print(f"  {name:<44} {figure:<34} {bar:<22} {verdict}", flush=True)
    if holds is False:
        row.missed += 1


row.missed = 0


def pip_install():
    """Peers that pip can install; a machine without a registry goes without them."""
    if not (VENV / "bin/pyinfra").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        pip = [VENV / "bin/pip", "install", "-q", "pyinfra", "fabric", "ansible-core"]
        if subprocess.run(pip).returncode != 0:
            print("pip cannot install pyinfra, fabric and ansible-core: left out")


class Lab:
    """A folder with a sandbox in it, and what each peer needs to find the servers."""

    def __init__(self, mroom, folder):
        self.mroom, self.dir = mroom, Path(folder)
        self.env = dict(
            os.environ,
            HOME=folder,
            MROOM_DATA_DIR=f"{folder}/data",
            MROOM_CONFIG_DIR=f"{folder}/config",
            MROOM_KNOWN_HOSTS=f"{folder}/known_hosts",
        )
        for name in ("SSH_AUTH_SOCK", "MROOM_PROJECT"):
            self.env.pop(name, None)
        took = self.run("sandbox", "up", str(SERVERS)).wall
        print(f"  ({SERVERS} sandbox servers up in {took:.2f} s)")
        self.ids, config, inventory, hosts = [], "", "", []
        data = self.dir / "data/sandbox"
        key, known = data / "id_ed25519", data / "known_hosts"
        user = subprocess.check_output(["id", "-un"], text=True).strip()
        for folder in sorted(data.glob("sandbox-*"), key=lambda p: (len(p.name), p.name)):
            text = (folder / "sshd_config").read_text()
            port = next(l.split()[1] for l in text.splitlines() if l.startswith("Port "))
            self.ids.append(folder.name)
            config += f"Host {folder.name}\n  HostName 127.0.0.1\n  Port {port}\n"
            inventory += f"{folder.name} ansible_host=127.0.0.1 ansible_port={port}\n"
            hosts.append((folder.name, int(port)))
        config += (
            f"Host *\n  User {user}\n  IdentityFile {key}\n  IdentitiesOnly yes\n  BatchMode yes\n"
            f"  UserKnownHostsFile {known}\n  LogLevel ERROR\n"
        )
        inventory += (
            f"[all:vars]\nansible_user={user}\nansible_ssh_private_key_file={key}\n"
            f"ansible_ssh_common_args='-F {self.file('ssh_config', config)}'\n"
        )
        self.ssh_config = self.dir / "ssh_config"
        self.ports = self.file("ports", "".join(f"{port}\n" for _, port in hosts))
        self.key, self.user = key, user
        self.ansible = self.file("ansible.ini", inventory)
        common = {"ssh_hostname": "127.0.0.1", "ssh_user": user, "ssh_key": str(key)}
        common["ssh_known_hosts_file"] = str(known)
        self.hosts = [(name, common | {"ssh_port": port}) for name, port in hosts]
        self.pyinfra = self.file("inventory.py", f"servers = {self.hosts!r}\n")
        self.fabric = self.file("fab.py", FABRIC.format(hosts=hosts, user=user, key=str(key), forks=FORKS))

    def file(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def run(self, *arguments, stdin=None):
        return Run([self.mroom, *arguments], env=self.env, stdin=stdin)

    def peer(self, *argv, **env):
        return Run([str(a) for a in argv], env=self.env | env)

    def xargs(self, *options):
        ssh = shlex.join(["ssh", "-F", str(self.ssh_config), *options, "{}", "uptime"])
        names = "\\n".join(self.ids)
        return self.peer("sh", "-c", f"printf '{names}\\n' | xargs -P{FORKS} -I{{}} {ssh}")


FABRIC = """
from concurrent.futures import ThreadPoolExecutor
from fabric import Config, Connection
from paramiko import AutoAddPolicy
config = Config(overrides=dict(load_ssh_configs=False))
def work(host):
    with Connection("127.0.0.1", user="{user}", port=host[1], config=config,
                    connect_kwargs=dict(key_filename="{key}", look_for_keys=False, allow_agent=False)) as c:
        return c.run("uptime", hide=True, in_stream=False).ok
with ThreadPoolExecutor({forks}) as pool:
    assert all(pool.map(work, {hosts}))
"""
