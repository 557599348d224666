[ "$(stat -c '%a %U %G' /srv/site)" = '750 www-data www-data' ]
[ "$(cat "/srv/site/it's a \$(test)")" = plain ]
[ "$(stat -c '%a %U' "/srv/site/it's a \$(test)")" = '644 deploy' ]
[ "$(cat /srv/site/key)" = hunter2000 ]
[ "$(stat -c '%a %h' /srv/site/key)" = '600 2' ]
[ /srv/site/key -ef /srv/site/second ]
[ "$(cat /srv/site/site.conf)" = "$(printf 'listen 80;\nlisten 8080;')" ]
grep -qx 'X11Forwarding no' /etc/ssh/sshd_config
! grep -q '^X11Forwarding yes' /etc/ssh/sshd_config
/usr/sbin/sshd -t
[ "$(getent hosts two | cut -d ' ' -f 1)" = 192.0.2.2 ]
[ "$(grep -c 'mroom: cluster' /etc/hosts)" -eq 2 ]
[ "$(readlink /srv/current)" = site ]
[ "$(stat -c '%U:%G %a' /srv/tree/below)" = 'deploy:users 711' ]
[ ! -e /srv/site/old ]
[ "$(sort -u /srv/site/.handler)" = ran ]
[ -z "$(find /srv /etc -name '.mroom-*')" ]
