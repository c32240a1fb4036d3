//! A vCard as its lines (RFC 6350 and 2426, section "content lines"): whatever is not changed stays as it was, to the
//! byte. What lines mean is `map`'s business.

use chrono::{DateTime, Utc};

/// The longest line on the wire, in bytes, without its end.
const FOLD: usize = 75;

/// A card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    lines: Vec<Line>,
    /// How lines end.
    end: &'static str,
}

/// One property, or anything else that stands on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// As it came, folded; none once it was changed.
    raw: Option<String>,
    /// What stands before the colon, unfolded: group, name, parameters.
    head: String,
    /// What stands behind it, unfolded and still escaped.
    value: String,
}

impl Card {
    /// The lines of a text. Any text has some; whether it is a card, `is_card` says.
    pub(super) fn parse(text: &str) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        for raw in text.split_inclusive('\n') {
            let plain = raw.trim_end_matches(['\r', '\n']);
            match (plain.strip_prefix([' ', '\t']), lines.last_mut()) {
                (Some(more), Some(line)) => line.go_on(more, raw),
                _ => lines.push(Line::parse(plain, raw)),
            }
        }
        let end = if text.contains("\r\n") || !text.contains('\n') {
            "\r\n"
        } else {
            "\n"
        };
        Self { lines, end }
    }

    /// A card with nothing but an id and when it was made: without that, DAViCal adds its own, and writes the whole card
    /// anew in a way that loses what escapes a semicolon.
    pub(super) fn new(uid: &str, made_at: DateTime<Utc>) -> Self {
        let made_at = made_at.format("%Y%m%dT%H%M%SZ");
        let text =
            format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nREV:{made_at}\r\nEND:VCARD\r\n");
        Self::parse(&text)
    }

    /// Whether it is one whole card: servers keep, and give, other things too.
    pub(super) fn is_card(&self) -> bool {
        let marks = |name: &str| {
            let all = self.lines.iter().filter(|line| line.is(name));
            all.filter(|line| line.value.trim().eq_ignore_ascii_case("VCARD"))
                .count()
        };
        let first = self.lines.first().is_some_and(|line| line.is("BEGIN"));
        first && marks("BEGIN") == 1 && marks("END") == 1
    }

    /// Whether it is of version 4.
    pub(super) fn is_v4(&self) -> bool {
        self.first("VERSION")
            .is_some_and(|line| line.value.trim() == "4.0")
    }

    /// The first line of a name.
    pub(super) fn first(&self, name: &str) -> Option<&Line> {
        self.all(name)
            .first()
            .and_then(|index| self.lines.get(*index))
    }

    /// Where the lines of a name are, preferred ones first.
    pub(super) fn all(&self, name: &str) -> Vec<usize> {
        let lines = self.lines.iter().enumerate();
        let mut found: Vec<(u32, usize)> = lines
            .filter(|(_, line)| line.is(name))
            .map(|(index, line)| (line.preference(), index))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, index)| index).collect()
    }

    /// A line.
    pub(super) fn line(&self, index: usize) -> Option<&Line> {
        self.lines.get(index)
    }

    /// A line, to be changed.
    pub(super) fn line_mut(&mut self, index: usize) -> Option<&mut Line> {
        self.lines.get_mut(index)
    }

    /// Adds a line at the end of the card, and says where it is.
    pub(super) fn add(&mut self, head: &str, value: String) -> usize {
        let place = self
            .lines
            .iter()
            .rposition(|line| line.is("END"))
            .unwrap_or(self.lines.len());
        let line = Line {
            raw: None,
            head: head.to_owned(),
            value,
        };
        self.lines.insert(place, line);
        place
    }

    /// Takes lines away, and with each the lines that stand in its group and have no meaning without it. Says which.
    pub(super) fn remove(&mut self, places: &[usize]) -> Vec<usize> {
        let groups = places
            .iter()
            .filter_map(|index| self.lines.get(*index)?.group());
        let groups: Vec<String> = groups.collect();
        let belongs = |line: &Line| {
            let is_extra = line.name().to_ascii_uppercase().starts_with("X-");
            is_extra && line.group().is_some_and(|group| groups.contains(&group))
        };
        let lines = self.lines.iter().enumerate();
        let gone = lines.filter(|(index, line)| places.contains(index) || belongs(line));
        let gone: Vec<usize> = gone.map(|(index, _)| index).collect();
        for index in gone.iter().rev() {
            self.lines.remove(*index);
        }
        gone
    }

    /// The text of the card.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            match &line.raw {
                Some(raw) => text.push_str(raw),
                None => fold(&mut text, &line.head, &line.value, self.end),
            }
        }
        text
    }
}

impl Line {
    fn parse(plain: &str, raw: &str) -> Self {
        let mut line = Self {
            raw: Some(raw.to_owned()),
            head: plain.to_owned(),
            value: String::new(),
        };
        line.part();
        line
    }

    /// Takes on what was folded.
    fn go_on(&mut self, more: &str, raw: &str) {
        if self.has_colon() {
            self.value.push_str(more);
        } else {
            self.head.push_str(more);
            self.part();
        }
        if let Some(whole) = &mut self.raw {
            whole.push_str(raw);
        }
    }

