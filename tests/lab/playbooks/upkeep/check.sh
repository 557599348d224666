sshd -T | grep -qix 'passwordauthentication no'
sshd -T | grep -qix 'kbdinteractiveauthentication no'
test "$(stat -c %a ~deploy/.ssh/authorized_keys)" = 600
nft list table inet mroom | grep -q 'policy drop'
nft list table inet mroom | grep -q 'tcp dport 8000 accept'
! nft list table inet mroom | grep -q 'dport 9999'
systemctl is-enabled -q nftables
apt-config dump | grep -qx 'APT::Periodic::Unattended-Upgrade "1";'
apt-config dump | grep -qx 'Unattended-Upgrade::Automatic-Reboot-Time "03:30";'
systemctl is-active -q apt-daily.timer apt-daily-upgrade.timer
test -z "$(ls -A /var/lib/mroom-confirm)"
