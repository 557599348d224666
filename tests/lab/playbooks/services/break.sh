systemctl disable --now lab-app
sed -i 's/red/blue/' /etc/systemd/system/lab-app.service
rm -r /etc/systemd/system/lab-app.service.d
systemctl unmask apt-daily.timer
systemctl enable --now apt-daily-upgrade.timer
systemctl stop lab-job.timer
systemctl daemon-reload
