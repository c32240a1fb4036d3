//! What Creatio does by itself when contacts and their communication options are saved (providers/creatio.md 4).

use serde_json::{Value, json};

use super::schema::MIRRORED;
use super::site::{Row, Site, is, text};

const PARTS: [&str; 3] = ["GivenName", "MiddleName", "Surname"];
const ROW: &str = "ContactCommunication";

/// A new contact has its parts from its name, or its name from its parts.
pub fn name_new(row: &mut Row) {
    name_changed(&Row::new(), row);
}

/// A name changed alone is taken apart; changed parts alone make it anew; both together stay as they are.
pub fn name_changed(before: &Row, changes: &mut Row) {
    let changed = |name: &&str| {
        changes
            .get(*name)
            .is_some_and(|_| text(changes, name) != text(before, name))
    };
    let parts = PARTS.iter().any(changed);
    if changed(&"Name") && !parts && PARTS.iter().all(|name| !changes.contains_key(*name)) {
        let words: Vec<String> = text(changes, "Name")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let (given, middle, last) = match words.as_slice() {
            [] => (String::new(), String::new(), String::new()),
            [given] => (given.clone(), String::new(), String::new()),
            [given, middle @ .., last] => (given.clone(), middle.join(" "), last.clone()),
        };
        for (name, value) in PARTS.iter().zip([given, middle, last]) {
            changes.insert((*name).to_owned(), json!(value));
        }
    } else if parts && !changes.contains_key("Name") {
        let part = |name: &&str| {
            let of = if changes.contains_key(*name) {
                &*changes
            } else {
                before
            };
            text(of, name).trim().to_owned()
        };
        let words: Vec<String> = PARTS
            .iter()
            .map(part)
            .filter(|word| !word.is_empty())
            .collect();
        changes.insert("Name".into(), json!(words.join(" ")));
    }
}

/// After an insert.
pub fn after_insert(site: &mut Site, entity: &str, id: &str) {
    match entity {
        "Contact" => to_rows(site, id, &Row::new()),
        ROW => saved(site, id),
        _ => {}
    }
}

/// After an update.
pub fn after_update(site: &mut Site, entity: &str, id: &str, before: &Row) {
    match entity {
        "Contact" => to_rows(site, id, before),
        ROW => {
            saved(site, id);
            let contact = text(before, "ContactId").to_owned();
            promote(site, &contact, text(before, "CommunicationTypeId"));
        }
        _ => {}
    }
}

/// After a deletion.
pub fn after_delete(site: &mut Site, entity: &str, row: &Row) {
    if entity == ROW {
        let contact = text(row, "ContactId").to_owned();
        promote(site, &contact, text(row, "CommunicationTypeId"));
    }
}

/// The rows of a contact, of one kind.
fn of_kind(site: &Site, contact: &str, kind: &str) -> Vec<Row> {
    let mut rows = site.children_rows(ROW, "Contact", contact);
    rows.retain(|row| text(row, "CommunicationTypeId") == kind);
    rows
}

/// The columns of a contact that stand for rows, into those.
fn to_rows(site: &mut Site, contact: &str, before: &Row) {
    let Some(now) = site.row("Contact", contact).cloned() else {
        return;
    };
    for (column, kind) in MIRRORED {
        let (old, new) = (text(before, column), text(&now, column));
        if old == new {
            continue;
        }
        let rows = of_kind(site, contact, kind);
        if new.is_empty() {
            for row in rows.iter().filter(|row| text(row, "Number") == old) {
                site.remove(ROW, text(row, "Id"));
            }
            promote(site, contact, kind);
            continue;
        }
        let primary = rows.iter().find(|row| is(row, "Primary"));
        if let Some(primary) = primary {
            let number = [("Number".to_owned(), json!(new))].into_iter().collect();
            site.set(ROW, text(primary, "Id"), number);
        } else {
            let id = site.fresh();
            let values: [(&str, Value); 4] = [
                ("ContactId", json!(contact)),
                ("CommunicationTypeId", json!(kind)),
                ("Number", json!(new)),
                ("Primary", json!(true)),
            ];
            site.put(
                ROW,
                &id,
                values
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value)),
            );
        }
    }
}

/// A row that was saved: the first of its kind is primary, a twin goes, and a primary one stands in the contact's column.
fn saved(site: &mut Site, id: &str) {
    let Some(row) = site.row(ROW, id).cloned() else {
        return;
    };
    let (contact, kind) = (
        text(&row, "ContactId").to_owned(),
        text(&row, "CommunicationTypeId").to_owned(),
    );
    let twins = of_kind(site, &contact, &kind);
    for twin in &twins {
        let same = text(twin, "Number") == text(&row, "Number");
        if same && text(twin, "Id") != id {
            site.remove(ROW, text(twin, "Id"));
        } else if is(&row, "Primary") && is(twin, "Primary") && text(twin, "Id") != id {
            let not = [("Primary".to_owned(), json!(false))].into_iter().collect();
            site.set(ROW, text(twin, "Id"), not);
        }
    }
    promote(site, &contact, &kind);
}

/// Sees to it that one row of a kind is primary, if there is any, and that the contact's column says the same.
fn promote(site: &mut Site, contact: &str, kind: &str) {
    let mut rows = of_kind(site, contact, kind);
    rows.retain(|row| !is(row, "NonActual"));
    // Primary first, then the newest.
    rows.sort_by_key(|row| (is(row, "Primary"), text(row, "CreatedOn").to_owned()));
    let first = rows.last();
    if let Some(first) = first.filter(|row| !is(row, "Primary")) {
        let yes = [("Primary".to_owned(), json!(true))].into_iter().collect();
        site.set(ROW, text(first, "Id"), yes);
    }
    let number = first.map_or("", |row| text(row, "Number")).to_owned();
    let column = MIRRORED.iter().find(|(_, own)| *own == kind);
    let there = site.row("Contact", contact);
    if let (Some((column, _)), Some(there)) = (column, there)
        && text(there, column) != number
    {
        let change = [((*column).to_owned(), json!(number))]
            .into_iter()
            .collect();
        site.set("Contact", contact, change);
    }
}
