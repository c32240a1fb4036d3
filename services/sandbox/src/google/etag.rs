//! Resource ids and etags with Google's shapes (providers/google.md 2.4).
//!
//! A person's etag wraps the field mask, the sources and the contact source's etag, so it differs from mask to mask
//! while the source etag inside tells whether anything changed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::core::ids::mix;

/// `people/c<decimal>`.
pub fn resource_name(id: u64) -> String {
    format!("people/c{id}")
}

/// The number in `people/c<decimal>` or `c<decimal>`.
pub fn parse_resource_name(name: &str) -> Option<u64> {
    name.strip_prefix("people/")
        .unwrap_or(name)
        .strip_prefix('c')?
        .parse()
        .ok()
}

/// The CONTACT source id: the same number in hexadecimal.
pub fn source_id(id: u64) -> String {
    format!("{id:x}")
}

/// The CONTACT source's etag without its `#`: twelve characters that change with every version.
pub fn source_etag(id: u64, version: u64) -> String {
    STANDARD.encode(mix(id ^ mix(version)).to_be_bytes())
}

/// The person's etag for a mask.
pub fn person_etag(mask: &[u8], sources: &[u8], source_etag: &str) -> String {
    let mut message = Vec::with_capacity(mask.len() + sources.len() + source_etag.len() + 6);
    let numbers: Vec<u8> = mask.iter().map(|m| m + 1).collect();
    for (tag, bytes) in [
        (0x12, numbers.as_slice()),
        (0x1a, sources),
        (0x22, source_etag.as_bytes()),
    ] {
        message.push(tag);
        message.push(bytes.len() as u8);
        message.extend_from_slice(bytes);
    }
    format!("%{}", STANDARD.encode(message))
}

/// The source etag inside a person's etag.
pub fn unwrap_person_etag(etag: &str) -> Option<String> {
    let message = STANDARD.decode(etag.strip_prefix('%')?).ok()?;
    let mut rest = message.as_slice();
    while let [tag, len, tail @ ..] = rest {
        let (bytes, next) = tail.split_at_checked(usize::from(*len))?;
        if *tag == 0x22 {
            return String::from_utf8(bytes.to_vec()).ok();
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_one_number_in_two_spellings() {
        let id = parse_resource_name("people/c5922538989753549478").unwrap();
        assert_eq!(
            (source_id(id).as_str(), resource_name(id).as_str()),
            ("523115d50ca942a6", "people/c5922538989753549478")
        );
        assert_eq!(parse_resource_name("people/117"), None);
    }

    #[test]
    fn a_person_etag_carries_the_source_etag() {
        let etag = source_etag(7, 1);
        assert_eq!(etag.len(), 12);
        assert_ne!(etag, source_etag(7, 2));
        let (few, many) = (
            person_etag(&[1], &[2], &etag),
            person_etag(&[1, 2, 9], &[2], &etag),
        );
        assert_ne!(few, many);
        assert_eq!(unwrap_person_etag(&few), unwrap_person_etag(&many));
        assert_eq!(unwrap_person_etag(&many), Some(etag));
        assert_eq!(
            unwrap_person_etag("%EgcBAgkuNz0+GgQBAgUHIgxkSjRzVHNaMVhMRT0=").as_deref(),
            Some("dJ4sTsZ1XLE=")
        );
        assert_eq!(unwrap_person_etag("#bUk81Tdzxtc="), None);
        assert_eq!(unwrap_person_etag("%AAAA"), None);
    }
}
