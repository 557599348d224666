[ "$(uname -n)" = lab-01.example.org ]
[ "$(cat /etc/hostname)" = lab-01.example.org ]
getent hosts lab-01.example.org
[ "$(readlink -f /etc/localtime)" = /usr/share/zoneinfo/Europe/Berlin ]
[ ! -e /etc/timezone ] || [ "$(cat /etc/timezone)" = Europe/Berlin ]
[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
[ "$(cat /proc/sys/net/ipv4/ip_default_ttl)" = 70 ]
[ "$(tr '\t' ' ' </proc/sys/net/ipv4/tcp_rmem)" = '4096 131072 6291456' ]
grep -qx 'net.ipv4.ip_forward = 1' /etc/sysctl.d/99-zz-mroom.conf
[ "$(grep -c . /etc/sysctl.d/99-zz-mroom.conf)" -eq 2 ]
[ "$(cat /var/lib/lab-made)" = done ]
[ ! -e /var/lib/lab-old ]
