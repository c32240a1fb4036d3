//! The default mapping: two fields that answer to the same standard field belong together.

use syncline_model::{
    Cardinality, FieldDescriptor, FieldPath, Kind, Mapping, MappingEntry, Part, Sides,
};

/// Joins the fields of two accounts by their standard names. A whole name or address on one side is joined part by
/// part to the other side's parts.
pub fn default_mapping(fields: &Sides<Vec<FieldDescriptor>>) -> Mapping {
    let paths = Sides {
        a: standard_paths(&fields.a),
        b: standard_paths(&fields.b),
    };
    let mut entries: Vec<MappingEntry> = Vec::new();
    let mut whole: Vec<String> = Vec::new();
    for (name, a) in &paths.a {
        let Some((_, b)) = paths.b.iter().find(|(other, _)| other == name) else {
            continue;
        };
        if !a.writable && !b.writable {
            continue;
        }
        // Both hold the whole of it: its parts need no entries of their own.
        let parent = name.split_once('#').map(|(parent, _)| parent);
        if parent.is_some_and(|parent| whole.iter().any(|done| done == parent)) {
            continue;
        }
        if a.composite && b.composite {
            whole.push(name.clone());
        }
        entries.push(MappingEntry::new(a.path.clone(), b.path.clone()));
    }
    Mapping { entries }
}

struct Standard {
    path: FieldPath,
    writable: bool,
    composite: bool,
}

/// Every standard name that a side's fields answer to. Composite fields answer by their parts too; the whole comes
/// first.
fn standard_paths(fields: &[FieldDescriptor]) -> Vec<(String, Standard)> {
    let mut paths = Vec::new();
    for field in fields {
        let Some(name) = &field.standard else {
            continue;
        };
        let parts: &[(Part, String)] = &match field.kind {
            Kind::Address => Part::ADDRESS
                .iter()
                .map(|part| (*part, format!("{name}#{}", part.as_str())))
                .collect::<Vec<_>>(),
            Kind::FullName => vec![
                (Part::Given, "given_name".to_owned()),
                (Part::Family, "family_name".to_owned()),
            ],
            _ => Vec::new(),
        };
        let one = field.cardinality == Cardinality::One;
        paths.push((
            name.clone(),
            Standard {
                path: FieldPath::whole(field.name.clone()),
                writable: field.writable,
                composite: one && !parts.is_empty(),
            },
        ));
        for (part, name) in parts {
            paths.push((
                name.clone(),
                Standard {
                    path: FieldPath {
                        field: field.name.clone(),
                        part: Some(*part),
                    },
                    writable: field.writable,
                    composite: false,
                },
            ));
        }
    }
    paths
}
