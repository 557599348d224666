test "$(hostname)" = shop-01
test "$(readlink -f /etc/localtime)" = /usr/share/zoneinfo/Europe/Berlin
grep -qx '10.0.2.2 db.internal' /etc/hosts
test "$(cat /proc/sys/vm/swappiness)" = 10
grep -rqs '^vm.swappiness *= *10$' /etc/sysctl.d
grep -q '^/swapfile ' /proc/swaps
test "$(stat -c '%s %a' /swapfile)" = '67108864 600'
apt-cache policy lab-extra | grep -q /srv/lab/extra
for package in nginx-light curl git cron nftables; do
  test "$(dpkg-query -W -f '${Status}' $package)" = 'install ok installed'
done
test "$(dpkg-query -W -f '${Version}' lab-greeter)" = 1.0
apt-mark showhold | grep -qx lab-greeter
test "$(getent passwd shop)" = 'shop:x:1600:1600::/srv/shop:/bin/sh'
grep -q '^no-pty ssh-ed25519 .* ada@desk$' /srv/shop/.ssh/authorized_keys
test "$(stat -c '%U %a' /srv/shop/.ssh/authorized_keys)" = 'shop 600'
visudo -cq
test "$(stat -c '%a' /etc/sudoers.d/shop)" = 440
test "$(stat -c '%U %G %a' /srv/shop/shared)" = 'shop shop 750'
test "$(stat -f -c %T /srv/shop/tmp)" = tmpfs
grep -q '^tmpfs /srv/shop/tmp tmpfs' /etc/fstab
cmp /var/cache/shop/app.tar.gz /srv/lab/www/app-1.0.tar.gz
test "$(/srv/shop/current/bin/app)" = 'app 1.0'
test "$(readlink /srv/shop/current)" = releases/1.0
test "$(stat -c %U /srv/shop/pages/css/shop.css)" = shop
test "$(cat /srv/shop/source/app.txt)" = 'app 1'
grep -qx 'listen = 8081' /etc/shop/shop.conf
test "$(cat /etc/shop/token)" = hunter2
test "$(stat -c '%G %a' /etc/shop/token)" = 'shop 640'
grep -qx 'Kept by mroom.' /etc/motd
test "$(sh -c '. /etc/profile; echo $SHOP')" = /srv/shop
systemctl -q is-active shop nginx cron
systemctl -q is-enabled shop nginx
test "$(busybox wget -qO- http://127.0.0.1:8081/)" = '<h1>The shop</h1>'
grep -q '^\*/5 \* \* \* \* shop true' /etc/cron.d/shop
nft list ruleset | grep -q 'dport.*8081'
test -s /srv/shop/born
