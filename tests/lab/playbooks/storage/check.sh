[ "$(swapon --noheadings --raw --bytes --show=NAME,PRIO | tr '\n' ';')" = '/swapfile 5;' ]
[ "$(stat -c '%a %s' /swapfile)" = '600 67108864' ]
grep -qx '/swapfile none swap sw,pri=5 0 0' /etc/fstab
[ ! -e /old-swap ]
! grep -q old-swap /etc/fstab
findmnt -n -o FSTYPE,OPTIONS '/srv/lab scratch' | grep -q '^tmpfs .*nosuid,nodev.*size=8192k'
grep -qxF 'tmpfs /srv/lab\040scratch tmpfs size=8m,nosuid,nodev,mode=0750 0 0' /etc/fstab
findmnt -n -o FSTYPE,OPTIONS /srv/lab-disk | grep -q '^ext4 .*noatime'
findmnt -n /srv/lab-bind
grep -qx 'LABEL=later /srv/lab-later ext4 noauto 0 0' /etc/fstab
! findmnt -n /srv/lab-later
! findmnt -n /srv/lab-never
findmnt --verify >/dev/null || [ "$(findmnt --verify 2>&1 | grep -c 'parse error')" -eq 0 ]
