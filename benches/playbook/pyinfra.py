"""The ten steps of `mroom.lua`, for pyinfra."""

from io import StringIO
from pathlib import Path

from pyinfra import host
from pyinfra.operations import files

here = Path(__file__).parent
home = host.data.home
app = f"{home}/app"
files.directory(path=app, mode="750")
files.directory(path=f"{app}/conf", mode="750")
files.put(src=StringIO("workers = 4\nlog = warn\n"), dest=f"{app}/conf/app.conf", mode="640")
files.template(
    src=str(here / "site.conf.tpl"), dest=f"{app}/conf/site.conf", mode="644", site=host.data.id, port=8080
)
files.put(src=str(here / "run.sh"), dest=f"{app}/run.sh", mode="755")
files.line(path=f"{home}/.profile", line="umask 027")
files.block(path=f"{home}/hosts", content="192.0.2.1 one\n192.0.2.2 two\n")
files.link(path=f"{app}/current", target=f"{app}/conf")
files.file(path=f"{app}/old.conf", present=False)
files.put(src=StringIO("1.0\n"), dest=f"{app}/VERSION", mode="644")
