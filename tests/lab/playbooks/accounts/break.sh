usermod -s /bin/bash -c Nobody -G video,games lab-app
echo 'lab-app:*' | chpasswd -e
usermod -p '$6$x$x' lab-daemon
useradd lab-gone
gpasswd -d lab-daemon lab-team
gpasswd -a games lab-team
sed -i -e 1d -e 's/^no-pty //' /srv/lab-app/.ssh/authorized_keys
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIRrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr eve' >>/srv/lab-app/.ssh/authorized_keys
chmod 666 /srv/lab-app/.ssh/authorized_keys
