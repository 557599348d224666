"""Scans of TCP ports, beside nmap and RustScan: all ports of one host on loopback, and what many hosts
that stay silent cost in memory and descriptors."""

import json
import os
import resource
import shutil
import socket
import subprocess
import time

from lab import Failed, compare, row

HOST, LISTENERS = "127.0.0.77", 40
HOSTS, PORTS = 100, 1000
DROP = "ip link set lo up; nft add table inet x; nft add chain inet x in "
DROP += "'{ type filter hook input priority 0; policy drop; }'; exec \"$@\""


def rustscan():
    """RustScan where somebody has installed it: `cargo install rustscan`."""
    return os.environ.get("RUSTSCAN") or shutil.which("rustscan")


def scan(lab, rounds):
    print(f"\n65,535 ports of one host on loopback, {LISTENERS} of them open (median of {rounds})")
    listeners = [socket.create_server((HOST, 0)) for _ in range(LISTENERS)]
    lab.run("add", "scanned", f"nobody@{HOST}")
    ours = ["scanports", "scanned", "--outside", "--ports", "all", "--no-store", "--json"]
    contenders = {"mroom scanports": lambda: lab.run(*ours)}
    if shutil.which("nmap"):
        contenders["nmap -sT -n -Pn -p-"] = lambda: lab.peer(
            "nmap", "-sT", "-n", "-Pn", "-p-", "-oG", "-", HOST
        )
    if rustscan():
        contenders["rustscan"] = lambda: lab.peer(rustscan(), "-a", HOST, "-r", "1-65535", "-g", "--no-banner")
        # Its own advice for speed: as many at once as there may be open files.
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        batch = str(min(files - 100, 65535))
        contenders[f"rustscan -b {batch}"] = lambda: lab.peer(
            rustscan(), "-a", HOST, "-r", "1-65535", "-g", "--no-banner", "--ulimit", files, "-b", batch
        )
    got = compare(contenders, rounds)
    wall = got["mroom scanports"][0]
    for name, (took, cpu, rss) in got.items():
        figure = f"{took:5.2f} s  {cpu:5.2f} s CPU  {rss:4.0f} MiB"
        if name.startswith("mroom"):
            row(name, figure)
        else:
            row(name, figure, f"mroom {took / wall:.1f} x faster, >= 1", took >= wall)
    same(lab, {name: contenders[name] for name in got}, {s.getsockname()[1] for s in listeners})
    for listener in listeners:
        listener.close()
    many(lab)


def same(lab, contenders, listening):
    """Whether all find the same; whatever else runs on this machine may come and go in between."""
    found = {}
    for name in contenders:
        text = contenders[name]().output
        if name.startswith("mroom"):
            open_ports = json.loads(text.splitlines()[0])["outside"]["open"]
            found[name] = {p["port"] for p in open_ports}
        elif name.startswith("nmap"):
            list_ = text.split("Ports: ")[1].split("\t")[0].split(", ")
            found[name] = {int(p.split("/")[0]) for p in list_ if "/open/" in p}
        else:
            found[name] = {int(p) for p in text.split("[")[1].split("]")[0].split(",")}
    first = found["mroom scanports"]
    row("found by mroom", f"{len(first)} ports", "all that listen", listening <= first)
    for name, ports in list(found.items())[1:]:
        more, fewer = sorted(ports - first), sorted(first - ports)
        differs = f"{len(more)} more {more[:3]}, {len(fewer)} fewer {fewer[:3]}"
        row(f"found by {name}", "the same" if ports == first else differs)


def many(lab):
    """Hosts from which nothing comes are what keeps questions open."""
    if os.geteuid() != 0 or not shutil.which("nft"):
        print("  silent hosts are left out: they need root and nft")
        return
    for n in range(1, HOSTS + 1):
        lab.run("add", f"silent-{n}", f"nobody@127.0.2.{n}")
    words = ["scanports", "silent-*", "--outside", "--ports", f"1-{PORTS}", "--wait", "0.3", "--json"]
    argv = ["unshare", "-n", "sh", "-c", DROP, "sh", lab.mroom, *words]
    begin = time.perf_counter()
    child = subprocess.Popen(argv, env=lab.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    most = 0
    while child.poll() is None:
        try:
            most = max(most, len(os.listdir(f"/proc/{child.pid}/fd")))
            peak = next(l for l in open(f"/proc/{child.pid}/status") if l.startswith("VmHWM"))
            peak = int(peak.split()[1]) / 1024
        except (OSError, StopIteration):
            pass
        time.sleep(0.02)
    wall = time.perf_counter() - begin
    said = child.stderr.read().decode()
    if f"unreachable {HOSTS}" not in said:
        raise Failed(f"{HOSTS} silent hosts are not told as unreachable:\n{said[-2000:]}")
    figure = f"{wall:5.2f} s  {peak:4.0f} MiB  {most} descriptors"
    row(f"{HOSTS} silent hosts x {PORTS} ports", figure, "<= 64 MiB, <= 2200", peak <= 64 and most <= 2200)
