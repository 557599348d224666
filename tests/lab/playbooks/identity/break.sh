hostname other
echo other >/etc/hostname
sed '/lab-01/d' /etc/hosts >/tmp/hosts
cat /tmp/hosts >/etc/hosts
ln -snf /usr/share/zoneinfo/UTC /etc/localtime
echo 0 >/proc/sys/net/ipv4/ip_forward
echo 64 >/proc/sys/net/ipv4/ip_default_ttl
sed -i 's/ip_forward = 1/ip_forward = 0/' /etc/sysctl.d/99-zz-mroom.conf
rm /var/lib/lab-made
touch /var/lib/lab-old
