hostname other
echo other >/etc/hostname
sed -i '/lab-01/d' /etc/hosts
ln -snf /usr/share/zoneinfo/UTC /etc/localtime
sysctl -qw net.ipv4.ip_forward=0 vm.swappiness=60
sed -i 's/ip_forward = 1/ip_forward = 0/' /etc/sysctl.d/99-zz-mroom.conf
echo '* * * * * root true' >/etc/cron.d/lab-clean
chmod 600 /etc/cron.d/lab-clean
{ crontab -l | sed 's/^@daily/@hourly/'; echo '0 0 * * * true'; } | crontab -
echo '* * * * * root true' >/etc/cron.d/lab-gone
rm /var/lib/lab-made
touch /var/lib/lab-old
