//! From bytes to text: byte-order marks and UTF-16 for a whole file, `CHARSET` for one property, Windows-1252 when
//! nothing else fits. No statistics over languages: what is neither labelled nor UTF-8 is Windows-1252, and named.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::loss::Losses;

/// How many bytes are looked at to recognise UTF-16 without a mark.
const SNIFFED_BYTES: usize = 1024;

/// The file without byte-order mark; UTF-16 becomes UTF-8. Other encodings stay as they are, for [`decode`].
///
/// # Errors
/// The encoding's name if it cannot be read at all.
pub(super) fn unwrap_file<'a>(
    bytes: &'a [u8],
    losses: &mut Losses,
) -> Result<Cow<'a, [u8]>, &'static str> {
    if bytes.starts_with(b"\xFF\xFE\0\0") || bytes.starts_with(b"\0\0\xFE\xFF") {
        return Err("UTF-32");
    }
    let (rest, encoding) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (rest, UTF_8),
        [0xFF, 0xFE, rest @ ..] => (rest, UTF_16LE),
        [0xFE, 0xFF, rest @ ..] => (rest, UTF_16BE),
        _ => (bytes, unmarked_utf16(bytes).unwrap_or(UTF_8)),
    };
    if encoding == UTF_8 {
        return Ok(Cow::Borrowed(rest));
    }
    let (text, broken) = encoding.decode_without_bom_handling(rest);
    if broken {
        let why = "some characters were cut in half and became the replacement character";
        losses.at(0).lost(encoding.name(), "", why);
    }
    Ok(Cow::Owned(text.into_owned().into_bytes()))
}

/// In UTF-16 of mostly western text every other byte is zero.
fn unmarked_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..SNIFFED_BYTES).unwrap_or(bytes);
    let zeros = |skip| {
        let each = head.iter().skip(skip).step_by(2);
        each.filter(|byte| **byte == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let many = head.len() / 5;
    match (even > many, odd > many) {
        (true, false) => Some(UTF_16BE),
        (false, true) if head.len() >= 4 => Some(UTF_16LE),
        _ => None,
    }
}

/// Decodes `bytes`. Trusts `label` if it is known and fits; else UTF-8 if valid; else Windows-1252.
/// The second result says what was guessed, if anything.
pub(super) fn decode(bytes: &[u8], label: Option<&str>) -> (String, Option<String>) {
    if bytes.is_ascii() {
        let labelled = label.and_then(find).filter(|known| stateful(known));
        if labelled.is_none() {
            return (String::from_utf8_lossy(bytes).into_owned(), None);
        }
    }
    let mut doubt = None;
    if let Some(label) = label {
        match find(label) {
            Some(encoding) => {
                let (text, broken) = encoding.decode_without_bom_handling(bytes);
                if !broken {
                    return (text.into_owned(), None);
                }
                doubt = Some(format!("it is not {label}, as it says"));
            }
            None => doubt = Some(format!("the character set {label} is not known")),
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (
            text.to_owned(),
            doubt.map(|doubt| format!("{doubt}; read as UTF-8")),
        );
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    let doubt = doubt.unwrap_or_else(|| "it is not UTF-8".to_owned());
    (
        text.into_owned(),
        Some(format!("{doubt}; read as Windows-1252")),
    )
}

/// Encodings that write other than ASCII with ASCII bytes alone.
fn stateful(encoding: &'static Encoding) -> bool {
    !encoding.is_ascii_compatible()
}

/// The names of the web's encoding list, and a few that phones and mail programs write instead.
fn find(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().trim_matches('"');
    let known = match label.to_ascii_lowercase().as_str() {
        "cp932" | "ms932" => "shift_jis",
        "cp936" => "gbk",
        "cp949" => "euc-kr",
        "cp950" => "big5",
        "ansi" | "cp-1252" => "windows-1252",
        _ => label,
    };
    Encoding::for_label_no_replacement(known.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], label: Option<&str>, expect: &str, guessed: bool) {
        let (text, doubt) = decode(bytes, label);
        assert_eq!((text.as_str(), doubt.is_some()), (expect, guessed));
    }

    #[test]
    fn labels_are_trusted_until_they_do_not_fit() {
        check(b"plain", None, "plain", false);
        check("Jörg".as_bytes(), None, "Jörg", false);
        check(b"J\xF6rg", None, "Jörg", true);
        check(b"J\xF6rg", Some("iso-8859-1"), "Jörg", false);
        check(b"\x80 5", Some("Windows-1252"), "€ 5", false);
        check(b"J\xF6rg", Some("UTF-8"), "Jörg", true);
        check("Jörg".as_bytes(), Some("KLINGON"), "Jörg", true);
        check(b"\x93\xFA\x96{", Some("CP932"), "日本", false);
        check(b"\x1B$BF|K\\\x1B(B", Some("ISO-2022-JP"), "日本", false);
    }

    #[test]
    fn utf16_is_found_with_and_without_mark() {
        let text = "First Name,Notes\r\nJörg,x\r\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = [b"\xFF\xFE".as_slice(), &le].concat();
        for bytes in [le, be, marked, text.as_bytes().to_vec()] {
            let plain = unwrap_file(&bytes, &mut Losses::default()).expect("readable");
            assert_eq!(plain.as_ref(), text.as_bytes());
        }
    }
}
