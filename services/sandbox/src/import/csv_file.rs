//! Reads a contacts CSV: finds the separator, reads the header through [`super::columns`], makes each row a contact.
//! Every non-empty cell ends in a field, in the leftover under its column's name, or in a loss.

use std::collections::BTreeMap;

use super::columns::{Column, Kind, Part, Single, column};
use super::contact::{Address, Event, ImportedContact, Labelled, Organisation, Photo};
use super::loss::{Losses, shorten};
use super::{MAX_CONTACTS, charset, dates, labels};

/// What Google puts between several values in one cell.
const BETWEEN: &str = ":::";

/// The most columns whose names are shown when none is known.
const SHOWN_COLUMNS: usize = 5;

/// Reads the rows.
///
/// # Errors
/// The first headers, if none of them means a name, an address or a number.
pub(super) fn read(plain: &[u8], losses: &mut Losses) -> Result<Vec<ImportedContact>, String> {
    let (text, doubt) = charset::decode(plain, None);
    // A cell of several lines has one kind of line end, whatever the file's.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(&text))
        .from_reader(text.as_bytes());
    let mut rows = reader.records();
    let header = rows.next().and_then(Result::ok).unwrap_or_default();
    let headers: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let columns: Vec<Column> = headers.iter().map(|name| column(name)).collect();
    if !columns.iter().any(says_who) {
        let shown: Vec<&str> = headers
            .iter()
            .map(String::as_str)
            .take(SHOWN_COLUMNS)
            .collect();
        return Err(shorten(&shown.join(", ")));
    }
    if let Some(doubt) = doubt {
        losses.at(0).guessed("text", "", &doubt);
    }
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        let why =
            "a quotation mark is opened and never closed: rows after it may have run into one";
        losses.at(0).guessed("text", "", why);
    }
    let mut table = Table {
        unknown: vec![false; headers.len()],
        headers,
        columns,
    };
    let mut contacts = Vec::new();
    let mut refused = 0_usize;
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                losses.begin("", 0);
                losses.lost("row", "", &format!("it cannot be read: {error}"));
                continue;
            }
        };
        if contacts.len() >= MAX_CONTACTS {
            refused += 1;
            continue;
        }
        if let Some(contact) = table.row(&row, losses) {
            contacts.push(contact);
        }
    }
    losses.begin("", 1);
    for (header, _) in table
        .headers
        .iter()
        .zip(&table.unknown)
        .filter(|(_, used)| **used)
    {
        losses.moved(
            "column",
            header,
            "this column is not known; its values are kept as text",
        );
    }
    if refused > 0 {
        let why = format!("at most {MAX_CONTACTS} contacts are read from a file");
        losses.lost("rows", &refused.to_string(), &why);
    }
    Ok(contacts)
}

/// The separator that is most frequent in the first line.
fn separator(text: &str) -> u8 {
    let head = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let count = |separator: &u8| head.bytes().filter(|byte| byte == separator).count();
    // The last of equals wins, so the comma comes last.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(count)
        .unwrap_or(b',')
}

fn says_who(column: &Column) -> bool {
    match column {
        Column::Single(single) => matches!(
            single,
            Single::Full | Single::Given | Single::Family | Single::Organisation | Single::Nickname
        ),
        Column::Numbered(kind, ..) | Column::Labelled(kind, ..) => {
            matches!(kind, Kind::Email | Kind::Phone)
        }
        Column::Unknown => false,
    }
}

struct Table {
    headers: Vec<String>,
    columns: Vec<Column>,
    /// Columns of no known meaning that held a value.
    unknown: Vec<bool>,
}

/// The cells of a row that together make one value.
#[derive(Default)]
struct Slot {
    kind: Option<Kind>,
    label: String,
    cells: Vec<(Part, String)>,
}

impl Table {
    fn row(&mut self, row: &csv::StringRecord, losses: &mut Losses) -> Option<ImportedContact> {
        let line = row.position().map_or(0, csv::Position::line);
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        let mut contact = ImportedContact {
            line,
            ..ImportedContact::default()
        };
        let mut own = Losses::default();
        own.at(line);
        let mut slots: BTreeMap<(u8, usize), Slot> = BTreeMap::new();
        for (place, cell) in row.iter().enumerate() {
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            match self.columns.get(place) {
                Some(Column::Single(single)) => {
                    self.single(*single, place, cell, &mut contact, &mut own);
                }
                Some(Column::Numbered(kind, number, part)) => {
                    let slot = slots
                        .entry((*kind as u8, usize::from(*number)))
                        .or_default();
                    slot.kind = Some(*kind);
                    slot.cells.push((*part, cell.to_owned()));
                }
                Some(Column::Labelled(kind, label, part)) => {
                    // The parts of one address share a slot; every other labelled column is a value of its own.
                    let shared = *kind == Kind::Address;
                    let first = |column: &Column| matches!(column, Column::Labelled(Kind::Address, same, _) if same == label);
                    let start = self.columns.iter().position(first);
                    let key = start.filter(|_| shared).unwrap_or(place);
                    let slot = slots.entry((*kind as u8, key + 100_000)).or_default();
                    slot.kind = Some(*kind);
                    (*label).clone_into(&mut slot.label);
                    slot.cells.push((*part, cell.to_owned()));
                }
                Some(Column::Unknown) => {
                    if let Some(used) = self.unknown.get_mut(place) {
                        *used = true;
                    }
                    contact.keep(self.header(place), cell);
                }
                None => {
                    let why = "the row has more cells than the header; kept as text";
                    let name = format!("column {}", place + 1);
                    own.moved(&name, cell, why);
                    contact.keep(&name, cell);
                }
            }
        }
        for slot in slots.into_values() {
            slot.fill(&mut contact, &mut own);
        }
        if contact.is_empty() && own.list().is_empty() {
            return None;
        }
        losses.absorb(own, &contact.display());
        Some(contact).filter(|contact| !contact.is_empty())
    }

