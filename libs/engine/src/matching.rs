//! First contact: which unlinked records of the two sides are the same person.
//!
//! Keys in order: the work e-mail address, then any e-mail address, then, among those still tied, the full name as
//! well. A match must be the only one both ways; what remains tied is a problem for a person, never a guess.

use std::collections::{BTreeMap, BTreeSet};

use syncline_model::{Cardinality, Kind, Record, Side, Sides};

use crate::{Policy, lens, normal};

/// The match keys of a record, strongest first: its e-mail addresses in normal form.
pub fn match_keys(policy: &Policy, side: Side, record: &Record) -> Vec<String> {
    let mut keys = Vec::new();
    for field in policy.emails.get(side) {
        let value = record.value(field);
        let normal = normal(Kind::Email, Cardinality::One, value);
        if let Some(text) = normal.as_text().filter(|text| text.contains('@')) {
            let key = text.to_owned();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

/// What matching found in a cluster: indices into its two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// Pairs that are the same person.
    pub pairs: Vec<(usize, usize)>,
    /// Per side, records that may be any of several of the other side.
    pub ambiguous: Sides<BTreeMap<usize, Vec<usize>>>,
}

/// Matches the unlinked records of a cluster.
pub fn matches(policy: &Policy, a: &[Record], b: &[Record]) -> Matches {
    let keys = Sides {
        a: a.iter()
            .map(|r| match_keys(policy, Side::A, r))
            .collect::<Vec<_>>(),
        b: b.iter()
            .map(|r| match_keys(policy, Side::B, r))
            .collect::<Vec<_>>(),
    };
    let names = Sides {
        a: a.iter()
            .map(|r| full_name(policy, Side::A, r))
            .collect::<Vec<_>>(),
        b: b.iter()
            .map(|r| full_name(policy, Side::B, r))
            .collect::<Vec<_>>(),
    };
    let mut free = Sides {
        a: (0..a.len()).collect::<BTreeSet<_>>(),
        b: (0..b.len()).collect::<BTreeSet<_>>(),
    };
    let mut found = Matches::default();
    let strongest = |x: &[String], y: &[String]| !x.is_empty() && x.first() == y.first();
    let any = |x: &[String], y: &[String]| x.iter().any(|key| y.contains(key));
    let edges = |test: &dyn Fn(&[String], &[String]) -> bool, named: bool| -> Vec<(usize, usize)> {
        let mut edges = Vec::new();
        for (i, x) in keys.a.iter().enumerate() {
            for (j, y) in keys.b.iter().enumerate() {
                let same_name = || match (names.a.get(i), names.b.get(j)) {
                    (Some(Some(x)), Some(Some(y))) => x == y,
                    _ => false,
                };
                if test(x, y) && (!named || same_name()) {
                    edges.push((i, j));
                }
            }
        }
        edges
    };
    for edges in [
        edges(&strongest, false),
        edges(&any, false),
        edges(&any, true),
    ] {
        for (i, j) in unique(&edges, &free) {
            free.a.remove(&i);
            free.b.remove(&j);
            found.pairs.push((i, j));
        }
    }
    for (i, j) in edges(&any, false) {
        if free.a.contains(&i) && free.b.contains(&j) {
            found.ambiguous.a.entry(i).or_default().push(j);
            found.ambiguous.b.entry(j).or_default().push(i);
        }
    }
    found
}

/// The edges between free records that are the only one at both of their ends.
fn unique(edges: &[(usize, usize)], free: &Sides<BTreeSet<usize>>) -> Vec<(usize, usize)> {
    let open: Vec<(usize, usize)> = edges
        .iter()
        .filter(|(i, j)| free.a.contains(i) && free.b.contains(j))
        .copied()
        .collect();
    let mut degree: Sides<BTreeMap<usize, usize>> = Sides::default();
    for (i, j) in &open {
        *degree.a.entry(*i).or_default() += 1;
        *degree.b.entry(*j).or_default() += 1;
    }
    open.into_iter()
        .filter(|(i, j)| degree.a.get(i) == Some(&1) && degree.b.get(j) == Some(&1))
        .collect()
}

/// Given and family name in one normal text, lower-case.
fn full_name(policy: &Policy, side: Side, record: &Record) -> Option<String> {
    let (given, family) = policy.names?;
    let part = |index: usize| {
        let path = policy.entries.get(index)?.paths.get(side);
        let value = lens::get(&record.fields, path, None);
        match normal(Kind::Text, Cardinality::One, &value) {
            syncline_model::Value::Text(text) => Some(text.to_lowercase()),
            _ => None,
        }
    };
    let words: Vec<String> = [part(given), part(family)].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" "))
}
