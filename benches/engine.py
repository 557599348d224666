"""What `scan_docker` adds to the time that the servers' own `docker` takes: beside `exec` of the same
questions. The client on the servers is a stand-in with the answers of an engine that runs ten
containers; a real one is slower, which is the servers' time in both."""

import json

from lab import FORKS, compare, row

BAR = 1.3
CONTAINER = (
    '["{id:064x}","/app-{id}","app:{id}","sha256:{id:064x}","running","healthy",0,0,false,'
    '"2026-01-31T12:00:00Z","2026-01-31T12:00:00Z","always"]'
)
VERSION = {"Server": {"Version": "28.3.2", "ApiVersion": "1.51", "Os": "linux", "Arch": "amd64"}}
CLIENT = """#!/bin/sh
here=$(dirname "$0")
case $1 in
version) cat "$here/version" ;;
compose) echo 2.38.2 ;;
ps) cat "$here/ids" ;;
inspect) cat "$here/containers" ;;
image) cat "$here/images" ;;
esac
"""
# One after the other, as somebody would type it.
QUESTIONS = (
    "docker version --format '{{json .}}'; docker compose version --short; ids=$(docker ps -aq);"
    " docker inspect --type container $ids; docker image ls --no-trunc"
)


def docker(lab, rounds):
    """`scan_docker` on fifty servers beside `exec` of what it asks."""
    pattern = ",".join(lab.ids[:FORKS])
    print(f"\nscan_docker on {FORKS} servers at once (median of {rounds})")
    numbers = range(1, 11)
    lab.file("version", json.dumps(VERSION) + "\n")
    lab.file("ids", "".join(f"{n:064x}\n" for n in numbers))
    lab.file("containers", "".join(f"container={CONTAINER.format(id=n)}\n" for n in numbers))
    image = 'image="sha256:{n:064x}" "app" "{n}" "2026-01-30 12:00:00 +0000 UTC"\n'
    lab.file("images", "".join(image.format(n=n) for n in numbers))
    client = lab.file("docker", CLIENT)
    client.chmod(0o755)
    before = lab.env
    lab.env = before | {"MROOM_COMMANDS_DOCKER": str(client)}
    questions = QUESTIONS.replace("docker ", f"{client} ")
    forks = ("-f", str(FORKS))
    got = compare(
        {
            "mroom scan_docker": lambda: lab.run("scan_docker", pattern, *forks),
            "mroom exec, the same questions": lambda: lab.run("exec", pattern, *forks, "--", questions),
            "mroom exec -- true": lambda: lab.run("exec", pattern, *forks, "--", "true"),
        },
        rounds,
    )
    lab.env = before
    wall = got["mroom scan_docker"][0]
    for name, (taken, cpu, _) in got.items():
        figure = f"{taken:6.2f} s  {cpu / FORKS * 1000:6.2f} ms CPU a server"
        if name.endswith("questions"):
            row(name, figure, f"scan {wall / taken:.2f} x, <= {BAR}", wall / taken <= BAR)
        else:
            row(name, figure)
