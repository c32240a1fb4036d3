//! The default mapping: two fields that answer to the same standard field belong together.

use syncline_model::{
    Cardinality, Direction, FieldDescriptor, FieldPath, Flow, Kind, Mapping, MappingEntry, Part,
    Side, Sides,
};

/// Joins the fields of two accounts by their standard names, where anything can flow in a direction. A whole name or address on one side is joined part by
/// part to the other side's parts.
pub fn default_mapping(fields: &Sides<Vec<FieldDescriptor>>, direction: Direction) -> Mapping {
    let paths = Sides {
        a: standard_paths(&fields.a),
        b: standard_paths(&fields.b),
    };
    let mut entries: Vec<MappingEntry> = Vec::new();
    for (name, a) in &paths.a {
        let Some(b) = paths.b.iter().find(|(other, _)| other == name) else {
            continue;
        };
        let mut entry = MappingEntry::new(a.path.clone(), b.1.path.clone());
        // What can be read alone is not said to go both ways.
        entry.flow = match (a.writable, b.1.writable) {
            (true, false) => Flow::BToA,
            (false, true) => Flow::AToB,
            _ => Flow::Both,
        };
        // Both hold the whole of it: its parts need no entries of their own.
        let overlaps = Side::BOTH.into_iter().any(|side| {
            let mut before = entries.iter().map(|entry| entry.path(side));
            before.any(|path| path.part.is_none() && path.field == entry.path(side).field)
        });
        let flows = direction.from_side(Side::A) && b.1.writable
            || direction.from_side(Side::B) && a.writable;
        if flows && !overlaps {
            entries.push(entry);
        }
    }
    Mapping { entries }
}

struct Standard {
    path: FieldPath,
    writable: bool,
}

/// Every standard name that a side's fields answer to, once. Composite fields answer by their parts too; the whole
/// comes first. A field of its own goes before a part of another, and what can be written before what cannot.
fn standard_paths(fields: &[FieldDescriptor]) -> Vec<(String, Standard)> {
    let mut paths = Vec::new();
    for field in fields {
        let Some(name) = &field.standard else {
            continue;
        };
        let parts: &[(Part, String)] = &match field.kind {
            _ if field.cardinality == Cardinality::Many => Vec::new(),
            Kind::Address => Part::ADDRESS
                .iter()
                .map(|part| (part.clone(), format!("{name}#{part}")))
                .collect::<Vec<_>>(),
            Kind::FullName => vec![
                (Part::Given, "given_name".to_owned()),
                (Part::Family, "family_name".to_owned()),
            ],
            _ => Vec::new(),
        };
        paths.push((
            name.clone(),
            Standard {
                path: FieldPath::whole(field.name.clone()),
                writable: field.writable,
            },
        ));
        for (part, name) in parts {
            paths.push((
                name.clone(),
                Standard {
                    path: FieldPath {
                        field: field.name.clone(),
                        part: Some(part.clone()),
                    },
                    writable: field.writable,
                },
            ));
        }
    }
    let rank = |path: &Standard| (!path.writable, path.path.part.is_some());
    let mut best: Vec<(String, Standard)> = Vec::new();
    for (name, path) in paths {
        match best.iter_mut().find(|(other, _)| *other == name) {
            Some((_, other)) if rank(&path) < rank(other) => *other = path,
            Some(_) => {}
            None => best.push((name, path)),
        }
    }
    best
}
