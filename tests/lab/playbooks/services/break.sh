systemctl disable --now lab-app
sed -i 's/red/blue/' /etc/systemd/system/lab-app.service
rm -r /etc/systemd/system/lab-app.service.d
systemctl unmask systemd-tmpfiles-clean.timer
systemctl enable --now dpkg-db-backup.timer
systemctl stop lab-job.timer
systemctl daemon-reload
