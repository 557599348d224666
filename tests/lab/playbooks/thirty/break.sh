hostname elsewhere
echo elsewhere >/etc/hostname
ln -sfn /usr/share/zoneinfo/UTC /etc/localtime
sed -i '/db.internal/d' /etc/hosts
sysctl -q vm.swappiness=60
swapoff /swapfile
apt-get remove -y -q --allow-change-held-packages lab-greeter >/dev/null
usermod -s /bin/bash shop
: >/srv/shop/.ssh/authorized_keys
chmod 777 /srv/shop/shared
umount /srv/shop/tmp
echo x >>/var/cache/shop/app.tar.gz
rm /srv/shop/releases/1.0/bin/app
ln -sfn /etc /srv/shop/current
rm -r /srv/shop/pages/css
echo foreign >/srv/shop/pages/foreign.html
git -C /srv/shop/source checkout -q v2
sed -i s/8081/8082/ /etc/shop/shop.conf
echo lost >/etc/shop/token
: >/etc/motd
sed -i /SHOP/d /etc/profile
systemctl -q stop shop
systemctl -q disable --now nginx
rm /etc/cron.d/shop
nft flush ruleset
rm /srv/shop/born
