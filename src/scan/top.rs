//! The ports that are most often open on servers, the commonest first, and what listens there.
//!
//! Made by hand for this program: the names are IANA's (Service Name and Transport Protocol Port
//! Number Registry) or those of the software that uses the port by default; the order is that of
//! what operators meet: the web and mail, databases, containers, monitoring, then everything else.

/// So many there are; `--ports top:N` takes the first N.
#[rustfmt::skip]
const TOP: &[(u16, &str)] = &[
    (80, "http"), (443, "https"), (22, "ssh"), (21, "ftp"), (25, "smtp"), (53, "domain"),
    (110, "pop3"), (143, "imap"), (993, "imaps"), (995, "pop3s"), (587, "submission"),
    (465, "submissions"), (3306, "mysql"), (3389, "rdp"), (8080, "http-alt"), (8443, "https-alt"),
    (445, "smb"), (139, "netbios-ssn"), (135, "msrpc"), (23, "telnet"), (111, "rpcbind"),
    (5432, "postgresql"), (6379, "redis"), (5900, "vnc"), (8000, "http-alt"), (8888, "http-alt"),
    (8081, "http-alt"), (1723, "pptp"), (2049, "nfs"), (389, "ldap"), (636, "ldaps"),
    (3000, "dev-http"), (5000, "dev-http"), (9000, "php-fpm"), (9090, "prometheus"),
    (9200, "elasticsearch"), (27017, "mongodb"), (11211, "memcached"), (5672, "amqp"),
    (15672, "rabbitmq"), (1433, "mssql"), (1521, "oracle"), (2375, "docker"),
    (2376, "docker-tls"), (2377, "docker-swarm"), (6443, "kubernetes"), (10250, "kubelet"),
    (2379, "etcd"), (2380, "etcd-peer"), (9092, "kafka"), (2181, "zookeeper"), (8500, "consul"),
    (8200, "vault"), (9100, "node-exporter"), (3128, "squid"), (1080, "socks"),
    (8008, "http-alt"), (8181, "http-alt"), (8088, "http-alt"), (10000, "webmin"),
    (2222, "ssh-alt"), (2082, "cpanel"), (2083, "cpanel-tls"), (2086, "whm"), (2087, "whm-tls"),
    (2095, "webmail"), (2096, "webmail-tls"), (8006, "proxmox"), (5601, "kibana"),
    (3001, "grafana-alt"), (88, "kerberos"), (464, "kpasswd"), (548, "afp"), (631, "ipp"),
    (873, "rsync"), (990, "ftps"), (512, "exec"), (513, "login"), (514, "shell"),
    (515, "printer"), (554, "rtsp"), (5060, "sip"), (5061, "sips"), (1883, "mqtt"),
    (8883, "mqtt-tls"), (9418, "git"), (3690, "svn"), (5222, "xmpp-client"),
    (5269, "xmpp-server"), (6667, "irc"), (81, "http-alt"), (82, "http-alt"), (8001, "http-alt"),
    (8082, "http-alt"), (8090, "http-alt"), (9001, "supervisor"), (9443, "portainer-tls"),
    (4443, "https-alt"), (8444, "https-alt"), (7001, "weblogic"), (113, "ident"), (119, "nntp"),
    (137, "netbios-ns"), (161, "snmp"), (179, "bgp"), (199, "smux"), (427, "slp"), (444, "snpp"),
    (500, "isakmp"), (543, "klogin"), (544, "kshell"), (563, "nntps"), (593, "http-rpc"),
    (623, "ipmi"), (666, "doom"), (700, "epp"), (749, "kerberos-adm"), (853, "dns-tls"),
    (902, "vmware"), (989, "ftps-data"), (992, "telnets"), (1025, "rpc-dyn"), (1026, "rpc-dyn"),
    (1027, "rpc-dyn"), (1028, "rpc-dyn"), (1029, "rpc-dyn"), (1099, "rmi"), (1110, "nfsd-status"),
    (1194, "openvpn"), (1234, "search-agent"), (1352, "notes"), (1434, "mssql-browser"),
    (1494, "citrix-ica"), (1701, "l2tp"), (1720, "h323"), (1755, "wms"), (1812, "radius"),
    (1900, "upnp"), (1935, "rtmp"), (1984, "bigbrother"), (2000, "cisco-sccp"), (2001, "dc"),
    (2003, "graphite"), (2004, "graphite-pickle"), (2048, "dls"), (2077, "webdav"),
    (2078, "webdav-tls"), (2121, "ftp-alt"), (2152, "gtp"), (2200, "ssh-alt"), (2221, "ssh-alt"),
    (2323, "telnet-alt"), (2381, "etcd-metrics"), (2424, "orientdb"), (2480, "orientdb-http"),
    (2483, "oracle-tcp"), (2484, "oracle-tls"), (2525, "smtp-alt"), (2601, "zebra"),
    (2604, "ospfd"), (2605, "bgpd"), (2638, "sybase"), (2701, "sms"), (2717, "pn-requester"),
    (2869, "icslap"), (2967, "symantec"), (3002, "dev-http"), (3003, "dev-http"),
    (3050, "firebird"), (3052, "apc"), (3100, "loki"), (3200, "sap"), (3260, "iscsi"),
    (3268, "ldap-gc"), (3269, "ldap-gc-tls"), (3283, "net-assistant"), (3299, "saprouter"),
    (3307, "mysql-alt"), (3310, "clamav"), (3333, "dec-notes"), (3388, "cb-server"),
    (3478, "stun"), (3551, "apcupsd"), (3632, "distcc"), (3689, "daap"), (3790, "quickbooks"),
    (3868, "diameter"), (3986, "mapper"), (4000, "remote-anything"), (4001, "newoak"),
    (4040, "spark-ui"), (4222, "nats"), (4242, "vrml"), (4321, "rwhois"), (4369, "epmd"),
    (4444, "metasploit"), (4500, "ipsec-nat"), (4505, "salt-publish"), (4506, "salt-request"),
    (4646, "nomad"), (4662, "edonkey"), (4786, "smart-install"), (4848, "glassfish"),
    (4899, "radmin"), (4949, "munin"), (5001, "dev-http"), (5002, "dev-http"),
    (5003, "filemaker"), (5005, "java-debug"), (5009, "airport"), (5044, "logstash"),
    (5050, "mmcc"), (5051, "ida-agent"), (5080, "http-alt"), (5101, "admdog"), (5190, "aol"),
    (5200, "targus"), (5280, "xmpp-http"), (5353, "mdns"), (5355, "llmnr"), (5357, "wsdapi"),
    (5433, "postgresql-alt"), (5500, "securid"), (5555, "adb"), (5556, "freeciv"),
    (5631, "pcanywhere"), (5666, "nrpe"), (5667, "nsca"), (5671, "amqps"), (5800, "vnc-http"),
    (5801, "vnc-http"), (5901, "vnc-1"), (5902, "vnc-2"), (5938, "teamviewer"), (5984, "couchdb"),
    (5985, "winrm"), (5986, "winrm-tls"), (6000, "x11"), (6001, "x11-1"), (6002, "x11-2"),
    (6060, "dev-http"), (6066, "spark-rest"), (6080, "novnc"), (6112, "dtspc"),
    (6380, "redis-alt"), (6432, "pgbouncer"), (6481, "servicetags"), (6500, "boks"),
    (6514, "syslog-tls"), (6566, "sane"), (6646, "mcafee"), (6660, "irc"), (6666, "irc"),
    (6668, "irc"), (6669, "irc"), (6697, "ircs"), (6789, "ibm-db2-admin"), (6881, "bittorrent"),
    (6984, "couchdb-tls"), (7000, "cassandra"), (7002, "weblogic-tls"), (7070, "realserver"),
    (7080, "http-alt"), (7199, "cassandra-jmx"), (7210, "maxdb"), (7443, "https-alt"),
    (7474, "neo4j"), (7547, "cwmp"), (7676, "imqbroker"), (7680, "delivery-opt"),
    (7687, "neo4j-bolt"), (7777, "cbt"), (7778, "interwise"), (7890, "clash-mixed"),
    (7891, "clash-socks"), (7946, "swarm-gossip"), (8002, "http-alt"), (8003, "http-alt"),
    (8005, "tomcat-stop"), (8007, "http-alt"), (8009, "ajp"), (8010, "http-alt"), (8020, "hdfs"),
    (8021, "ftp-proxy"), (8022, "ssh-alt"), (8025, "mailhog"), (8031, "http-alt"),
    (8042, "yarn-node"), (8060, "http-alt"), (8069, "odoo"), (8083, "http-alt"),
    (8084, "http-alt"), (8085, "http-alt"), (8086, "influxdb"), (8087, "http-alt"),
    (8089, "splunk"), (8091, "couchbase"), (8096, "jellyfin"), (8099, "http-alt"),
    (8100, "http-alt"), (8111, "teamcity"), (8112, "deluge"), (8118, "privoxy"),
    (8123, "clickhouse-http"), (8125, "statsd"), (8126, "datadog"), (8139, "puppet"),
    (8140, "puppet-server"), (8161, "activemq"), (8180, "http-alt"), (8192, "sophos"),
    (8193, "sophos"), (8194, "sophos"), (8222, "nats-http"), (8243, "https-alt"),
    (8280, "http-alt"), (8300, "consul-rpc"), (8301, "consul-serf"), (8332, "bitcoin-rpc"),
    (8333, "bitcoin"), (8384, "syncthing"), (8400, "cvd"), (8404, "haproxy-stats"),
    (8448, "matrix"), (8472, "vxlan"), (8501, "consul-tls"), (8529, "arangodb"), (8530, "wsus"),
    (8531, "wsus-tls"), (8545, "ethereum-rpc"), (8600, "consul-dns"), (8649, "ganglia"),
    (8686, "jmx"), (8765, "ultraseek"), (8787, "rstudio"), (8800, "http-alt"), (8834, "nessus"),
    (8840, "http-alt"), (8880, "http-alt"), (8889, "http-alt"), (8899, "http-alt"),
    (8983, "solr"), (8989, "http-alt"), (8993, "solr-tls"), (8999, "http-alt"),
    (9002, "http-alt"), (9003, "http-alt"), (9009, "clickhouse-peer"), (9010, "minio-alt"),
    (9042, "cassandra-cql"), (9043, "websphere-tls"), (9050, "tor-socks"), (9051, "tor-control"),
    (9060, "websphere"), (9080, "http-alt"), (9091, "transmission"), (9093, "alertmanager"),
    (9094, "alertmanager-peer"), (9095, "http-alt"), (9097, "clash-control"), (9099, "http-alt"),
    (9101, "bacula-dir"), (9102, "bacula-fd"), (9103, "bacula-sd"), (9104, "mysqld-exporter"),
    (9110, "http-alt"), (9111, "http-alt"), (9115, "blackbox-exporter"), (9119, "mxit"),
    (9121, "redis-exporter"), (9150, "memcached-exporter"), (9160, "cassandra-thrift"),
    (9187, "postgres-exporter"), (9191, "http-alt"), (9300, "elasticsearch-peer"),
    (9306, "manticore"), (9308, "kafka-exporter"), (9389, "adws"), (9411, "zipkin"),
    (9415, "emby-alt"), (9485, "emule"), (9500, "http-alt"), (9502, "http-alt"), (9535, "man"),
    (9575, "http-alt"), (9593, "ldms"), (9594, "msgsys"), (9595, "pds"), (9600, "micromuse"),
    (9618, "condor"), (9666, "zoomcp"), (9869, "opennebula"), (9870, "hdfs-http"), (9876, "sd"),
    (9877, "http-alt"), (9878, "http-alt"), (9898, "monkeycom"), (9900, "iua"),
    (9917, "http-alt"), (9929, "nping-echo"), (9943, "http-alt"), (9944, "substrate"),
    (9968, "http-alt"), (9981, "tvheadend"), (9998, "distinct"), (9999, "http-alt"),
    (10001, "ubiquiti"), (10002, "http-alt"), (10009, "http-alt"), (10050, "zabbix-agent"),
    (10051, "zabbix-server"), (10080, "amanda"), (10081, "http-alt"), (10249, "kube-proxy"),
    (10255, "kubelet-read"), (10256, "kube-proxy-health"), (10257, "kube-controller"),
    (10259, "kube-scheduler"), (10443, "https-alt"), (11111, "vce"), (11214, "memcached-tls"),
    (11300, "beanstalkd"), (11371, "hkp"), (11434, "ollama"), (12345, "netbus"),
    (12443, "https-alt"), (13306, "mysql-alt"), (13720, "netbackup"), (13782, "netbackup"),
    (14265, "iota"), (14268, "jaeger"), (15000, "hydap"), (15001, "envoy-out"),
    (15006, "envoy-in"), (15090, "envoy-metrics"), (15671, "rabbitmq-tls"),
    (15692, "rabbitmq-metrics"), (16010, "hbase-master"), (16030, "hbase-region"),
    (16080, "http-alt"), (16379, "redis-bus"), (16443, "kubernetes-alt"), (16509, "libvirt"),
    (16514, "libvirt-tls"), (16686, "jaeger-ui"), (17500, "dropbox"), (18080, "http-alt"),
    (18083, "emqx"), (18091, "couchbase-tls"), (19000, "http-alt"), (19132, "minecraft-bedrock"),
    (19999, "netdata"), (20000, "dnp"), (20048, "nfs-mountd"), (20880, "dubbo"),
    (21025, "starbound"), (22000, "syncthing-peer"), (22222, "ssh-alt"), (23023, "telnet-alt"),
    (24224, "fluentd"), (25000, "icl"), (25565, "minecraft"), (25672, "rabbitmq-peer"),
    (26257, "cockroachdb"), (26379, "redis-sentinel"), (26656, "tendermint"),
    (27015, "source-engine"), (27018, "mongodb-shard"), (27019, "mongodb-config"),
    (28015, "rethinkdb"), (28017, "mongodb-http"), (29418, "gerrit"), (30000, "node-port"),
    (30080, "node-port"), (30443, "node-port"), (31337, "backorifice"), (32400, "plex"),
    (32764, "mountd"), (32768, "rpc-dyn"), (32769, "rpc-dyn"), (33060, "mysqlx"),
    (33306, "mysql-alt"), (34567, "dvr"), (35357, "openstack-identity"), (37777, "dahua"),
    (41641, "tailscale"), (43594, "runescape"), (44818, "ethernet-ip"), (45000, "http-alt"),
    (47001, "winrm-local"), (47808, "bacnet"), (49152, "rpc-dyn"), (49153, "rpc-dyn"),
    (49154, "rpc-dyn"), (49155, "rpc-dyn"), (49156, "rpc-dyn"), (49157, "rpc-dyn"),
    (50000, "db2"), (50001, "db2-alt"), (50010, "hdfs-data"), (50030, "mapred"),
    (50050, "cobalt"), (50051, "grpc"), (50060, "mapred-task"), (50070, "hdfs-name"),
    (50075, "hdfs-data-http"), (50090, "hdfs-second"), (51413, "transmission-peer"),
    (51820, "wireguard"), (52869, "upnp-alt"), (54321, "http-alt"), (55553, "msf-rpc"),
    (55555, "http-alt"), (57621, "spotify"), (60000, "http-alt"), (60010, "hbase-http"),
    (61613, "stomp"), (61614, "stomp-tls"), (61616, "activemq-openwire"), (62078, "iphone-sync"),
    (64738, "mumble"), (65129, "http-alt"), (9055, "yacht"), (7, "echo"), (9, "discard"),
    (13, "daytime"), (17, "qotd"), (19, "chargen"), (20, "ftp-data"), (37, "time"), (43, "whois"),
    (49, "tacacs"), (70, "gopher"), (79, "finger"), (83, "http-alt"), (84, "http-alt"),
    (85, "http-alt"), (90, "http-alt"), (99, "metagram"), (100, "newacct"), (106, "poppassd"),
    (109, "pop2"), (123, "ntp"), (144, "news"), (163, "cmip"), (264, "fw1-topology"),
    (280, "http-mgmt"), (311, "osx-admin"), (366, "odmr"), (383, "alarm-mgr"), (407, "timbuktu"),
    (425, "icad"), (458, "apple-qt"), (497, "retrospect"), (502, "modbus"), (541, "fortinet"),
    (591, "filemaker-http"), (616, "gii"), (625, "apple-xsrv"), (648, "rrp"), (660, "mac-admin"),
    (691, "exchange-routing"), (783, "spamassassin"), (808, "http-alt"), (843, "flash-policy"),
    (860, "iscsi-system"), (888, "http-alt"), (898, "solaris-mgmt"), (912, "vmware-alt"),
    (981, "fw1-mgmt"), (999, "garcon"), (1000, "cadlock"), (1010, "surf"), (1030, "rpc-dyn"),
    (1032, "rpc-dyn"), (1054, "brvread"), (1311, "dell-openmanage"),
];

/// The commonest first.
pub fn ports() -> impl Iterator<Item = u16> {
    TOP.iter().map(|(port, _)| *port)
}

/// What usually listens there.
pub fn name(port: u16) -> Option<&'static str> {
    TOP.iter()
        .find(|(known, _)| *known == port)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_is_there_once() {
        let all: BTreeSet<u16> = ports().collect();
        assert!(all.len() == ports().count() && !all.contains(&0));
        assert_eq!((name(22), name(4)), (Some("ssh"), None));
    }
}
