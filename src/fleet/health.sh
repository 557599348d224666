# How a server is, in a few lines of numbers. POSIX sh; Linux (glibc or busybox), the BSDs, macOS.
# Goes in over standard input. What cannot be had is left out.
main() {
  export LC_ALL=C
  PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin
  echo --mroom-status--
  echo "system $(uname -s)"
  uptime_
  load
  cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || cpus=$(ctl hw.ncpu) || cpus=$(nproc 2>/dev/null)
  ! number "$cpus" || echo "cpus $cpus"
  memory
  df -kP / 2>/dev/null | disk
  echo --mroom-status-end--
}

ctl() { sysctl -n "$1" 2>/dev/null; }

# True when every argument is a whole number.
number() {
  for word do
    case $word in '' | *[!0-9]*) return 1 ;; esac
  done
}

# Seconds.
uptime_() {
  if [ -r /proc/uptime ]; then
    read -r up _ </proc/uptime
    up=${up%%.*}
  else
    # `{ sec = 1700000000, usec = 0 } Tue …` or the bare number.
    boot=$(ctl kern.boottime)
    boot=${boot#*sec = }
    boot=${boot%%[!0-9]*}
    ! number "$boot" || up=$(($(date +%s) - boot))
  fi
  ! number "$up" || echo "uptime $up"
}

load() {
  if [ -r /proc/loadavg ]; then
    read -r one five fifteen _ </proc/loadavg
  else
    # `{ 0.10 0.20 0.30 }`
    read -r one five fifteen _ <<EOF
$(ctl vm.loadavg | tr -d '{}')
EOF
  fi
  case $one$five$fifteen in
    '' | *[!0-9.]*) ;;
    *) echo "load $one $five $fifteen" ;;
  esac
}

# KiB in all, and KiB that programs could still have.
memory() {
  if [ -r /proc/meminfo ]; then
    total= available= rest=0
    while IFS=': ' read -r key value _; do
      case $key in
        MemTotal) total=$value ;;
        MemAvailable) available=$value; break ;;
        # Kernels before 3.14 leave the sum to us.
        MemFree | Buffers | Cached) rest=$((rest + value)) ;;
      esac
    done </proc/meminfo
    ! number "$total" "${available:-$rest}" || echo "memory $total ${available:-$rest}"
    return
  fi
  total=$(ctl hw.memsize) || total=$(ctl hw.physmem64) || total=$(ctl hw.physmem)
  page=$(ctl hw.pagesize)
  if free=$(ctl vm.stats.vm.v_free_count); then
    pages=$((free + $(ctl vm.stats.vm.v_inactive_count)))
  elif command -v vm_stat >/dev/null 2>&1; then
    pages=$(vm_stat | awk '/^Pages (free|inactive|speculative|purgeable):/ { sum += $NF } END { printf "%.0f", sum }')
  else
    pages=$(vmstat -s 2>/dev/null | awk '/ pages (free|inactive)$/ || / inactive pages$/ { sum += $1 } END { printf "%.0f", sum }')
  fi
  ! number "$total" "$page" "$pages" || echo "memory $((total / 1024)) $((pages * (page / 1024)))"
}

# KiB used and KiB free of `/`.
disk() {
  read -r _
  read -r _ _ used free _
  ! number "$used" "$free" || echo "disk $used $free"
}

main </dev/null
