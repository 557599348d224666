version() { dpkg-query -W -f='${db:Status-Abbrev}${Version}' "$1" 2>/dev/null || true; }
for name in lab-broken jq tree hello lab-extra; do
    case $(version "$name") in 'ii '*) ;; *) echo "$name: $(version "$name")"; exit 1 ;; esac
done
test "$(version lab-greeter)" = 'hi 1.0'
test -z "$(version less)$(version vim-tiny)"
test -z "$(dpkg --audit)"
grep -qx 'URIs: file:/srv/lab/extra' /etc/apt/sources.list.d/extra.sources
apt-mark showmanual | grep -qx jq
