//! Normal forms: two values are *equal* when their normal forms are, so that a provider's reformatting is no change.
//!
//! A stored value is never rewritten just to normalise it; nothing here is ever written anywhere.

use syncline_model::{Address, Cardinality, Kind, Value};
use unicode_normalization::UnicodeNormalization;

/// Whether two values of a kind are equal in normal form.
pub fn equal(kind: Kind, cardinality: Cardinality, left: &Value, right: &Value) -> bool {
    // Nearly every comparison is of two identical values: no normal form is needed for those.
    left == right || normal(kind, cardinality, left) == normal(kind, cardinality, right)
}

/// Whether a value of a kind is blank: nothing that could overwrite something. `false` is not blank, but for an opt-out: not
/// to have opted out is nothing that could undo one.
pub fn is_blank(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Bool => false,
        Kind::OptOut => normal_one(kind, value) == Value::Bool(false),
        _ => value.is_empty(),
    }
}

/// The normal form of a value.
pub fn normal(kind: Kind, cardinality: Cardinality, value: &Value) -> Value {
    if cardinality == Cardinality::Many {
        let items: &[Value] = match value {
            Value::List(items) => items,
            Value::Empty => &[],
            one => std::slice::from_ref(one),
        };
        let mut items: Vec<Value> = items
            .iter()
            .map(|item| normal_one(kind, item))
            .filter(|item| !item.is_empty())
            .collect();
        items.sort();
        items.dedup();
        return if items.is_empty() {
            Value::Empty
        } else {
            Value::List(items)
        };
    }
    normal_one(kind, value)
}

fn normal_one(kind: Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Bool | Kind::OptOut, value) if value.is_empty() => Value::Bool(false),
        (Kind::Bool | Kind::OptOut, Value::Text(text)) => {
            match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Value::Bool(true),
                "false" | "no" | "0" | "" => Value::Bool(false),
                other => Value::text(other),
            }
        }
        (Kind::Date, Value::Text(text)) => text
            .trim()
            .parse()
            .map_or_else(|()| Value::text(one_line(text)), Value::Date),
        (Kind::Number, Value::Text(text) | Value::Number(text)) => number(text),
        (_, Value::Text(text)) => Value::text(match kind {
            Kind::Email => email(text),
            Kind::Phone => phone(text),
            Kind::Url => url(text),
            Kind::LongText => many_lines(text),
            _ => one_line(text),
        }),
        (_, Value::Time(time)) => Value::Number(time.timestamp().to_string()),
        (_, Value::Address(address)) => {
            if address.is_empty() {
                Value::Empty
            } else {
                Value::Address(Address {
                    street: one_line(&address.street),
                    city: one_line(&address.city),
                    region: one_line(&address.region),
                    postal_code: one_line(&address.postal_code),
                    country: one_line(&address.country),
                })
            }
        }
        (_, other) if other.is_empty() => Value::Empty,
        (_, other) => other.clone(),
    }
}

/// NFC, trimmed, runs of white space as one space. An address's street may be broken into lines by one provider
/// and joined by another: that too is no change.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.nfc());
    }
    out
}

/// NFC, line ends as `\n`, no white space at the end of a line, trimmed.
fn many_lines(text: &str) -> String {
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = unix.lines().map(str::trim_end).collect();
    lines.join("\n").trim().nfc().collect()
}

/// Trimmed, without `mailto:` and angle brackets, lower-case, the domain in ASCII without its final dot.
fn email(text: &str) -> String {
    let mut text = text.trim();
    if let (Some(open), true) = (text.rfind('<'), text.ends_with('>')) {
        text = text.get(open + 1..text.len() - 1).unwrap_or(text);
    }
    let text = text
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
        .map_or(text, |scheme| text.get(scheme.len()..).unwrap_or(""))
        .trim();
    match text.rsplit_once('@') {
        Some((local, domain)) => {
            let domain = domain.trim_end_matches('.');
            let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase());
            let local: String = local.nfc().collect();
            format!("{}@{domain}", local.to_lowercase())
        }
        None => text.to_lowercase(),
    }
}

/// The digits of E.164 (and `;ext=`) when the number is international and well-formed, else its digits alone. The plus
/// sign does not count: providers drop it when they reformat.
fn phone(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let international = text.starts_with('+') || text.starts_with("00");
    // No country's code begins with a zero: however many stand there, they only say that one follows.
    let number = if international {
        text.trim_start_matches(['+', '0'])
    } else {
        text
    };
    if international && let Ok(number) = phonenumber::parse(None, format!("+{number}")) {
        let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
        let e164 = e164.trim_start_matches('+');
        return match number.extension() {
            Some(extension) => format!("{e164};ext={extension}"),
            None => e164.to_owned(),
        };
    }
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let (line, extension) = number.split_once(";ext=").unwrap_or((number, ""));
    let (line, extension) = (digits(line), digits(extension));
    let form = match (line.as_str(), extension.as_str()) {
        // "call reception": not a number, but not nothing either.
        ("", "") => return one_line(text),
        (line, "") => line.to_owned(),
        (line, extension) => format!("{line};ext={extension}"),
    };
    // Signs stood between the zeros.
    if form.starts_with("00") && form != text {
        return phone(&form);
    }
    form
}

