grep -qx '30 2 \* \* mon-fri root test -d /tmp' /etc/cron.d/lab-clean
grep -qx 'MAILTO=ops@example.org' /etc/cron.d/lab-clean
[ "$(stat -c '%a %U' /etc/cron.d/lab-clean)" = '644 root' ]
[ "$(crontab -l | grep -c '^@daily date +\\%F$')" -eq 1 ]
[ ! -e /etc/cron.d/lab-gone ]
[ "$(sysctl -n vm.swappiness)" = 7 ]
sysctl --system | grep -qx 'vm.swappiness = 7'