    fn header(&self, place: usize) -> &str {
        let header = self.headers.get(place).map(String::as_str);
        header
            .filter(|header| !header.is_empty())
            .unwrap_or("column without a name")
    }

    fn single(
        &self,
        single: Single,
        place: usize,
        cell: &str,
        contact: &mut ImportedContact,
        losses: &mut Losses,
    ) {
        let names = &mut contact.names;
        let field = match single {
            Single::Full => &mut names.full,
            Single::Prefix => &mut names.prefix,
            Single::Given => &mut names.given,
            Single::Middle => &mut names.middle,
            Single::Family => &mut names.family,
            Single::Suffix => &mut names.suffix,
            Single::PhoneticGiven => &mut names.phonetic_given,
            Single::PhoneticMiddle => &mut names.phonetic_middle,
            Single::PhoneticFamily => &mut names.phonetic_family,
            Single::FileAs => &mut names.file_as,
            Single::Organisation => &mut organisation(contact).name,
            Single::Title => &mut organisation(contact).title,
            Single::Department => &mut organisation(contact).department,
            Single::Nickname => {
                contact.nicknames.extend(several(cell).map(str::to_owned));
                return;
            }
            Single::Notes => return contact.add_note(cell),
            Single::Birthday => return self.birthday(place, cell, contact, losses),
            Single::Photo if contact.photo.is_none() => {
                contact.photo = Some(Photo::Uri(cell.to_owned()));
                return;
            }
            Single::Photo => return contact.keep(self.header(place), cell),
            Single::Labels => {
                return several(cell).for_each(|label| add_label(contact, label, losses));
            }
            Single::Categories => {
                return cell.split(';').for_each(|label| contact.add_label(label));
            }
        };
        if field.is_empty() {
            cell.clone_into(field);
        } else if field != cell {
            contact.keep(self.header(place), cell);
        }
    }

    fn birthday(
        &self,
        place: usize,
        cell: &str,
        contact: &mut ImportedContact,
        losses: &mut Losses,
    ) {
        // Outlook writes 0/0/00 for none.
        if cell == "0/0/00" {
            return;
        }
        match date(cell, "Birthday", losses) {
            Some(date) if contact.birthday.is_none() => contact.birthday = Some(date),
            _ => contact.keep(self.header(place), cell),
        }
    }
}

fn date(cell: &str, what: &str, losses: &mut Losses) -> Option<super::PartialDate> {
    let Some(read) = dates::read(cell) else {
        let why = "it cannot be read as a date; kept as text";
        losses.moved(what, cell, why);
        return None;
    };
    if let Some(doubt) = read.doubt {
        losses.guessed(what, cell, doubt);
    }
    Some(read.date)
}

/// Google's own groups begin with a star; everything in "My Contacts" is there anyway.
fn add_label(contact: &mut ImportedContact, label: &str, losses: &mut Losses) {
    let bare = label.trim_start_matches('*').trim();
    if bare.len() < label.len() && bare.eq_ignore_ascii_case("myContacts") {
        losses.lost("label", label, "every contact of a Google account is in it");
    } else {
        contact.add_label(bare);
    }
}

fn several(cell: &str) -> impl Iterator<Item = &str> {
    let each = cell.split(BETWEEN).map(str::trim);
    each.filter(|value| !value.is_empty())
}

/// The company of the columns that name only one.
fn organisation(contact: &mut ImportedContact) -> &mut Organisation {
    let first = contact.organisations.pop().unwrap_or_default();
    contact.organisations.push_mut(first)
}

impl Slot {
    fn cell(&self, part: Part) -> &str {
        let found = self.cells.iter().find(|(each, _)| *each == part);
        found.map(|(_, cell)| cell.as_str()).unwrap_or_default()
    }

    /// The n-th of the values in a cell that may hold several.
    fn nth(&self, part: Part, n: usize) -> String {
        let cell = self.cell(part);
        cell.split(BETWEEN)
            .nth(n)
            .unwrap_or_default()
            .trim()
            .to_owned()
    }

