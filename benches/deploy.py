"""A Compose project deployed to twenty servers that are one and the same engine, beside what the
engine takes when nobody is in between: `docker compose up` on the machine itself, twenty at once, and
by `ssh`. Tells who used the processors, and where the time of a deploy goes.

Needs root and `tests/lab/engine image`; the engine runs in namespaces and is gone afterwards. Its
processes, and those of sshd, are told from the client's by control groups."""

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import time
from datetime import datetime
from pathlib import Path

from lab import HERE, ROOT, Failed, Run, row

COUNT = 20
IMAGE = "127.0.0.1:5000/demo:1"
NAMES = [f"shop-{n}" for n in range(1, COUNT + 1)]
BARE, SSH, MROOM = "docker compose up there, xargs -P20", "ssh docker compose up, xargs -P20", "mroom run, d:deploy"
VERBS = ("ps", "config", "up")
PARTS = ("connect", "lease, history", "files", *(f"docker {verb}" for verb in VERBS))
IMAGES = Path(os.environ.get("MROOM_ENGINE_DIR") or ROOT / "target/engine")

# What runs in the engine's machine before anything is measured: a registry, and one image in it.
FURNISH = f"""
mkdir -p /tmp/image/bin /tmp/image/tmp /root/bare
cp /bin/busybox /tmp/image/bin
for name in sh sleep true; do ln -sf busybox /tmp/image/bin/$name; done
cat >/tmp/registry.yml <<END
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: /tmp/registry}}}}
http: {{addr: 127.0.0.1:5000}}
END
docker-registry serve /tmp/registry.yml </dev/null >/dev/null 2>&1 &
until curl -s http://127.0.0.1:5000/v2/ >/dev/null; do sleep 0.1; done
tar -C /tmp/image -c . | docker import -c 'CMD ["/bin/sleep","1000"]' - {IMAGE}
docker push -q {IMAGE}
"""
# In the place of docker's client, so that it counts as what it is: a part of the engine.
CLIENT = """#!/bin/sh
echo $$ >{procs}
exec /usr/bin/docker "$@"
"""


class Groups:
    """Control groups, which remember what ended processes have used as well."""

    def __init__(self, stack):
        root = Path("/sys/fs/cgroup")
        self.is_old = (root / "cpuacct").is_dir()
        self.top = root / "cpuacct" if self.is_old else root
        self.own = self.top / "mroom-bench"
        for name in ("engine", "way", "client"):
            (self.own / name).mkdir(parents=True, exist_ok=True)
            stack.callback(removed, self.own / name)

    def procs(self, name):
        return self.own / name / "cgroup.procs"

    def used(self):
        """Seconds of processor time that each has used until now; containers are the engine's."""
        folders = {name: self.own / name for name in ("engine", "way", "client")}
        seconds = {name: self.seconds(folder) for name, folder in folders.items()}
        if (self.top / "docker").is_dir():
            seconds["engine"] += self.seconds(self.top / "docker")
        return seconds

    def seconds(self, folder):
        if self.is_old:
            return int((folder / "cpuacct.usage").read_text()) / 1e9
        line = (folder / "cpu.stat").read_text().split()
        return int(line[line.index("usage_usec") + 1]) / 1e6


def removed(folder):
    """A group goes once its last process is gone."""
    until = time.monotonic() + 10
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > until:
                return
            time.sleep(0.05)


