//! One logical line to one property: character set and transfer encoding are undone here, then calcard reads
//! parameters, escapes and structure. It is given text values only: its typed ones drop what does not fit.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use calcard::vcard::{
    VCardEntry, VCardParameterName, VCardParameterValue, VCardProperty, VCardValue,
};
use calcard::{Entry, Parser};

use super::super::charset;
use super::lines::{Encoding, Logical};

/// Base64 as exporters write it: with and without padding, with stray last bits.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One property of a card.
pub(super) struct Property {
    /// The file's line on which it starts.
    pub line: usize,
    /// What ties it to others (`item1`).
    pub group: Option<String>,
    /// Its name in capitals.
    pub name: String,
    /// Types, in small letters, of `TYPE=` and of 2.1's bare parameters.
    pub types: Vec<String>,
    /// Marked to be used first.
    pub preferred: bool,
    /// All other parameters.
    pub params: Vec<(String, String)>,
    /// The value's parts; one unless the property has structure.
    pub parts: Vec<String>,
    /// The value if it is not text.
    pub binary: Option<Vec<u8>>,
    /// What was guessed when reading it.
    pub doubt: Option<String>,
}

/// A line that is no property.
pub(super) struct Unreadable {
    /// Its text.
    pub text: String,
    /// The reason.
    pub why: &'static str,
}

impl Property {
    /// The value as one text.
    pub fn text(&self) -> String {
        let whole = self.parts.join(";");
        whole.trim_matches([';', ' ']).to_owned()
    }

    /// A part of a structured value, trimmed; empty if it is not there.
    pub fn part(&self, place: usize) -> String {
        let part = self.parts.get(place).map(|part| part.trim());
        part.unwrap_or_default().to_owned()
    }

    /// A parameter's value by its name in capitals.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(param, _)| param == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// An id without the scheme that some programs put before it.
pub(super) fn bare_id(id: &str) -> String {
    let id = id.trim();
    let bare = id
        .get(..9)
        .filter(|scheme| scheme.eq_ignore_ascii_case("urn:uuid:"));
    bare.map_or(id, |_| id.get(9..).unwrap_or_default())
        .to_ascii_lowercase()
}

/// Reads one line.
pub(super) fn read(line: &Logical, old: bool) -> Result<Property, Unreadable> {
    let Some((head, value)) = split_head(&line.bytes) else {
        return Err(unreadable(
            &line.bytes,
            "it is no property: there is no colon",
        ));
    };
    let (head, _) = charset::decode(head, None);
    let Some(head) = Head::read(&head) else {
        return Err(unreadable(
            &line.bytes,
            "it is no property: its name is none",
        ));
    };
    let bytes = match line.encoding {
        Encoding::Plain => value.to_vec(),
        Encoding::QuotedPrintable => unquote(value),
        Encoding::Base64 => {
            match from_base64(value) {
                Some(data) => return parse(line, &head, "", Some(data), None),
                // Some programs claim base64 and give an address.
                None if value.contains(&b':') => value.to_vec(),
                None => return Err(unreadable(&line.bytes, "its base64 cannot be decoded")),
            }
        }
    };
    let (text, doubt) = charset::decode(&bytes, head.charset.as_deref());
    let commas = old && !matches!(head.bare_name(), "CATEGORIES" | "NICKNAME");
    let quoted = line.encoding == Encoding::QuotedPrintable;
    let value = escaped(&text, commas, quoted);
    parse(line, &head, &value, None, doubt)
}

/// The bytes of a base64 text that may be broken into lines.
pub(super) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let white = |byte: &u8| byte.is_ascii_whitespace();
    let dense: Vec<u8> = text.iter().copied().filter(|byte| !white(byte)).collect();
    LENIENT.decode(&dense).ok()
}

fn unreadable(bytes: &[u8], why: &'static str) -> Unreadable {
    Unreadable {
        text: charset::decode(bytes, None).0,
        why,
    }
}

/// Splits at the first colon outside of quotation marks, or at the first at all if a mark is never closed.
fn split_head(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut quoted = false;
    let outside = line.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b':' && !quoted
    });
    let at = outside.or_else(|| line.iter().position(|byte| *byte == b':'))?;
    let (head, rest) = line.split_at(at);
    Some((head, rest.get(1..)?))
}

/// What precedes the value, without the parameters that are settled before calcard sees it.
struct Head {
    /// Group, name and remaining parameters.
    text: String,
    charset: Option<String>,
}

