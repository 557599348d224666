test "$(cat /srv/site/index.html)" = '<p>hello</p>'
test "$(stat -c %a /srv/site/bin/job)" = 755
test "$(stat -c %a /srv/site/css/main.css)" = 644
test "$(readlink /srv/site/start.html)" = index.html
test ! -e /srv/site/notes.txt
test ! -e /srv/site/foreign.html
test "$(stat -c '%U %G %a' "/srv/it's mine/css")" = 'deploy users 750'
test "$(stat -c '%U %G' "/srv/it's mine/start.html")" = 'deploy users'
test -e "/srv/it's mine/notes.txt"
cmp /var/cache/lab/hello.txt /srv/lab/www/hello.txt
cmp /var/cache/lab/private.txt /srv/lab/www/private/hello.txt
test "$(stat -c %a /var/cache/lab/private.txt)" = 600
test "$(/opt/app/bin/app)" = 'app 1.0'
test "$(cat /opt/app/version)" = 1.0
test ! -e /opt/app/app-1.0
test "$(stat -c %U /opt/site/css/main.css)" = deploy
test -z "$(ls -A /opt/app /opt/site /var/cache/lab | grep -e '\.new$' -e '-[[:alnum:]]\{8\}$')"
test "$(git -C /srv/main symbolic-ref --short HEAD)" = main
test "$(cat /srv/main/app.txt)" = 'app 2'
test "$(cat /srv/v1/app.txt)" = 'app 1'
test "$(git -C /srv/v1 rev-list --count HEAD)" = 1
