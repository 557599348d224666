# usage: sh FOLDER/charon start | trust | run COMMAND… | stop
#
# An IPsec daemon for one tunnel alone, whose folder is the one that this script lies in. It has its own
# configuration, control socket, ports and routing table, all by a mount namespace of its own, so that
# the system's daemon, its connections and its files are neither read nor touched, and nothing is left
# when it has ended. Written and called by the backends for IPsec; only root can run it.
#   start  (again) the daemon, and waits until it listens
#   trust  lets it trust the certificate authorities that this machine trusts
#   run    a command that sees the daemon as if it were the system's
#   stop   ends it, with all that it made
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
folder=${0%/*}
label=${folder##*/}

# Sets pid to the daemon's, when it runs: its /run is a file system of our label.
running() {
    pid=$(cat "$folder/charon.pid" 2>/dev/null) || return 1
    grep -q " /run .* $label " "/proc/$pid/mountinfo" 2>/dev/null
}

# Whether this kernel can do ESP, tried where it changes nothing.
has_esp() {
    key=0x000102030405060708090a0b0c0d0e0f
    unshare --net ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 mode tunnel \
        auth-trunc 'hmac(sha256)' "$key$(echo $key | cut -c 3-)" 128 enc 'cbc(aes)' "$key" 2>/dev/null
}

start() {
    stop
    for etc in /etc /etc/strongswan; do
        [ ! -d "$etc/swanctl" ] || break
    done
    for kind in bliss conf.d ecdsa pkcs12 pkcs8 private pubkey rsa x509 x509aa x509ac x509ca x509crl x509ocsp; do
        mkdir -p "$folder/swanctl/$kind"
    done
    # Without it, the packets are made by the daemon itself, through a TUN device.
    has_esp || sed -i '/kernel-libipsec/s/no/yes/' "$folder/strongswan.conf"
    # In a session of its own, out of the reach of Ctrl-C. The settings of the kernel are read-only to it.
    # shellcheck disable=SC2016 # the inner shell's variables
    setsid unshare --mount --propagation private sh -euc '
        mount --bind "$1/swanctl" "$3/swanctl"
        mount --bind "$1/strongswan.conf" "$3/strongswan.conf"
        mount --bind /proc/sys /proc/sys
        mount -o remount,bind,ro /proc/sys || true
        mount -t tmpfs -o mode=0755,size=4m,nosuid,nodev "$2" /run
        exec charon-systemd
    ' sh "$folder" "$label" "$etc" </dev/null >"$folder/charon.log" 2>&1 &
    started=$!
    echo "$started" >"$folder/charon.pid"
    tries=0
    until running && [ -S "/proc/$pid/root/run/charon.vici" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || ! kill -0 "$started" 2>/dev/null; then
            tail -n 5 "$folder/charon.log" >&2
            echo 'the IPsec daemon does not start' >&2
            exit 1
        fi
        sleep 0.1
    done
}

# One file for each: of a file with many, only the first is read.
trust() {
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        [ ! -e "$bundle" ] || break
    done
    mkdir -p "$folder/swanctl/x509ca"
    awk -v to="$folder/swanctl/x509ca/" '/-BEGIN /{n++} n{print > (to n ".pem")} /-END /{close(to n ".pem")}' "$bundle"
}

run() {
    running || {
        echo 'the IPsec daemon does not run' >&2
        exit 1
    }
    exec nsenter --target "$pid" --mount -- "$@"
}

stop() {
    running || return 0
    kill "$pid"
    tries=0
    while running; do
        tries=$((tries + 1))
        # Killed, it leaves its policies in the kernel: better than a daemon that nobody ends.
        [ "$tries" -ne 100 ] || kill -9 "$pid"
        [ "$tries" -lt 120 ] || exit 1
        sleep 0.1
    done
}

"$@"
