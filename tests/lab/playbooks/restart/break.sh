rm /var/lib/lab-restart /run/lab-after
