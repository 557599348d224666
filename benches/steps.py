"""A playbook of ten idempotent steps on fifty servers, beside the same ten in pyinfra and Ansible:
on servers that have nothing yet, and again when nothing is to be done."""

import shutil
import statistics
import subprocess
from pathlib import Path

from lab import FORKS, HERE, VENV, Failed, row

STEPS = HERE / "playbook"
COUNT = 50


def homes(lab):
    """The fifty servers' homes."""
    return [lab.dir / "data/sandbox" / name / "home" for name in lab.ids[:COUNT]]


def forget(lab):
    """Takes away what the steps make."""
    for home in homes(lab):
        shutil.rmtree(home / "app", ignore_errors=True)
        for name in (".profile", "hosts"):
            (home / name).unlink(missing_ok=True)


def state(lab):
    """What the steps have made: everything but times, to compare the contenders by."""
    home = homes(lab)[-1]
    listing = ["find", "app", "-printf", "%p %y %m %l\n"]
    text = subprocess.check_output(listing, cwd=home, text=True)
    files = ["app/conf/app.conf", "app/conf/site.conf", "app/run.sh", "app/VERSION", ".profile"]
    return sorted(text.splitlines()), [(home / name).read_text() for name in files]


def contenders(lab):
    """How each does it."""
    root = lab.dir / "data/sandbox"
    limit = ",".join(lab.ids[:COUNT])
    flags = ["-f", str(FORKS), "-l", limit, "-e", f"homes={root}"]
    yield "mroom run", lambda: lab.run("run", *flags, str(STEPS / "mroom.lua"))
    if (VENV / "bin/pyinfra").exists():
        listed = [
            (name, data | {"home": str(root / name / "home"), "id": name})
            for name, data in lab.hosts[:COUNT]
        ]
        inventory = lab.file("fifty.py", f"servers = {listed!r}\n")
        argv = [VENV / "bin/pyinfra", "-y", "--parallel", FORKS, inventory, STEPS / "pyinfra.py"]
        yield "pyinfra", lambda: lab.peer(*argv)
    if (VENV / "bin/ansible-playbook").exists():
        command = [VENV / "bin/ansible-playbook", "-i", lab.ansible, "-f", FORKS]
        command += ["-l", limit.replace(",", ":"), "-e", f"home={root}/{{{{ inventory_hostname }}}}/home"]
        pipelining = {"ANSIBLE_PIPELINING": "1"}
        yield "ansible-playbook, pipelining", lambda: lab.peer(*command, STEPS / "ansible.yml", **pipelining)


def playbook(lab, rounds):
    """The measurement."""
    print(f"\na playbook of 10 steps on {COUNT} servers (first run, second run; median of {rounds})")
    ours, made = None, None
    for name, go in contenders(lab):
        # Ansible takes minutes; once tells enough.
        turns = 1 if name.startswith("ansible") else rounds
        first, second = [], []
        try:
            for _ in range(turns):
                forget(lab)
                first.append(go().wall)
                second.append(go().wall)
        except Failed as failure:
            if name.startswith("mroom"):
                raise
            print(f"  {name} is left out: {failure}")
            continue
        one, two = statistics.median(first), statistics.median(second)
        figure = f"{one:6.2f} s  {two:6.2f} s"
        if ours is None:
            ours, made = (one, two), state(lab)
            row(name, figure, "<= 2.5 s, 2nd not slower", one <= 2.5 and two <= one)
        else:
            same = "" if state(lab) == made else ", and made it otherwise"
            row(name, figure, f"{one / ours[0]:.1f} x, {two / ours[1]:.1f} x{same}")