    /// Parts head and value at the first colon that is in no quotes.
    fn part(&mut self) {
        let mut quoted = false;
        let colon = self.head.find(|one| {
            quoted ^= one == '"';
            one == ':' && !quoted
        });
        if let Some(colon) = colon {
            self.value = self.head.split_off(colon + 1);
            self.head.truncate(colon + 1);
        }
    }

    fn has_colon(&self) -> bool {
        self.head.ends_with(':')
    }

    /// Group, name and parameters, without the colon, each as it stands.
    fn parts(&self) -> Vec<&str> {
        split(self.head.trim_end_matches(':'), ';', Some('"'))
    }

    /// The group before the name, in lower case.
    fn group(&self) -> Option<String> {
        let parts = self.parts();
        let (group, _) = parts.first()?.rsplit_once('.')?;
        Some(group.to_ascii_lowercase())
    }

    /// The property's name, as it is spelt.
    fn name(&self) -> &str {
        let head = self.head.trim_end_matches(':');
        let name = head.split(';').next().unwrap_or_default();
        name.rsplit_once('.').map_or(name, |(_, name)| name)
    }

    /// Whether it is a property of this name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.has_colon() && self.name().eq_ignore_ascii_case(name)
    }

    /// The values of a parameter. Version 2.1 writes types without saying so.
    pub(super) fn params<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let parts = self.parts().into_iter().skip(1);
        parts.flat_map(move |part| match part.split_once('=') {
            Some((key, values)) if key.eq_ignore_ascii_case(name) => {
                let values = split(values, ',', Some('"')).into_iter();
                values
                    .flat_map(|value| value.trim_matches('"').split(','))
                    .map(str::to_owned)
                    .collect()
            }
            None if name.eq_ignore_ascii_case("TYPE") => vec![part.to_owned()],
            _ => Vec::new(),
        })
    }

    /// Whether it is of a type (`WORK`).
    pub(super) fn is_of(&self, kind: &str) -> bool {
        self.params("TYPE")
            .any(|own| own.eq_ignore_ascii_case(kind))
    }

    /// Whether the value is a text that stands there as it is meant.
    pub(super) fn is_text(&self) -> bool {
        let is_plain = |value: String| matches!(&*value.to_ascii_lowercase(), "8bit" | "7bit");
        self.params("ENCODING").all(is_plain)
    }

    /// The lower, the more preferred.
    fn preference(&self) -> u32 {
        let stated = self.params("PREF").find_map(|pref| pref.parse().ok());
        let preferred = self.is_of("pref").then_some(1);
        stated.or(preferred).unwrap_or(u32::MAX)
    }

    /// The value, still escaped.
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// The value as a text.
    pub(super) fn text(&self) -> String {
        unescaped(&self.value)
    }

    /// The parts of a value that has several, still escaped.
    pub(super) fn components(&self) -> Vec<&str> {
        split(&self.value, ';', None)
    }

    /// Puts another value in place, escaped already.
    pub(super) fn set_value(&mut self, value: String) {
        if self.value != value {
            self.value = value;
            self.raw = None;
        }
    }

    /// Takes a parameter away.
    pub(super) fn drop_param(&mut self, name: &str) {
        let keeps = |part: &&str| {
            let key = part.split('=').next().unwrap_or_default();
            !key.eq_ignore_ascii_case(name)
        };
        let parts = self.parts();
        let kept: Vec<&str> = parts.iter().copied().filter(keeps).collect();
        if kept.len() < parts.len() {
            self.head = format!("{}:", kept.join(";"));
            self.raw = None;
        }
    }

    /// Adds a parameter.
    pub(super) fn add_param(&mut self, param: &str) {
        self.head = format!("{};{param}:", self.head.trim_end_matches(':'));
        self.raw = None;
    }
}

/// Splits at a character that is neither escaped nor, where there are quotes, quoted.
fn split(text: &str, at: char, quote: Option<char>) -> Vec<&str> {
    let (mut escaped, mut quoted) = (false, false);
    let parts = text.split(move |one: char| {
        let is_end = one == at && !escaped && !quoted;
        quoted ^= quote == Some(one);
        escaped = quote.is_none() && one == '\\' && !escaped;
        is_end
    });
    parts.collect()
}

/// A text as it stands in a value.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.replace("\r\n", "\n").chars() {
        match one {
            '\\' | ';' | ',' => out.extend(['\\', one]),
            '\n' | '\r' => out.push_str("\\n"),
            one if one.is_control() => {}
            one => out.push(one),
        }
    }
    out
}

/// The text that a value stands for.
pub(super) fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(one) = letters.next() {
        match (one, letters.clone().next()) {
            ('\\', Some('n' | 'N')) => {
                out.push('\n');
                letters.next();
            }
            ('\\', Some(next @ ('\\' | ';' | ',' | ':'))) => {
                out.push(next);
                letters.next();
            }
            (one, _) => out.push(one),
        }
    }
    out
}

/// Writes a line so that no line on the wire is too long, and no character is cut.
fn fold(text: &mut String, head: &str, value: &str, end: &str) {
    let mut length = 0;
    for one in head.chars().chain(value.chars()) {
        if length + one.len_utf8() > FOLD {
            text.push_str(end);
            text.push(' ');
            length = 1;
        }
        text.push(one);
        length += one.len_utf8();
    }
    text.push_str(end);
}
