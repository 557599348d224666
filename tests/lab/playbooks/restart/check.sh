[ -e /var/lib/lab-restart ]
[ ! -e /run/lab-before ]
[ -e /run/lab-after ]
