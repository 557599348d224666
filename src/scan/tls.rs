//! The certificate that a port shows. Nothing is believed and nothing verified: it is looked at.
//!
//! The only user of `openssl`, which is in the binary for the sake of libssh2.

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::ssl::{HandshakeError, Ssl, SslContext, SslMethod, SslVerifyMode};
use openssl::x509::{X509, X509NameRef};

use super::look::Line;

/// Most names kept of a certificate.
const NAMES: usize = 100;

/// What a port's certificate says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// The protocol that was agreed on: `TLSv1.3`; `None` when the greeting failed afterwards.
    pub version: Option<String>,
    /// The subject's common name.
    pub subject: Option<String>,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// The common name, or else the organization, of who signed it.
    pub issuer: Option<String>,
    /// Seconds since 1970 at which it ends.
    pub not_after: Option<i64>,
}

/// Greets, and looks at the certificate; `None` when that is no TLS. `host` is the name that the
/// server is told.
pub(super) fn certificate(line: Line, host: &str) -> Option<Tls> {
    match greeting(host).ok()?.connect(line) {
        Ok(stream) => {
            let version = stream.ssl().version_str().to_owned();
            let known = stream.ssl().peer_certificate().map(|c| told(&c));
            Some(Tls {
                version: Some(version),
                ..known.unwrap_or_default()
            })
        }
        // A server that wants our certificate has shown its own by then.
        Err(HandshakeError::Failure(stream) | HandshakeError::WouldBlock(stream)) => {
            stream.ssl().peer_certificate().map(|c| told(&c))
        }
        Err(HandshakeError::SetupFailure(_)) => None,
    }
}

fn greeting(host: &str) -> Result<Ssl, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    // It is looked at, not trusted; and old servers are to be found, too.
    context.set_verify(SslVerifyMode::NONE);
    context.set_cipher_list("ALL:@SECLEVEL=0")?;
    let mut ssl = Ssl::new(&context.build())?;
    let is_name = host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[');
    if is_name {
        ssl.set_hostname(host)?;
    }
    Ok(ssl)
}

fn told(certificate: &X509) -> Tls {
    let names = certificate.subject_alt_names();
    let names = names.iter().flatten().filter_map(|name| {
        let address = || match name.ipaddress()? {
            bytes if bytes.len() == 4 => Some(
                <[u8; 4]>::try_from(bytes)
                    .map(std::net::IpAddr::from)
                    .ok()?
                    .to_string(),
            ),
            bytes => Some(
                <[u8; 16]>::try_from(bytes)
                    .map(std::net::IpAddr::from)
                    .ok()?
                    .to_string(),
            ),
        };
        name.dnsname().map(str::to_owned).or_else(address)
    });
    let issuer = certificate.issuer_name();
    Tls {
        version: None,
        subject: entry(certificate.subject_name(), Nid::COMMONNAME),
        names: names.take(NAMES).collect(),
        issuer: entry(issuer, Nid::COMMONNAME).or_else(|| entry(issuer, Nid::ORGANIZATIONNAME)),
        not_after: seconds(certificate.not_after()),
    }
}

fn entry(name: &X509NameRef, which: Nid) -> Option<String> {
    let data = name.entries_by_nid(which).next()?.data();
    // Of whatever type: BMPString and the like are not UTF-8.
    let text = data.to_string().ok();
    text.or_else(|| Some(String::from_utf8_lossy(data.as_slice()).into_owned()))
}

/// Since 1970.
fn seconds(time: &Asn1TimeRef) -> Option<i64> {
    let begin = Asn1Time::from_unix(0).ok()?;
    let span = begin.diff(time).ok()?;
    Some(i64::from(span.days) * 86_400 + i64::from(span.secs))
}
