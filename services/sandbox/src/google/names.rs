//! What Google computes from what people type: display names, name parts, canonical phones, formatted addresses.
//! Not a phone library: a number is canonical only when it is written internationally.

use serde_json::{Map, Value};

const PREFIXES: &[&str] = &["dr", "prof", "mr", "mrs", "ms", "sir"];
const SUFFIXES: &[&str] = &["jr", "sr", "ii", "iii", "iv", "phd", "md"];
const PARTICLES: &[&str] = &[
    "van", "von", "de", "der", "den", "da", "dos", "la", "le", "ter", "ten", "del", "di",
];

/// Completes a name: parts from `unstructuredName` when only that was given, then the display forms.
pub fn complete(name: &mut Map<String, Value>) {
    const PARTS: [&str; 5] = [
        "honorificPrefix",
        "givenName",
        "middleName",
        "familyName",
        "honorificSuffix",
    ];
    let text = |name: &Map<String, Value>, key: &str| {
        name.get(key)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    if PARTS.iter().all(|p| text(name, p).is_empty()) {
        for (part, value) in PARTS.iter().zip(split(&text(name, "unstructuredName"))) {
            if !value.is_empty() {
                name.insert((*part).to_owned(), value.into());
            }
        }
    }
    let [prefix, given, middle, family, suffix] = PARTS.map(|p| text(name, p));
    let display = join(&[&prefix, &given, &middle, &family, &suffix]);
    if display.is_empty() {
        return;
    }
    let first = join(&[&given, &middle]);
    let last_first = match (family.is_empty(), first.is_empty()) {
        (false, false) => format!("{family}, {first}"),
        _ => join(&[&family, &first]),
    };
    name.insert(
        "displayNameLastFirst".into(),
        join(&[&prefix, &last_first, &suffix]).into(),
    );
    name.insert("unstructuredName".into(), display.clone().into());
    name.insert("displayName".into(), display.into());
}

fn join(parts: &[&str]) -> String {
    parts
        .iter()
        .filter(|p| !p.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Prefix, given, middle, family, suffix of a name as typed.
fn split(full: &str) -> [String; 5] {
    let is = |word: &str, list: &[&str]| {
        list.contains(&word.trim_end_matches('.').to_lowercase().as_str())
    };
    if let Some((family, rest)) = full.split_once(',') {
        let rest = rest.trim();
        if is(rest, SUFFIXES) {
            let [prefix, given, middle, family, _] = split(family);
            return [prefix, given, middle, family, rest.to_owned()];
        }
        let [prefix, given, middle, more, suffix] = split(rest);
        return [
            prefix,
            given,
            join(&[&middle, &more]),
            family.trim().to_owned(),
            suffix,
        ];
    }
    let mut words: Vec<&str> = full.split_whitespace().collect();
    let prefix = if words.len() > 1 && words.first().is_some_and(|w| is(w, PREFIXES)) {
        words.remove(0)
    } else {
        ""
    };
    let suffix = if words.len() > 2 && words.last().is_some_and(|w| is(w, SUFFIXES)) {
        words.pop().unwrap_or("")
    } else {
        ""
    };
    let given = if words.is_empty() {
        ""
    } else {
        words.remove(0)
    };
    let mut family: Vec<&str> = words.pop().into_iter().collect();
    while let Some(word) = words.pop_if(|w| is(w, PARTICLES)) {
        family.insert(0, word);
    }
    [
        prefix.to_owned(),
        given.to_owned(),
        words.join(" "),
        family.join(" "),
        suffix.to_owned(),
    ]
}

/// E.164, when the number is written with its country code.
pub fn canonical_phone(typed: &str) -> Option<String> {
    let rest = typed.trim().strip_prefix('+')?;
    let plain = rest
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}'));
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    (plain && (8..=15).contains(&digits.len()) && !digits.starts_with('0'))
        .then(|| format!("+{digits}"))
}

/// An address in lines, as Google builds it from its parts.
pub fn format_address(item: &Map<String, Value>) -> String {
    let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or("");
    let region = join(&[text("region"), text("postalCode")]);
    let place = [text("city"), region.as_str()]
        .iter()
        .filter(|p| !p.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    let country = if text("country").is_empty() {
        text("countryCode")
    } else {
        text("country")
    };
    [
        text("poBox"),
        text("streetAddress"),
        text("extendedAddress"),
        place.as_str(),
        country,
    ]
    .iter()
    .filter(|p| !p.is_empty())
    .copied()
    .collect::<Vec<_>>()
    .join("\n")
}

/// `workFax` as `Work Fax`; other types echoed.
pub fn formatted_type(kind: &str) -> String {
    const KNOWN: &[&str] = &[
        "home",
        "work",
        "other",
        "mobile",
        "homeFax",
        "workFax",
        "otherFax",
        "pager",
        "workMobile",
        "workPager",
        "main",
        "blog",
        "profile",
        "homePage",
        "ftp",
        "anniversary",
        "spouse",
        "child",
        "mother",
        "father",
        "parent",
        "brother",
        "sister",
        "friend",
        "relative",
        "manager",
        "assistant",
        "partner",
        "account",
        "customer",
        "network",
        "organization",
        "school",
    ];
    if !KNOWN.contains(&kind) {
        return kind.to_owned();
    }
    let mut words = String::new();
    for c in kind.chars() {
        if c.is_uppercase() {
            words.push(' ');
        }
        words.push(c);
    }
    capitalised(&words)
}

/// With a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_one_line() {
        let check = |full: &str, expect: [&str; 5]| {
            assert_eq!(split(full), expect.map(str::to_owned), "{full}");
        };
        check("Ada Lovelace", ["", "Ada", "", "Lovelace", ""]);
        check("Prince", ["", "Prince", "", "", ""]);
        check(
            "Dr. Ada M. Lovelace Jr.",
            ["Dr.", "Ada", "M.", "Lovelace", "Jr."],
        );
        check(
            "Ludwig van Beethoven",
            ["", "Ludwig", "", "van Beethoven", ""],
        );
        check("Lovelace, Ada", ["", "Ada", "", "Lovelace", ""]);
        check("Sammy Davis, Jr.", ["", "Sammy", "", "Davis", "Jr."]);
        check("", ["", "", "", "", ""]);
    }

    #[test]
    fn display_names() {
        let check = |sent: Value, display: &str, last_first: &str| {
            let mut name = sent.as_object().unwrap().clone();
            complete(&mut name);
            let text = |k: &str| name.get(k).and_then(Value::as_str).unwrap_or("").to_owned();
            assert_eq!(
                (text("displayName"), text("displayNameLastFirst")),
                (display.to_owned(), last_first.to_owned())
            );
        };
        check(
            serde_json::json!({"givenName": "Daniele", "familyName": "Buono"}),
            "Daniele Buono",
            "Buono, Daniele",
        );
        check(
            serde_json::json!({"givenName": "Prince"}),
            "Prince",
            "Prince",
        );
        check(
            serde_json::json!({"unstructuredName": "Ada Lovelace", "givenName": "Eva"}),
            "Eva",
            "Eva",
        );
        check(serde_json::json!({"phoneticGivenName": "x"}), "", "");
    }

    #[test]
    fn phones() {
        let check = |typed: &str, expect: Option<&str>| {
            assert_eq!(canonical_phone(typed).as_deref(), expect, "{typed}");
        };
        check("+49 (30) 2312-5000", Some("+493023125000"));
        check("030 23125", None);
        check("+1 512 555 0100 ext. 3", None);
        check("+12", None);
    }
}
