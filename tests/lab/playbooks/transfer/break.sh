echo foreign >/srv/site/foreign.html
echo '<p>HELLO</p>' >/srv/site/index.html
chmod 644 /srv/site/bin/job
ln -sfn /etc/passwd /srv/site/start.html
chown -R root:root "/srv/it's mine"
rm -r /srv/site/css
echo >>/var/cache/lab/hello.txt
chmod 644 /var/cache/lab/private.txt
rm /opt/app/bin/app
rm -r /opt/site
git -C /srv/main checkout -q --detach v1
echo changed >>/srv/v1/app.txt
