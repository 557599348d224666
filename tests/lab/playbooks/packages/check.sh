version() { dpkg-query -W -f='${db:Status-Abbrev}${Version}' "$1" 2>/dev/null || true; }
for name in lab-broken jq tree hello lab-extra; do
    case $(version "$name") in 'ii '*) ;; *) echo "$name: $(version "$name")"; exit 1 ;; esac
done
test "$(version lab-greeter)" = 'hi 1.0'
for name in less vim-tiny; do
    case $(version "$name") in '' | 'un '*) ;; *) echo "$name: $(version "$name")"; exit 1 ;; esac
done
test -z "$(dpkg --audit)"
grep -qx 'URIs: file:/srv/lab/extra' /etc/apt/sources.list.d/extra.sources
apt-mark showmanual | grep -qx jq
nft list table inet mroom | grep -q 'policy drop'
for rule in 'tcp dport 22 accept' 'tcp dport 80 accept' 'ip saddr 203.0.113.7 drop' \
    'ip saddr 10.0.0.0/8 tcp dport 5432 accept'; do
    nft list table inet mroom | grep -q "$rule" || { echo "nft: $rule"; exit 1; }
done
# What the next start loads has it, too.
nft -c -f /etc/nftables.conf
grep -q '^include "/etc/nftables.d/\*.nft"' /etc/nftables.conf
systemctl is-enabled -q nftables
