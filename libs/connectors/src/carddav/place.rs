//! Addresses on a server: hrefs come back in other spellings than they went out, and are the same all the same. Pure.

use sha2::{Digest, Sha256};
use url::Url;

/// The spelling of an href that we know a resource by: its path, with nothing percent-encoded but what must be.
pub(super) fn normal(href: &str, base: &Url) -> Option<String> {
    let url = base.join(href).ok()?;
    if url.origin() != base.origin() {
        return None;
    }
    let segments = url
        .path()
        .split('/')
        .map(|segment| encoded(&decoded(segment)));
    let path: Vec<String> = segments.collect();
    Some(path.join("/"))
}

/// The collection that a resource is in.
pub(super) fn parent(path: &str) -> &str {
    let end = path.trim_end_matches('/').rfind('/');
    end.and_then(|end| path.get(..=end)).unwrap_or("/")
}

/// The last name of a path.
pub(super) fn last(path: &str) -> String {
    let last = path.trim_end_matches('/').rsplit('/').next();
    let decoded = decoded(last.unwrap_or_default());
    String::from_utf8_lossy(&decoded).into_owned()
}

/// What a new collection goes by in its path: its name, as far as every server takes that, and a number from the second
/// on. Cyrus takes few signs; of a name in other letters, a digest tells it from others.
pub(super) fn segment(name: &str, turn: u32) -> String {
    let taken = |c: char| c.is_ascii_alphanumeric() || " -_".contains(c);
    let plain: String = name
        .chars()
        .map(|c| if taken(c) { c } else { '-' })
        .collect();
    let mut plain = plain.trim().to_owned();
    if !name.is_ascii() {
        let digest = Sha256::digest(name);
        let digest = digest.iter().take(4).map(|byte| format!("{byte:02x}"));
        plain = format!("{plain}-{}", digest.collect::<String>());
    }
    if turn > 1 || plain.is_empty() {
        plain = format!("{plain}-{turn}");
    }
    encoded(plain.as_bytes())
}

fn decoded(segment: &str) -> Vec<u8> {
    let mut bytes = segment.bytes();
    let mut out = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let mut ahead = bytes.clone();
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    out
}

/// RFC 3986: the characters of a path segment that stand for themselves.
fn encoded(segment: &[u8]) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(byte) {
            out.push(char::from(*byte));
        } else {
            let hex = |digit: u8| {
                char::from_digit(digit.into(), 16)
                    .unwrap_or('0')
                    .to_ascii_uppercase()
            };
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}
