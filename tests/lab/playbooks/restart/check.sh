[ -e /var/lib/lab-restart ]
[ ! -e /run/lab-before ]
[ -e /run/lab-after ]
[ "$(cut -d. -f1 /proc/uptime)" -lt 300 ]
