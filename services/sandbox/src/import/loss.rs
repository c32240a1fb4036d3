//! Naming what did not arrive as it was, and printing that for people. The one rule of the import: a value is
//! either in the result or in a loss.

use std::collections::HashMap;
use std::fmt;

/// How much of a value is shown in a message, in characters.
const SHOWN_CHARS: usize = 60;

/// From how many like losses on one line speaks for all.
const ALIKE: usize = 3;

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// It is not in the result.
    Lost,
    /// It is in the result, elsewhere than one would look.
    Moved,
    /// It is in the result in another form.
    Changed,
    /// It is in the result, read by a guess.
    Guessed,
}

/// One thing that did not arrive as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The contact's name as [`super::ImportedContact::display`] gives it; empty if the whole file is meant.
    pub contact: String,
    /// The line of the file, from 1; 0 if no line can be given.
    pub line: usize,
    /// The property, column or field.
    pub what: String,
    /// Its value, shortened for display.
    pub value: String,
    /// The reason, and where the value went if it went anywhere.
    pub why: String,
    /// What became of it.
    pub fate: Fate,
}

/// Collects losses. [`Losses::begin`] says of which contact those that follow are.
#[derive(Debug, Clone, Default)]
pub struct Losses {
    contact: String,
    line: usize,
    list: Vec<Loss>,
}

impl Losses {
    /// Starts on another contact.
    pub fn begin(&mut self, contact: &str, line: usize) {
        contact.clone_into(&mut self.contact);
        self.line = line;
    }

    /// Says on which line the next losses are.
    pub(super) fn at(&mut self, line: usize) -> &mut Self {
        self.line = line;
        self
    }

    /// Names a value that is not in the result.
    pub fn lost(&mut self, what: &str, value: &str, why: &str) {
        self.add(Fate::Lost, what, value, why);
    }

    /// Names a value found elsewhere than one would look.
    pub fn moved(&mut self, what: &str, value: &str, why: &str) {
        self.add(Fate::Moved, what, value, why);
    }

    /// Names a value that has another form now.
    pub fn changed(&mut self, what: &str, value: &str, why: &str) {
        self.add(Fate::Changed, what, value, why);
    }

    /// Names a value that was read by a guess.
    pub fn guessed(&mut self, what: &str, value: &str, why: &str) {
        self.add(Fate::Guessed, what, value, why);
    }

    /// Everything named so far.
    pub fn list(&self) -> &[Loss] {
        &self.list
    }

    /// Ends collecting.
    pub fn into_vec(self) -> Vec<Loss> {
        self.list
    }

    /// Takes over the losses of one contact, whose name is known only now.
    pub(super) fn absorb(&mut self, of: Losses, contact: &str) {
        self.list.extend(of.list.into_iter().map(|loss| Loss {
            contact: contact.to_owned(),
            ..loss
        }));
    }

    fn add(&mut self, fate: Fate, what: &str, value: &str, why: &str) {
        self.list.push(Loss {
            contact: self.contact.clone(),
            line: self.line,
            what: what.to_owned(),
            value: shorten(value),
            why: why.to_owned(),
            fate,
        });
    }
}

/// What a file brought into an account, for people.
#[derive(Debug, Clone, Default)]
pub struct LoadReport {
    /// The file's name.
    pub file: String,
    /// How many contacts were loaded.
    pub contacts: usize,
    /// Everything that did not arrive as it was.
    pub losses: Vec<Loss>,
}

impl fmt::Display for LoadReport {
    /// A first line, then one line for each loss; [`ALIKE`] or more of a kind share one.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = if self.file.is_empty() {
            "import"
        } else {
            &self.file
        };
        write!(out, "{file}: {}", counted(self.contacts, "contact"))?;
        if self.losses.is_empty() {
            return write!(out, ", nothing lost");
        }
        let groups = alike(&self.losses);
        write!(out, ", {}", counted(self.losses.len(), "remark"))?;
        for group in &groups {
            if group.len() < ALIKE {
                for loss in group {
                    write!(out, "\n  {loss}")?;
                }
            } else if let Some(first) = group.first() {
                let (word, at) = (word(first.fate), place(first));
                write!(out, "\n  {word} {}: {}", first.what, first.why)?;
                write!(out, " ({} times, first {at})", group.len())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", word(self.fate), self.what)?;
        if !self.value.is_empty() {
            write!(out, " \"{}\"", self.value)?;
        }
        write!(out, ": {} ({})", self.why, place(self))
    }
}

fn counted(number: usize, noun: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{end}")
}

/// Groups what differs only in the contact, its line and its value; groups and members keep their order.
fn alike(losses: &[Loss]) -> Vec<Vec<&Loss>> {
    let mut groups: Vec<Vec<&Loss>> = Vec::new();
    let mut places: HashMap<(Fate, &str, &str), usize> = HashMap::new();
    for loss in losses {
        let key = (loss.fate, loss.what.as_str(), loss.why.as_str());
        let place = *places.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.push(loss);
        }
    }
    groups
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Lost => "lost",
        Fate::Moved => "moved",
        Fate::Changed => "changed",
        Fate::Guessed => "guessed",
    }
}

fn place(loss: &Loss) -> String {
    match (loss.contact.as_str(), loss.line) {
        ("", 0) => "the file".to_owned(),
        ("", line) => format!("line {line}"),
        (contact, 0) => shorten(contact),
        (contact, line) => format!("{}, line {line}", shorten(contact)),
    }
}

/// One line of at most [`SHOWN_CHARS`] characters, fit for a terminal.
pub(super) fn shorten(text: &str) -> String {
    let mut chars = text
        .chars()
        .map(|each| if each.is_control() { ' ' } else { each });
    let mut short: String = chars.by_ref().take(SHOWN_CHARS).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(losses: &[(&str, &str)], expect: &str) {
        let mut list = Losses::default();
        for (line, (contact, what)) in (1..).zip(losses) {
            list.begin(contact, line);
            list.lost(what, "v\u{1b}[1m", "no place");
        }
        let report = LoadReport {
            file: "a.vcf".to_owned(),
            contacts: 9,
            losses: list.into_vec(),
        };
        assert_eq!(report.to_string(), expect);
    }

    #[test]
    fn like_losses_share_a_line() {
        check(&[], "a.vcf: 9 contacts, nothing lost");
        check(
            &[("Ann", "photo")],
            "a.vcf: 9 contacts, 1 remark\n  lost photo \"v [1m\": no place (Ann, line 1)",
        );
        check(
            &[
                ("Ann", "photo"),
                ("", "REV"),
                ("Bob", "photo"),
                ("Cem", "photo"),
            ],
            "a.vcf: 9 contacts, 4 remarks\n  lost photo: no place (3 times, first Ann, line 1)\n  \
             lost REV \"v [1m\": no place (line 2)",
        );
    }

    #[test]
    fn long_values_are_shortened() {
        assert_eq!(shorten(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
    }
}
