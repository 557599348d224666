echo '* * * * * root true' >/etc/cron.d/lab-clean
chmod 600 /etc/cron.d/lab-clean
{ crontab -l | sed 's/^@daily/@hourly/'; echo '0 0 * * * true'; } | crontab -
echo '* * * * * root true' >/etc/cron.d/lab-gone
sysctl -qw vm.swappiness=60