impl Head {
    fn read(head: &str) -> Option<Self> {
        let mut segments = split_outside_quotes(head);
        let name = segments.next()?.trim();
        let fit = |each: char| each.is_ascii_alphanumeric() || matches!(each, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(fit) || name.ends_with('.') {
            return None;
        }
        let mut read = Self {
            text: name.to_owned(),
            charset: None,
        };
        if matches!(read.bare_name(), "BEGIN" | "END") {
            return None;
        }
        for segment in segments {
            let (param, value) = segment.split_once('=').unwrap_or((segment, ""));
            let (param, bare) = (
                param.trim().to_ascii_uppercase(),
                value.trim_matches(['"', ' ']),
            );
            match param.as_str() {
                "" | "VALUE" | "ENCODING" | "QUOTED-PRINTABLE" | "BASE64" | "8BIT" | "7BIT" => {}
                "CHARSET" => read.charset = Some(bare.to_owned()),
                "TYPE" => read.text.extend([";TYPE=", bare]),
                _ => {
                    read.text.push(';');
                    read.text.push_str(segment);
                }
            }
        }
        // A mark that is never closed would hide the value.
        if read.text.matches('"').count() % 2 == 1 {
            read.text = read.text.replace('"', "");
        }
        Some(read)
    }

    fn bare_name(&self) -> &str {
        let name = self.text.split(';').next().unwrap_or_default();
        let bare = name.split_once('.').map_or(name, |(_, bare)| bare);
        // The few names that are compared with are compared in one spelling.
        ["CATEGORIES", "NICKNAME", "BEGIN", "END"]
            .into_iter()
            .find(|known| bare.eq_ignore_ascii_case(known))
            .unwrap_or(bare)
    }
}

fn split_outside_quotes(head: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    head.split(move |each| {
        quoted ^= each == '"';
        each == ';' && !quoted
    })
}

/// Undoes quoted-printable; what is no `=XX` stays as it is. A coded semicolon is text, not a separator, so it is
/// escaped unless the file did so itself; except in ISO-2022-JP, where it may be half a character.
fn unquote(value: &[u8]) -> Vec<u8> {
    let shifts = value
        .windows(3)
        .any(|code| code.eq_ignore_ascii_case(b"=1B"));
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, tail @ ..] = rest {
        let code = tail.first_chunk::<2>().filter(|_| *first == b'=');
        let byte = code
            .and_then(|code| std::str::from_utf8(code).ok())
            .filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        if let Some(byte) = byte {
            if byte == b';' && !shifts && out.last() != Some(&b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// Makes a decoded text one line whose escapes mean what the file meant: a backslash before anything but the five
/// known characters stands for itself, line ends become escapes, and with `commas` so does every comma.
fn escaped(text: &str, commas: bool, quoted: bool) -> String {
    let text = if quoted {
        text.trim_end_matches(['\r', '\n'])
    } else {
        text
    };
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(each) = chars.next() {
        match each {
            '\\' => {
                match chars.next_if(|next| matches!(next, '\\' | ';' | ',' | ':' | 'n' | 'N')) {
                    Some(next) => out.extend(['\\', next]),
                    None => out.push_str("\\\\"),
                }
            }
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push_str("\\n");
            }
            '\n' => out.push_str("\\n"),
            ',' if commas => out.push_str("\\,"),
            _ => out.push(each),
        }
    }
    out
}

fn parse(
    line: &Logical,
    head: &Head,
    value: &str,
    binary: Option<Vec<u8>>,
    doubt: Option<String>,
) -> Result<Property, Unreadable> {
    let text = format!(
        "BEGIN:VCARD\r\n{};VALUE=TEXT:{value}\r\nEND:VCARD\r\n",
        head.text
    );
    let why = "the vCard reader cannot make sense of it";
    let entry = match Parser::new(&text).entry() {
        Entry::VCard(card) => {
            let mut entries = card.entries.into_iter();
            match (entries.next(), entries.next()) {
                (Some(entry), None) => entry,
                _ => return Err(unreadable(&line.bytes, why)),
            }
        }
        _ => return Err(unreadable(&line.bytes, why)),
    };
    let mut property = Property {
        line: line.line,
        group: entry.group.as_ref().map(|group| group.to_ascii_lowercase()),
        name: entry.name.as_str().to_ascii_uppercase(),
        types: Vec::new(),
        preferred: false,
        params: Vec::new(),
        parts: Vec::new(),
        binary,
        doubt,
    };
    property.take(entry);
    Ok(property)
}

impl Property {
    fn take(&mut self, entry: VCardEntry) {
        let many = match entry.name {
            VCardProperty::Adr => ", ",
            _ => " ",
        };
        for param in entry.params {
            let null = param.value == VCardParameterValue::Null;
            let value = param.value.into_text().trim().to_owned();
            match (param.name, null) {
                (VCardParameterName::Type, _) => self.types.push(value.to_ascii_lowercase()),
                (VCardParameterName::Pref, _) => self.preferred = true,
                (VCardParameterName::Value, _) => {}
                (name, true) => self.types.push(name.as_str().to_ascii_lowercase()),
                (name, false) => self
                    .params
                    .push((name.as_str().to_ascii_uppercase(), value)),
            }
        }
        self.preferred |= self.types.iter().any(|each| each == "pref");
        self.parts = entry
            .values
            .into_iter()
            .map(|value| match value {
                VCardValue::Component(list) => list
                    .iter()
                    .map(|each| each.trim())
                    .filter(|each| !each.is_empty())
                    .collect::<Vec<_>>()
                    .join(many),
                other => other.into_text().unwrap_or_default().into_owned(),
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;
    use crate::import::Losses;

    fn check(line: &[u8], old: bool, expect: &str) {
        let file = [b"BEGIN:VCARD\n".as_slice(), line, b"\nEND:VCARD\n"].concat();
        let mut cards = lines::cards(&file, &mut Losses::default());
        let logical = cards.remove(0).lines.remove(0);
        let got = match read(&logical, old) {
            Ok(property) => format!(
                "{}{}{:?}{}",
                property.name,
                property
                    .group
                    .map(|group| format!("@{group}"))
                    .unwrap_or_default(),
                property.parts,
                property.types.join(",")
            ),
            Err(unreadable) => format!("! {}", unreadable.text),
        };
        assert_eq!(got, expect, "{}", String::from_utf8_lossy(line));
    }

    #[test]
    fn values_are_read_as_their_version_wants() {
        check(b"N:Lee;Ann;;;", false, r#"N["Lee", "Ann", "", "", ""]"#);
        check(
            b"N:de la Vega,Ruiz;Ann",
            false,
            r#"N["de la Vega Ruiz", "Ann"]"#,
        );
        check(b"ORG:A, B & Co;Sales", true, r#"ORG["A, B & Co", "Sales"]"#);
        check(
            b"ADR:;;5 High St, Flat 2;York",
            false,
            r#"ADR["", "", "5 High St, Flat 2", "York"]"#,
        );
        check(
            b"NOTE:a\\, b\\nc\\;d: e,f;g",
            false,
            r#"NOTE["a, b\nc;d: e,f;g"]"#,
        );
        check(b"NOTE:C:\\reports\\x", false, r#"NOTE["C:\\reports\\x"]"#);
        check(
            b"item1.EMAIL;type=INTERNET;type=pref:a@b.c",
            false,
            r#"EMAIL@item1["a@b.c"]internet,pref"#,
        );
        check(b"TEL;CELL;PREF:+1", true, r#"TEL["+1"]cell"#);
        check(
            b"TEL;TYPE=\"work,voice\":+1",
            false,
            r#"TEL["+1"]work,voice"#,
        );
        check(b"CATEGORIES:a,b\\,c", false, r#"CATEGORIES["a", "b,c"]"#);
        check(
            b"BDAY;VALUE=date:1985-03-14",
            false,
            r#"BDAY["1985-03-14"]"#,
        );
        check(b"X-FOO.BAR:x;y", false, r#"BAR@x-foo["x;y"]"#);
    }

    #[test]
    fn bytes_are_decoded_property_by_property() {
        check(
            b"N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=4D=C3=BC=3B;J=\n=C3=B6",
            true,
            r#"N["M\u{fc}"#.replace("\\u{fc}", "ü;\", \"Jö\"]").as_str(),
        );
        check(
            b"FN;ENCODING=QUOTED-PRINTABLE;CHARSET=iso-8859-1:J=F6rg",
            true,
            r#"FN["Jörg"]"#,
        );
        check(b"FN;QUOTED-PRINTABLE:J=C3=B6rg", true, r#"FN["Jörg"]"#);
        check(
            b"NOTE;ENCODING=QUOTED-PRINTABLE:a=0D=0Ab=3D=zz",
            true,
            r#"NOTE["a\nb==zz"]"#,
        );
        check(b"FN;CHARSET=windows-1252:Caf\xE9", true, r#"FN["Café"]"#);
    }

    #[test]
    fn lines_that_are_no_property_are_returned_whole() {
        check(b"no property here", false, "! no property here");
        check(b"\xE4\xF6:x", false, "! äö:x");
        check(b":x", false, "! :x");
        check(b"BEGIN;A=B:VCALENDAR", false, "! BEGIN;A=B:VCALENDAR");
        check(b"PHOTO;ENCODING=b:&&&", false, "! PHOTO;ENCODING=b:&&&");
    }
}
