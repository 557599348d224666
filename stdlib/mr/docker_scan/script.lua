-- The POSIX shell function `engine` that prints what Docker runs on a server, as `key=value` lines;
-- values are JSON where Docker can print it. It only reads. Internal: `mr.docker_scan` runs it, and so
-- does `mr.health`, in its own script.
local script = {}

script.first, script.last = "--mroom-engine--", "--mroom-engine-end--"

-- What of each container, in this order: see `mr.docker_scan.answer`. These are the names of the client's own
-- fields: one that it does not have makes it fall back to those of the JSON, which lack `Health` where
-- there is no health check.
local CONTAINER = table.concat({
  "{{json .ID}}",
  "{{json .Name}}",
  "{{json .Config.Image}}",
  "{{json .Image}}",
  "{{json .State.Status}}",
  "{{if .State.Health}}{{json .State.Health.Status}}{{else}}null{{end}}",
  "{{json .RestartCount}}",
  "{{json .State.ExitCode}}",
  "{{json .State.OOMKilled}}",
  "{{json .Created}}",
  "{{json .State.StartedAt}}",
  "{{json .HostConfig.RestartPolicy.Name}}",
}, ",")

-- engine COMMAND DISK: the client, and whether to ask for the disk that is used (`yes`). Who is
-- refused goes on by sudo without a password, then with a rootless engine of the login's own.
script.functions = ([[
engine() (
  PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/snap/bin:/opt/homebrew/bin
  docker=$1 how=direct
  client() {
    if [ "$how" = sudo ]; then sudo -n -- "$docker" "$@"; else "$docker" "$@"; fi
  }
  version() { client version --format '{{json .}}'; }
  containers() {
    ids=$(client ps -aq --no-trunc 2>/dev/null) || return 1
    [ -n "$ids" ] || return 0
    all=$(client inspect --type container --format 'container=[CONTAINER]' $ids 2>/dev/null) || return 1
    printf '%s\n' "$all"
  }
  one_line() { printf '%s' "$1" | tr '\t\r\n' '   ' | cut -c 1-400; }
  if ! command -v "$docker" >/dev/null 2>&1; then
    echo engine=absent
    return 0
  fi
  if ! found=$(version 2>/dev/null); then
    why=$(version 2>&1 >/dev/null)
    own=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock
    is_found=
    if [ -S "$own" ] && [ -z "${DOCKER_HOST:-}" ]; then
      DOCKER_HOST=unix://$own how=rootless
      export DOCKER_HOST
      if found=$(version 2>/dev/null); then is_found=yes; else unset DOCKER_HOST; fi
    fi
    # What its words mean is told at home; who is refused is worth a try by sudo, nobody else.
    case $is_found$why in
      yes*) ;;
      *[Pp]ermission\ denied*)
        how=sudo
        if ! command -v sudo >/dev/null 2>&1 || ! found=$(version 2>/dev/null); then
          told=$(version 2>&1 >/dev/null)
          echo "refused=$(one_line "$why")"
          echo "sudo=$(one_line "$told")"
          return 0
        fi ;;
      *)
        if [ -z "${DOCKER_HOST:-}" ] && [ ! -e /var/run/docker.sock ] &&
          ! command -v dockerd >/dev/null 2>&1; then
          echo alone=
        fi
        echo "refused=$(one_line "$why")"
        return 0 ;;
    esac
  fi
  echo "engine=$how"
  echo "now=$(date +%s)"
  echo "version=$found"
  if v=$(client compose version --short 2>/dev/null); then echo "compose=$v"
  elif v=$(docker-compose version --short 2>/dev/null); then echo "compose=$v"
  fi
  # A container that goes in between makes it fail: then all are asked again.
  containers || containers || containers || echo missed=containers
  client image ls --no-trunc --format 'image={{json .ID}} {{json .Repository}} {{json .Tag}} {{json .CreatedAt}}' 2>/dev/null ||
    echo missed=images
  [ "$2" != yes ] || client system df --format 'disk={{json .}}' 2>/dev/null || echo missed=disk
)
]]):gsub("CONTAINER", CONTAINER)

-- Arguments: as those of `engine`.
script.text = ([[
export LC_ALL=C
%smain() {
  echo '%s'
  engine "$@"
  echo '%s'
}
main "$@" </dev/null
]]):format(script.functions, script.first, script.last)

return script
