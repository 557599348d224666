//! What columns of a table are called, in lists of one's own and in what clouds export: EC2's
//! console, doctl, linode-cli, Vultr, gcloud. Pure data, and how a header is compared with it.

/// What a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Host,
    User,
    Port,
    Password,
    Key,
    Tags,
    Description,
    Jump,
}

/// The columns of each field, the best first. A header is compared in lower case, with `_` for
/// whatever is neither letter nor digit.
pub(super) const KNOWN: &[(Field, &[&str])] = &[
    (
        Field::Id,
        &[
            // EC2 and Hetzner call it name, Linode and Vultr label; numbers and the like come last.
            "name",
            "label",
            "server",
            "server_name",
            "instance_name",
            "instance",
            "hostname",
            "fqdn",
            "id",
            "instance_id",
            "linode_id",
            "server_id",
        ],
    ),
    (
        Field::Host,
        &[
            "host",
            "address",
            "ip",
            "ip_address",
            "ipaddress",
            "ipv4",
            "public_ip",
            "publicip",
            "public_ipv4",
            "public_ipv4_address",
            "public_ip_address",
            "elastic_ip",
            "external_ip",
            "nat_ip",
            "main_ip",
            "ipv4_address",
            "ip_v4",
            "public_ipv4_dns",
            "public_dns",
            "public_dns_name",
            "hostname",
            "fqdn",
            "dns_name",
            "private_ip",
            "private_ip_address",
            "private_ipv4",
            "private_ipv4_address",
            "internal_ip",
            "ipv6",
            "public_ipv6",
            "ipv6_ips",
            "ipv6_address",
        ],
    ),
    (
        Field::User,
        &[
            "user",
            "username",
            "user_name",
            "login",
            "ssh_user",
            "ansible_user",
        ],
    ),
    (Field::Port, &["port", "ssh_port"]),
    (
        Field::Password,
        &[
            "password",
            "pass",
            "root_password",
            "root_pass",
            "ssh_password",
        ],
    ),
    (
        Field::Key,
        &[
            "key",
            "key_file",
            "keyfile",
            "key_path",
            "private_key",
            "private_key_file",
            "identity",
            "identity_file",
            "identityfile",
        ],
    ),
    (Field::Tags, &["tags", "tag", "groups", "group"]),
    (
        Field::Description,
        &["description", "comment", "comments", "note", "notes"],
    ),
    (Field::Jump, &["jump", "jump_host", "proxyjump", "bastion"]),
];

/// A header's column in the form in which it is compared.
pub(super) fn normal(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let simple: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    let words = simple.split('_').filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// The places of a field's columns, the best first.
pub(super) fn places(header: &[String], field: Field) -> Vec<usize> {
    let names = KNOWN.iter().filter(|(f, _)| *f == field);
    let names = names.flat_map(|(_, names)| names.iter());
    names
        .filter_map(|name| header.iter().position(|h| h == name))
        .collect()
}
