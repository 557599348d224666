[ "$(swapon --noheadings --raw --show=NAME,PRIO | tr '\n' ';')" = '/swapfile 5;' ]
[ "$(stat -c '%a %s' /swapfile)" = '600 67108864' ]
grep -qx '/swapfile none swap sw,pri=5 0 0' /etc/fstab
[ ! -e /old-swap ]
! grep -q old-swap /etc/fstab
findmnt -n -o FSTYPE,OPTIONS /srv/lab-disk | grep -q '^ext4 .*noatime'
grep -qx '/var/lib/lab-disk.img /srv/lab-disk ext4 loop,noatime 0 2' /etc/fstab
