//! Reads a file of vCards 2.1, 3.0 and 4.0, however damaged. Lines and character sets are settled here, one property
//! at a time goes through calcard: so a loss has a line, and a broken property costs only itself.
//!
//! Not a validator: what real programs write is read, whatever the standard says about it.

mod card;
mod extras;
mod lines;
mod property;

pub(super) use lines::{is_begin, physical_lines};

use std::collections::HashMap;

use super::MAX_CONTACTS;
use super::contact::ImportedContact;
use super::loss::Losses;
use card::Card;

/// A card that only names a group, and the ids of its members.
struct Group {
    name: String,
    line: usize,
    members: Vec<String>,
}

/// Reads every card of the file. Groups become labels of their members.
pub(super) fn read(plain: &[u8], losses: &mut Losses) -> Vec<ImportedContact> {
    let mut contacts = Vec::new();
    let mut groups = Vec::new();
    let mut refused = 0_usize;
    for raw in lines::cards(plain, losses) {
        if contacts.len() >= MAX_CONTACTS {
            refused += 1;
            continue;
        }
        let mut own = Losses::default();
        let (line, ended) = (raw.line, raw.ended);
        let Card { contact, group } = card::read(raw, &mut own);
        if !ended {
            let why = "the card has no END; what it has was read";
            own.at(line).guessed("card", "", why);
        }
        if let Some(members) = group {
            let name = contact.display();
            let bare = ImportedContact {
                line,
                uid: contact.uid.clone(),
                names: contact.names.clone(),
                ..ImportedContact::default()
            };
            if contact != bare {
                let why = "a group became a label, which has a name and nothing else";
                own.at(line).lost("the group's own values", &name, why);
            }
            losses.absorb(own, &name);
            groups.push(Group {
                name,
                line,
                members,
            });
        } else if contact.is_empty() {
            own.at(line).lost("card", "", "there is nothing in it");
            losses.absorb(own, "");
        } else {
            losses.absorb(own, &contact.display());
            contacts.push(contact);
        }
    }
    if refused > 0 {
        let why = format!("at most {MAX_CONTACTS} contacts are read from a file");
        losses.begin("", 0);
        losses.lost("cards", &refused.to_string(), &why);
    }
    join_groups(&mut contacts, groups, losses);
    name_relations(&mut contacts);
    contacts
}

fn by_uid(contacts: &[ImportedContact]) -> HashMap<String, usize> {
    let with_id = contacts.iter().enumerate();
    with_id
        .filter_map(|(place, contact)| Some((contact.uid.clone()?, place)))
        .collect()
}

fn join_groups(contacts: &mut [ImportedContact], groups: Vec<Group>, losses: &mut Losses) {
    let places = by_uid(contacts);
    for group in groups {
        losses.begin(&group.name, group.line);
        if group.members.is_empty() {
            losses.lost(
                "group",
                &group.name,
                "it has no members, so no contact carries it",
            );
        }
        for member in group.members {
            let place = places.get(&property::bare_id(&member));
            match place.and_then(|place| contacts.get_mut(*place)) {
                Some(contact) => contact.add_label(&group.name),
                None => losses.lost("group member", &member, "no card of the file has this id"),
            }
        }
    }
}

/// A relation may point at another card by id: then it is named as that card is.
fn name_relations(contacts: &mut [ImportedContact]) {
    let places = by_uid(contacts);
    let names: Vec<String> = contacts.iter().map(ImportedContact::display).collect();
    for relation in contacts.iter_mut().flat_map(|each| &mut each.relations) {
        let place = places.get(&property::bare_id(&relation.value));
        if let Some(name) = place.and_then(|place| names.get(*place)) {
            relation.value.clone_from(name);
        }
    }
}
