grep -qx '30 2 \* \* mon-fri root test -d /tmp' /etc/cron.d/lab-clean
grep -qx 'MAILTO=ops@example.org' /etc/cron.d/lab-clean
[ "$(stat -c '%a %U' /etc/cron.d/lab-clean)" = '644 root' ]
[ "$(crontab -l | grep -c '^@daily date +\\%F$')" -eq 1 ]
[ ! -e /etc/cron.d/lab-gone ]
grep -qx '@reboot deploy true' /etc/cron.d/lab-start
grep -qxF '*/10 8-18 * 1,7 * root true' /etc/cron.d/lab-often
[ "$(sysctl -n vm.swappiness kernel.panic | tr '\n' ' ')" = '7 9 ' ]
[ "$(cat /etc/sysctl.d/99-zz-lab.conf)" = 'vm.swappiness = 7' ]
sysctl --system | grep -qx 'vm.swappiness = 7'
