# Half-configured: its script after the installation fails, and dpkg is left with it.
rm -f /etc/lab-mended
export DEBIAN_FRONTEND=noninteractive
apt-get -y -q purge lab-broken jq
apt-get -y -q install lab-broken && exit 1
apt-mark unhold lab-greeter
dpkg -i /srv/lab/apt/lab-greeter_2.0_all.deb || true
rm -f /etc/apt/sources.list.d/extra.sources
nft flush chain inet mroom input
nft chain inet mroom input '{ policy accept; }'
