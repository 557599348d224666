ufw status verbose | grep -q '^Status: active'
ufw status verbose | grep -q '^Default: deny (incoming)'
for rule in '22/tcp  *ALLOW IN  *Anywhere' '80/tcp  *ALLOW IN  *Anywhere' \
    '5432/tcp  *ALLOW IN  *10.0.0.0/8' 'Anywhere  *DENY IN  *203.0.113.7'; do
    ufw status verbose | grep -q "^$rule" || { echo "ufw: $rule"; exit 1; }
done
! ufw status verbose | grep -q '^9/tcp'
nft list table inet mroom | grep -q 'policy drop'
for rule in 'tcp dport 22 accept' 'tcp dport 80 accept' 'ip saddr 203.0.113.7 drop'; do
    nft list table inet mroom | grep -q "$rule" || { echo "nft: $rule"; exit 1; }
done
# What the next start loads has it, too.
nft -c -f /etc/nftables.conf
grep -q '^include "/etc/nftables.d/\*.nft"' /etc/nftables.conf
systemctl is-enabled -q nftables