/// Scheme and host lower-case, `http` and `https` and a missing scheme alike, no final slash.
fn url(text: &str) -> String {
    let text = text.trim();
    let rest = text
        .split_once("://")
        .filter(|(scheme, _)| {
            scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
        })
        .map_or(text, |(_, rest)| rest);
    let (host, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    format!("{}{}", host.to_lowercase(), path.trim_end_matches('/'))
}

/// No plus sign, no leading or trailing zeros that say nothing.
fn number(text: &str) -> Value {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !plain || digits.matches('.').count() > 1 {
        return Value::text(one_line(text));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = fraction.trim_end_matches('0');
    let digits = if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    };
    Value::Number(if digits == "0" {
        digits
    } else {
        format!("{sign}{digits}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, left: &str, right: &str, same: bool) {
        let got = equal(
            kind,
            Cardinality::One,
            &Value::text(left),
            &Value::text(right),
        );
        assert_eq!(got, same, "{kind:?}: {left:?} and {right:?}");
    }

    #[test]
    fn reformatting_is_no_change() {
        use Kind::{Date, Email, LongText, Number, Phone, Text, Url};
        check(Email, "Ann@Example.COM", " ann@example.com. ", true);
        check(
            Email,
            "Ann Lee <ann@example.com>",
            "mailto:ann@example.com",
            true,
        );
        check(
            Email,
            "ann@bücher.example",
            "ann@xn--bcher-kva.example",
            true,
        );
        check(Email, "ann@example.com", "anne@example.com", false);
        check(Email, "a.nn@gmail.com", "ann@gmail.com", false);
        check(Phone, "+1 (650) 253-0000", "+16502530000", true);
        check(Phone, "+44 20 7946 0958", "44 20 7946 0958", true);
        check(Phone, "0049 30 901820", "+49 30 901820", true);
        check(Phone, "+0049 30 901820", "+49 30 901820", true);
        check(Phone, "0+049 30 901820", "+49 30 901820", true);
        check(Phone, "0(0)49 30 901820", "+49 30 901820", true);
        check(Phone, "+4930901820;ext=7", "4930901820;ext=7", true);
        check(Phone, "(650) 253-0000", "650.253.0000", true);
        check(Phone, "+1 650 253 0000 ext. 12", "+16502530000", false);
        check(Phone, "call reception", "call the gate", false);
        check(Text, "  Ann   Lee ", "Ann Lee", true);
        check(Text, "Zoe\u{308}", "Zo\u{eb}", true);
        check(Text, "Ann", "ann", false);
        check(LongText, "one\r\ntwo  \r\n", "one\ntwo", true);
        check(LongText, "one\ntwo", "one two", false);
        check(Url, "https://Example.com/", "example.com", true);
        check(Url, "https://example.com/A", "https://example.com/a", false);
        check(Number, "+007.500", "7.5", true);
        check(Number, "-0.0", "0", true);
        check(Number, "7.5", "75", false);
        check(Date, "2001-02-03", " 2001-02-03", true);
    }

    #[test]
    fn sets_have_no_order_and_no_doubles() {
        let left = Value::List(vec!["b".into(), "a".into(), "b ".into()]);
        let right = Value::List(vec!["a".into(), Value::Empty, "b".into()]);
        assert!(equal(Kind::Choice, Cardinality::Many, &left, &right));
        assert!(equal(
            Kind::Choice,
            Cardinality::Many,
            &Value::List(vec![]),
            &Value::Empty
        ));
    }

    #[test]
    fn an_absent_yes_or_no_is_no_and_no_is_not_blank() {
        assert!(equal(
            Kind::Bool,
            Cardinality::One,
            &Value::Empty,
            &Value::Bool(false)
        ));
        assert!(!is_blank(Kind::Bool, &Value::Bool(false)));
        assert!(is_blank(Kind::Text, &Value::text(" ")));
        for no in [Value::Empty, Value::Bool(false), "No".into()] {
            assert!(is_blank(Kind::OptOut, &no), "{no:?}");
        }
        for other in [Value::Bool(true), "yes".into(), "unsure".into()] {
            assert!(!is_blank(Kind::OptOut, &other), "{other:?}");
        }
    }
}
