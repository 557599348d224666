systemctl is-active -q lab-app lab-job.timer ssh
systemctl is-enabled -q lab-app lab-job.timer ssh
test "$(systemctl show -P Environment lab-app)" = 'COLOUR=red "NAME=a b"'
test "$(systemctl show -P LimitNOFILE lab-app)" = 4096
grep -q '^Max open files  *4096 ' "/proc/$(systemctl show -P MainPID lab-app)/limits"
test "$(systemctl show -P NeedDaemonReload lab-app)" = no
test "$(systemctl is-enabled systemd-tmpfiles-clean.timer || true)" = masked
! systemctl is-active -q dpkg-db-backup.timer
! systemctl is-enabled -q dpkg-db-backup.timer
