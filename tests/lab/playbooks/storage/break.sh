swapoff /swapfile
chmod 644 /swapfile
dd if=/dev/zero of=/old-swap bs=1M count=8 2>/dev/null
chmod 600 /old-swap
mkswap /old-swap >/dev/null
swapon /old-swap
echo '/old-swap none swap sw 0 0' >>/etc/fstab
umount /srv/lab-disk
sed -i 's/loop,noatime/loop,ro/' /etc/fstab