    fn fill(self, contact: &mut ImportedContact, losses: &mut Losses) {
        let (mut label, preferred) = labels::normal(self.cell(Part::Label));
        if label.is_empty() {
            label.clone_from(&self.label);
        }
        let rest: Vec<&(Part, String)> = self
            .cells
            .iter()
            .filter(|(part, _)| *part != Part::Label)
            .collect();
        if rest.is_empty() {
            losses.lost("label", &label, "it labels nothing: the value is empty");
            return;
        }
        let values = || {
            several(self.cell(Part::Value)).map(|value| Labelled {
                label: label.clone(),
                value: value.to_owned(),
                preferred,
            })
        };
        match self.kind {
            Some(Kind::Email) => contact.emails.extend(values()),
            Some(Kind::Phone) => contact.phones.extend(values()),
            Some(Kind::Website) => contact.urls.extend(values()),
            Some(Kind::Relation) => contact.relations.extend(values()),
            Some(Kind::Custom) => contact.custom.extend(values()),
            Some(Kind::Im) => self.chat(&label, contact, losses),
            Some(Kind::Address) => self.addresses(&label, preferred, contact),
            Some(Kind::Organisation) => self.organisations(contact),
            Some(Kind::Event) => {
                for value in several(self.cell(Part::Value)).filter(|value| *value != "0/0/00") {
                    match date(value, "event", losses) {
                        Some(date) => {
                            let label = label.clone();
                            contact.events.push(Event { label, date });
                        }
                        None => contact.keep(&label, value),
                    }
                }
            }
            None => {}
        }
    }

    fn chat(&self, label: &str, contact: &mut ImportedContact, losses: &mut Losses) {
        let service = self.cell(Part::Service);
        let name = if service.is_empty() { label } else { service };
        if self.cell(Part::Value).is_empty() {
            losses.lost("chat service", name, "there is no account of it");
        }
        let values = several(self.cell(Part::Value));
        let chats = values.map(|value| Labelled::new(name.to_lowercase(), value));
        contact.im.extend(chats);
    }

    fn addresses(&self, label: &str, preferred: bool, contact: &mut ImportedContact) {
        let counts = self.cells.iter().filter(|(part, _)| *part != Part::Label);
        let count = counts.map(|(_, cell)| cell.split(BETWEEN).count()).max();
        for n in 0..count.unwrap_or(0) {
            let address = Address {
                label: label.to_owned(),
                po_box: self.nth(Part::PoBox, n),
                extended: self.nth(Part::Extended, n),
                street: self.nth(Part::Street, n),
                city: self.nth(Part::City, n),
                region: self.nth(Part::Region, n),
                postal_code: self.nth(Part::PostalCode, n),
                country: self.nth(Part::Country, n),
                country_code: String::new(),
                formatted: self.nth(Part::Formatted, n),
                preferred,
            };
            if address.has_parts() || !address.formatted.is_empty() {
                contact.addresses.push(address);
            }
        }
    }

    fn organisations(&self, contact: &mut ImportedContact) {
        let counts = self.cells.iter().filter(|(part, _)| *part != Part::Label);
        let count = counts.map(|(_, cell)| cell.split(BETWEEN).count()).max();
        for n in 0..count.unwrap_or(0) {
            contact.organisations.push(Organisation {
                name: self.nth(Part::Name, n),
                department: self.nth(Part::Department, n),
                title: self.nth(Part::Title, n),
                role: self.nth(Part::JobDescription, n),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, expect: &[&str], losses_expect: usize) {
        let mut losses = Losses::default();
        let contacts = read(file.as_bytes(), &mut losses).expect("a table");
        let got: Vec<String> = contacts
            .iter()
            .map(|contact| {
                let phones: Vec<&str> = contact
                    .phones
                    .iter()
                    .map(|each| each.value.as_str())
                    .collect();
                let kept = contact
                    .leftover
                    .iter()
                    .map(|each| format!(" {}={}", each.property, each.value));
                format!(
                    "{}|{}|{}{}",
                    contact.line,
                    contact.display(),
                    phones.join(","),
                    kept.collect::<String>()
                )
            })
            .collect();
        assert_eq!(got, expect);
        assert_eq!(losses.list().len(), losses_expect, "{:?}", losses.list());
    }

    #[test]
    fn rows_of_all_shapes_are_read() {
        check(
            "First Name,Phone 1 - Value\nAnn,1 ::: 2\n\n,\nBob,3\n",
            &["2|Ann|1,2", "5|Bob|3"],
            0,
        );
        check(
            "First Name;Notes\nAnn;\"a\nb\"\nBob;c",
            &["2|Ann|", "4|Bob|"],
            0,
        );
        check(
            "First Name,Lieblingsfarbe\nAnn,rot\n",
            &["2|Ann| Lieblingsfarbe=rot"],
            1,
        );
        check(
            "First Name,Notes\nAnn,a,b\nBob\n",
            &["2|Ann| column 3=b", "3|Bob|"],
            1,
        );
        check("Name,Notes\nAnn,\"never closed\nBob,c\n", &["2|Ann|"], 1);
        check(
            "First Name,First Name\nAnn,Anna\n",
            &["2|Ann| First Name=Anna"],
            0,
        );
    }
}
