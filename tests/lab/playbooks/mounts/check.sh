findmnt -n -o FSTYPE,OPTIONS '/srv/lab scratch' | grep '^tmpfs .*nosuid,nodev.*size=8192k'
grep -xF 'tmpfs /srv/lab\040scratch tmpfs size=8m,nosuid,nodev,mode=0750 0 0' /etc/fstab
findmnt -n /srv/lab-bind
[ -e /srv/lab-bind/bin/env ]
grep -x 'LABEL=later /srv/lab-later ext4 noauto 0 0' /etc/fstab
! findmnt -n /srv/lab-later
! findmnt -n /srv/lab-never
! grep lab-never /etc/fstab
