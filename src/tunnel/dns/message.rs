//! DNS messages (RFC 1035): one question, and what an answer says to it. Pure; answers are hostile.

use std::net::IpAddr;

use smoltcp::wire::{
    DnsFlags, DnsOpcode, DnsPacket, DnsQueryType, DnsQuestion, DnsRcode, DnsRecord, DnsRecordData,
    DnsRepr,
};

use crate::error::{Error, Result};

/// Aliases that lead from one name to another before we believe that they go in a circle.
const ALIASES: usize = 16;
/// Records that are looked at.
const RECORDS: usize = 256;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4 addresses.
    V4,
    /// IPv6 addresses.
    V6,
}

impl Family {
    fn query(self) -> DnsQueryType {
        match self {
            Family::V4 => DnsQueryType::A,
            Family::V6 => DnsQueryType::Aaaa,
        }
    }
}

/// A question, and the number that its answer must have.
#[derive(Debug)]
pub struct Question {
    id: u16,
    family: Family,
    labels: Vec<Vec<u8>>,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These addresses; none: the name has no such ones.
    Addresses(Vec<IpAddr>),
    /// There is no such name.
    Unknown,
    /// It does not fit: ask over TCP.
    Truncated,
    /// The server will not or cannot tell.
    Failed(&'static str),
}

impl Question {
    /// Asks for the addresses of `name`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for what cannot be a host's name.
    pub fn new(id: u16, name: &str, family: Family) -> Result<Question> {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let is_label = |label: &str| {
            let is_good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(is_good)
        };
        if bare.len() > 253 || !bare.split('.').all(is_label) {
            return Err(Error::usage(format!("`{name}` is not a host's name")));
        }
        let labels = bare.split('.').map(|l| l.to_ascii_lowercase().into_bytes());
        let labels = labels.collect();
        Ok(Question { id, family, labels })
    }

    /// The message.
    pub fn bytes(&self) -> Vec<u8> {
        let mut name = Vec::with_capacity(256);
        for label in &self.labels {
            name.push(label.len() as u8);
            name.extend(label);
        }
        name.push(0);
        let question = DnsRepr {
            transaction_id: self.id,
            opcode: DnsOpcode::Query,
            flags: DnsFlags::RECURSION_DESIRED,
            question: DnsQuestion {
                name: &name,
                type_: self.family.query(),
            },
        };
        let mut bytes = vec![0; question.buffer_len()];
        question.emit(&mut DnsPacket::new_unchecked(&mut bytes[..]));
        bytes
    }

    /// What `message` says to it; `None` when it is no answer to this question.
    pub fn answer(&self, message: &[u8]) -> Option<Answer> {
        let packet = DnsPacket::new_checked(message).ok()?;
        let is_ours = packet.transaction_id() == self.id
            && packet.flags().contains(DnsFlags::RESPONSE)
            && packet.opcode() == DnsOpcode::Query
            && packet.question_count() == 1;
        if !is_ours {
            return None;
        }
        let (mut rest, asked) = DnsQuestion::parse(packet.payload()).ok()?;
        if asked.type_ != self.family.query() || labels(&packet, asked.name)? != self.labels {
            return None;
        }
        match packet.rcode() {
            DnsRcode::NoError => {}
            DnsRcode::NXDomain => return Some(Answer::Unknown),
            DnsRcode::ServFail => return Some(Answer::Failed("it failed")),
            DnsRcode::Refused => return Some(Answer::Failed("it refuses to answer us")),
            _ => return Some(Answer::Failed("it does not understand the question")),
        }
        if packet.flags().contains(DnsFlags::TRUNCATED) {
            return Some(Answer::Truncated);
        }
        let (mut addresses, mut aliases) = (Vec::new(), Vec::new());
        for _ in 0..usize::from(packet.answer_record_count()).min(RECORDS) {
            let (after, record) = DnsRecord::parse(rest).ok()?;
            rest = after;
            let owner = labels(&packet, record.name)?;
            match record.data {
                DnsRecordData::A(ip) => addresses.push((owner, IpAddr::V4(ip))),
                DnsRecordData::Aaaa(ip) => addresses.push((owner, IpAddr::V6(ip))),
                DnsRecordData::Cname(target) => aliases.push((owner, labels(&packet, target)?)),
                DnsRecordData::Other(..) => {}
            }
        }
        Some(Answer::Addresses(self.follow(addresses, &aliases)))
    }

    /// The addresses of the name that was asked for, or of the one that it is an alias of.
    fn follow(&self, addresses: Vec<(Name, IpAddr)>, aliases: &[(Name, Name)]) -> Vec<IpAddr> {
        let mut name = &self.labels;
        for _ in 0..ALIASES {
            match aliases.iter().find(|(alias, _)| alias == name) {
                Some((_, target)) => name = target,
                None => break,
            }
        }
        let is_v4 = self.family == Family::V4;
        let wanted = addresses
            .iter()
            .filter(|(owner, ip)| owner == name && ip.is_ipv4() == is_v4);
        let mut found: Vec<IpAddr> = Vec::new();
        for (_, ip) in wanted {
            if !found.contains(ip) {
                found.push(*ip);
            }
        }
        found
    }
}

type Name = Vec<Vec<u8>>;

/// A name of a message, in small letters; `None` when it is none, or too long.
fn labels(packet: &DnsPacket<&[u8]>, name: &[u8]) -> Option<Name> {
    let (mut found, mut length) = (Vec::new(), 0);
    for label in packet.parse_name(name) {
        let label = label.ok()?;
        length += label.len() + 1;
        if length > 255 {
            return None;
        }
        found.push(label.to_ascii_lowercase());
    }
    Some(found)
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
