swapoff /swapfile
chmod 644 /swapfile
dd if=/dev/zero of=/old-swap bs=1M count=8 2>/dev/null
chmod 600 /old-swap
mkswap /old-swap >/dev/null
swapon /old-swap
echo '/old-swap none swap sw 0 0' >>/etc/fstab
mount -o remount,suid '/srv/lab scratch'
umount /srv/lab-bind /srv/lab-disk
sed -i -e '/lab-later/d' -e 's/^\(.*lab-disk.img.*\)noatime/\1ro/' /etc/fstab
mkdir -p /srv/lab-never
mount -t tmpfs tmpfs /srv/lab-never