class Engine:
    """The tests' own engine, as twenty servers of the bench's inventory."""

    def __init__(self, lab, groups, stack):
        self.lab, self.groups = lab, groups
        folder = lab.dir / "engine"
        folder.mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "host"], check=True)
        shutil.copy(f"{lab.key}.pub", folder / "authorized_keys")
        log = folder / "log"
        argv = [ROOT / "tests/lab/engine", "serve", folder]
        with log.open("wb") as out:
            child = subprocess.Popen(self.within("engine", argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        stack.callback(killed, child)
        until = time.monotonic() + 60
        while "Server listening" not in log.read_text():
            if child.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the engine does not start:\n{log.read_text()}")
            time.sleep(0.1)
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text()
        self.pid = children.split()[0]
        # It has become sshd, and what it starts from now on is the way to the engine.
        groups.procs("way").write_text(self.pid)
        self.inside(FURNISH)
        client = CLIENT.format(procs=groups.procs("engine"))
        self.inside("cat >/usr/local/bin/docker; chmod +x /usr/local/bin/docker", stdin=client)
        self.known(folder)

    def known(self, folder):
        """The servers, to mroom and to ssh; their project, rendered for those who cannot."""
        lab, key = self.lab, (folder / "host.pub").read_text()
        addresses = {name: f"127.0.1.{n}" for n, name in enumerate(NAMES, 1)}
        with open(lab.env["MROOM_KNOWN_HOSTS"], "a") as file:
            file.writelines(f"{address} {key}" for address in addresses.values())
        lines = (f"{name}--{address}--root----22--{lab.key}\n" for name, address in addresses.items())
        lab.run("import", str(lab.file("engines.txt", "".join(lines))))
        hosts = (f"Host {name}\n HostName {address}\n" for name, address in addresses.items())
        self.ssh_config = lab.file("engines_config", "".join(hosts) + (
            f"Host *\n User root\n IdentityFile {lab.key}\n IdentitiesOnly yes\n BatchMode yes\n"
            f" UserKnownHostsFile {lab.env['MROOM_KNOWN_HOSTS']}\n LogLevel ERROR\n"
        ))
        text = (HERE / "deploy/project/compose.yaml").read_text()
        for name in NAMES:
            self.inside(f"mkdir -p /root/bare/{name}; cat >/root/bare/{name}/compose.yaml", stdin=text)

    def within(self, group, argv):
        """A command that counts to a group with all that it starts."""
        return ["sh", "-c", 'echo $$ >"$0"; exec "$@"', str(self.groups.procs(group)), *map(str, argv)]

    def inside(self, text, stdin=""):
        argv = ["nsenter", "-t", self.pid, "-m", "-u", "-n", "-p", "-r", "-w", "sh", "-euc", text]
        done = subprocess.run(argv, input=stdin, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def client(self, *argv):
        """A command of this machine in the engine's network; with what all have used meanwhile."""
        begin = self.groups.used()
        run = Run(self.within("client", ["nsenter", "-t", self.pid, "-n", *argv]), env=self.lab.env)
        run.used = {name: now - begin[name] for name, now in self.groups.used().items()}
        return run

    def reset(self):
        self.inside("docker ps -aq | xargs -r docker rm -f; docker network prune -f")
        self.inside("rm -rf /root/machineroom /var/lib/machineroom")


def killed(child):
    child.send_signal(signal.SIGKILL)
    child.wait()


UP = "docker compose -p {0} --project-directory /root/bare/{0} up -d --wait --pull always"


def contenders(engine):
    """How each does it, to be called as often as wanted."""
    many = f"printf '%s\\n' {' '.join(NAMES)} | xargs -P{COUNT} -I{{}}"
    inside = ["nsenter", "-t", engine.pid, "-m", "-u", "-n", "-p", "-r", "-w", "sh", "-c"]
    over = f"{many} ssh -F {engine.ssh_config} {{}} {UP.format('{}')}"
    words = ["run", "-f", str(COUNT), "-e", f"servers={','.join(NAMES)}", HERE / "deploy/mroom.lua"]
    return {
        BARE: lambda: engine.client(*inside, f"{many} {UP.format('{}')}"),
        SSH: lambda: engine.client("sh", "-c", over),
        MROOM: lambda: engine.client(engine.lab.mroom, *words),
    }


def deploy(lab, rounds):
    """Twenty deploys to one engine, and what they are bound by."""
    if os.geteuid() != 0 or not (IMAGES / "trixie").exists():
        print("\ndeploys are left out: they need root, and `tests/lab/engine image` once")
        return
    print(f"\na Compose project to {COUNT} servers that are one engine (wall, processors; median of {rounds})")
    with contextlib.ExitStack() as stack:
        engine = Engine(lab, Groups(stack), stack)
        ways = contenders(engine)
        first, again = ({name: [] for name in ways} for _ in range(2))
        for turn in range(rounds + 1):
            for name, go in ways.items():
                engine.reset()
                made, kept = go(), go()
                well = engine.inside("docker ps -q --filter health=healthy | wc -l").strip()
                if well != str(COUNT):
                    raise Failed(f"{name}: {well} of {COUNT} containers are well\n{made.output[-2000:]}")
                if turn:
                    first[name].append(made)
                    again[name].append(kept)
        tell(first, 0.8)
        print("  the same once more, when nothing is to be done")
        tell(again)
        profile(lab)


def tell(runs, least=None):
    """A line for each, with whose the processors' time was; `least` is the share that is to be the engine's."""
    bare = statistics.median(run.wall for run in runs[BARE])
    for name, list_ in runs.items():
        wall = statistics.median(run.wall for run in list_)
        used = {who: statistics.median(run.used[who] for run in list_) for who in list_[0].used}
        all_ = sum(used.values())
        figure = f"{wall:6.2f} s {all_:6.2f} s, engine {used['engine'] / all_:4.0%}"
        figure += f" sshd {used['way'] / all_:3.0%} client {used['client'] / all_:3.0%}"
        if name == MROOM and least:
            row(name, figure, f"{wall / bare:.2f} x, engine >= {least:.0%}", used["engine"] >= least * all_)
        else:
            row(name, figure, f"{wall / bare:.2f} x")


def profile(lab):
    """Where the time of one deploy goes, from mroom's own log of the last first deploy."""
    entries = [json.loads(line) for line in lab.run("log", "--json", "--all", "-n0", "shop-*").output.splitlines()]
    run = sorted({entry["run"] for entry in entries})[-2]
    parts, whole = dict.fromkeys(PARTS, 0.0), 0.0
    for name in NAMES:
        own = [entry for entry in entries if entry["run"] == run and entry["server"] == name]
        for entry in own:
            parts[part(entry)] += entry["duration"]
        begins = [datetime.fromisoformat(entry["time"]).timestamp() for entry in own]
        whole += max(b + entry["duration"] for b, entry in zip(begins, own)) - min(begins)
    parts["mroom itself"] = whole - sum(parts.values())
    print(f"  where the {whole / COUNT:.2f} s of one of the {COUNT} deploys go, from `mroom log`")
    for name, seconds in parts.items():
        share = seconds / whole
        row(f"  {name}", f"{seconds / COUNT * 1000:6.0f} ms {share:5.1%}  {'#' * round(share * 40)}")
    engines = sum(seconds for name, seconds in parts.items() if name.startswith("docker"))
    row("  docker's part of it", f"{engines / whole:.1%}", ">= 80 %", engines >= 0.8 * whole)


def part(entry):
    """Which of PARTS an entry of the log is."""
    what = entry["what"]
    if entry["kind"] == "connect":
        return "connect"
    if what.startswith("d() {"):
        return "docker ps"
    verb = next((verb for verb in VERBS if what.startswith("docker ") and f" {verb} " in f"{what} "), None)
    if verb:
        return f"docker {verb}"
    return "lease, history" if "/var/lib/machineroom" in what else "files"
