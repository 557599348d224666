ufw delete allow 80/tcp
ufw allow 9/tcp
ufw default allow incoming
nft flush chain inet mroom input
nft chain inet mroom input '{ policy accept; }'
