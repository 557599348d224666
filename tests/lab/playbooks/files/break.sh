chmod 0777 /srv/site
chown root "/srv/site/it's a \$(test)"
echo other >/srv/site/key
chmod 0644 /srv/site/key
rm /srv/site/site.conf /srv/site/second
sed -i 's/^X11Forwarding no/X11Forwarding yes/' /etc/ssh/sshd_config
sed -i '/192.0.2.2/d' /etc/hosts
ln -sfn /etc /srv/current
chown -R root:root /srv/tree/below
echo old >/srv/site/old
