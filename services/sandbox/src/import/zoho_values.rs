//! What Zoho CRM takes as a value: phone characters, e-mail shape, lengths; and which field a phone label means.
//! Only rules about single values; which value goes where is [`super::zoho`].

/// The longest e-mail address, in characters.
const MAX_EMAIL_CHARS: usize = 100;
/// The longest phone number, in characters.
const MAX_PHONE_CHARS: usize = 30;

/// Whether every word of `text` is found in one of the others, whatever the order.
pub(super) fn covers(others: &[String], text: &str) -> bool {
    let lower: Vec<String> = others.iter().map(|other| other.to_lowercase()).collect();
    let text = text.to_lowercase();
    text.split(|each: char| each.is_whitespace() || each == ',')
        .all(|word| lower.iter().any(|other| other.contains(word)))
}

/// Splits after `limit` characters.
pub(super) fn cut(text: &str, limit: usize) -> (&str, &str) {
    let at = text
        .char_indices()
        .nth(limit)
        .map_or(text.len(), |(at, _)| at);
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// The field of a phone label, and whether it is a fax.
pub(super) fn phone_field(label: &str) -> (&'static str, bool) {
    match label {
        "mobile" | "workMobile" => ("Mobile", false),
        "work" | "main" | "" => ("Phone", false),
        "home" => ("Home_Phone", false),
        "assistant" => ("Asst_Phone", false),
        "workFax" | "homeFax" | "otherFax" => ("Fax", true),
        _ => ("Other_Phone", false),
    }
}

/// The number in the characters that Zoho takes; `None` if something would be lost by that, or it is too long.
pub(super) fn phone_number(value: &str) -> Option<String> {
    let value = value.to_lowercase();
    // An extension is written many ways; Zoho's character for it is the semicolon.
    let value = ["extension", "ext.", "ext", "x", "#", ","]
        .iter()
        .fold(value, |value, word| value.replace(word, ";"));
    let mut number = String::new();
    for each in value.chars() {
        match each {
            '0'..='9' | '+' | '-' | '(' | ')' | '.' | ';' => number.push(each),
            '/' | '\u{2010}'..='\u{2015}' => number.push('-'),
            // Marks of direction and joining that phones put around numbers.
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => {}
            _ if each.is_whitespace() => number.push(' '),
            _ => return None,
        }
    }
    let number = number.trim().to_owned();
    let fits = number.len() <= MAX_PHONE_CHARS && number.bytes().any(|byte| byte.is_ascii_digit());
    fits.then_some(number)
}

pub(super) fn is_email(value: &str) -> bool {
    let shape = value.rsplit_once('@').is_some_and(|(local, domain)| {
        let dotted = domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
        !local.is_empty() && !local.contains('@') && dotted
    });
    let odd = |each: char| {
        each.is_whitespace() || each.is_control() || matches!(each, '<' | '>' | ',' | ';')
    };
    shape && value.chars().count() <= MAX_EMAIL_CHARS && !value.contains(odd)
}

/// The name in `https://twitter.com/name` or `@name`.
pub(super) fn handle(value: &str) -> String {
    let value = value.trim().trim_end_matches('/');
    let last = if value.contains("://") {
        value.rsplit('/').next()
    } else {
        Some(value)
    };
    last.unwrap_or_default().trim_start_matches('@').to_owned()
}
