//! First contact: which unlinked records of the two sides are the same person.
//!
//! Keys in order: the work e-mail address, then any e-mail address, then, among those still tied, the full name as
//! well. A match must be the only one both ways; what remains tied is a problem for a person, never a guess. Records
//! without an address go by their name, but only where linking them fills blanks and overwrites nothing.

use std::collections::{BTreeMap, BTreeSet};

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{Cardinality, Kind, Record, Side, Sides, Value};

use crate::{Cluster, Kin, Policy, equal, is_blank, lens, normal, plan::read};

/// What a match key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// An e-mail address.
    Email,
    /// The full name of a record without an address.
    Name,
    /// The company's name of a record with neither address nor name.
    Company,
}

/// Something that two records of the two sides may share: a value in normal form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    by: By,
    text: String,
}

impl Key {
    /// As it is stored (hashed) and looked up. Addresses stand for themselves, other keys behind their kind; should two
    /// of different kinds read the same, their records are looked at together and nothing more.
    fn into_text(self) -> String {
        match self.by {
            By::Email => self.text,
            By::Name => format!("name:{}", self.text),
            By::Company => format!("company:{}", self.text),
        }
    }
}

/// The match keys of a record, strongest first: its e-mail addresses; without any its full name, else its company's
/// name.
pub fn match_keys(policy: &Policy, side: Side, record: &Record) -> Vec<String> {
    let keys = keys(policy, side, record).into_iter();
    keys.map(Key::into_text).collect()
}

fn keys(policy: &Policy, side: Side, record: &Record) -> Vec<Key> {
    let addresses = addresses(policy, side, record);
    if addresses.is_empty() {
        return namesake_key(policy, side, record).into_iter().collect();
    }
    let by_email = |text: String| Key {
        by: By::Email,
        text,
    };
    let addresses = addresses.into_iter().filter(|_| policy.by_email);
    addresses.map(by_email).collect()
}

/// A record's own e-mail addresses in normal form, the work address first.
fn addresses(policy: &Policy, side: Side, record: &Record) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for field in policy.emails.get(side) {
        let value = record.value(field);
        let items = match value {
            Value::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for item in items {
            let normal = normal(Kind::Email, Cardinality::One, item);
            let address = normal.as_text().filter(|text| text.contains('@'));
            if let Some(address) = address
                && !found.iter().any(|known| known == address)
            {
                found.push(address.to_owned());
            }
        }
    }
    found
}

/// What a record without an address goes by. Where names are not mapped nobody can say that it has none, and a company
/// alone is no person.
fn namesake_key(policy: &Policy, side: Side, record: &Record) -> Option<Key> {
    if policy.names.is_none() && policy.full_name.is_none() {
        return None;
    }
    let key = |by: By, text: String| Key { by, text };
    full_name(policy, side, record)
        .map(|name| key(By::Name, name))
        .or_else(|| {
            let name = folded(policy, side, record, policy.company?)?;
            Some(key(By::Company, name))
        })
}

/// What matching found in a cluster: indices into its two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// Pairs that are the same person.
    pub pairs: Vec<(usize, usize)>,
    /// Per side, records that may be any of several of the other side.
    pub ambiguous: Sides<BTreeMap<usize, Vec<usize>>>,
}

/// Matches the unlinked records of a cluster. Whom other connections know is not looked for by keys.
pub fn matches(policy: &Policy, cluster: &Cluster) -> Matches {
    let (a, b) = (&cluster.records.a, &cluster.records.b);
    let mut found = Matches::default();
    let known = by_kin(cluster, &mut found);
    by_address(policy, a, b, &known, &mut found);
    by_namesake(policy, a, b, &known, &mut found);
    found
}

/// Per side, the records that keys are not asked about.
type Known = Sides<BTreeSet<usize>>;

/// Links those whom other connections know to be one.
fn by_kin(cluster: &Cluster, found: &mut Matches) -> Known {
    let mut known = Known::default();
    for side in Side::BOTH {
        for (index, record) in cluster.records.get(side).iter().enumerate() {
            let Some(kin) = cluster.kin.get(side).get(&record.id) else {
                continue;
            };
            known.get_mut(side).insert(index);
            let Kin::Record(other) = kin else {
                continue;
            };
            let mut others = cluster.records.get(side.other()).iter();
            let Some(at) = others.position(|record| record.id == *other) else {
                continue;
            };
            known.get_mut(side.other()).insert(at);
            let pair = match side {
                Side::A => (index, at),
                Side::B => (at, index),
            };
            if !found
                .pairs
                .iter()
                .any(|(a, b)| *a == pair.0 || *b == pair.1)
            {
                found.pairs.push(pair);
            }
        }
    }
    known
}

/// Whether a record has no e-mail address of its own.
pub fn has_no_address(policy: &Policy, side: Side, record: &Record) -> bool {
    addresses(policy, side, record).is_empty()
}

/// Records that share an e-mail address.
fn by_address(policy: &Policy, a: &[Record], b: &[Record], known: &Known, found: &mut Matches) {
    let each = |side: Side, records: &[Record]| -> (Vec<Vec<Key>>, Vec<Option<String>>) {
        records
            .iter()
            .map(|record| {
                let mut keys = keys(policy, side, record);
                keys.retain(|key| key.by == By::Email);
                (keys, full_name(policy, side, record))
            })
            .unzip()
    };
    let ((keys_a, names_a), (keys_b, names_b)) = (each(Side::A, a), each(Side::B, b));
    let free = |records: &[Record], known: &BTreeSet<usize>| -> BTreeSet<usize> {
        let all = 0..records.len();
        all.filter(|index| !known.contains(index)).collect()
    };
    let mut free = Sides {
        a: free(a, &known.a),
        b: free(b, &known.b),
    };
    let strongest = |x: &[Key], y: &[Key]| !x.is_empty() && x.first() == y.first();
    let any = |x: &[Key], y: &[Key]| x.iter().any(|key| y.contains(key));
    let edges = |test: &dyn Fn(&[Key], &[Key]) -> bool, named: bool| -> Vec<(usize, usize)> {
        let mut edges = Vec::new();
        for (i, x) in keys_a.iter().enumerate() {
            for (j, y) in keys_b.iter().enumerate() {
                let same_name = || match (names_a.get(i), names_b.get(j)) {
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
}

/// Records without an address: each with its only namesake, if that one has no other and the two contradict one another
/// nowhere. Namesakes that are several are told apart by nothing and stay records of their own.
fn by_namesake(policy: &Policy, a: &[Record], b: &[Record], known: &Known, found: &mut Matches) {
    let mut groups: BTreeMap<Key, Sides<Vec<usize>>> = BTreeMap::new();
    for (side, records) in [(Side::A, a), (Side::B, b)] {
        for (index, record) in records.iter().enumerate() {
            if known.get(side).contains(&index) {
                continue;
            }
            for key in keys(policy, side, record) {
                if key.by != By::Email {
                    groups.entry(key).or_default().get_mut(side).push(index);
                }
            }
        }
    }
    for group in groups.into_values() {
        if let (&[i], &[j]) = (group.a.as_slice(), group.b.as_slice())
            && let (Some(x), Some(y)) = (a.get(i), b.get(j))
            && !contradict(policy, x, y)
        {
            found.pairs.push((i, j));
        }
    }
}

/// Whether two records say different things in a mapped field: linking them would overwrite one of the two.
fn contradict(policy: &Policy, a: &Record, b: &Record) -> bool {
    let values = read::read_both(policy, &Sides { a, b });
    let pairs = values.a.iter().zip(&values.b);
    policy.entries.iter().zip(pairs).any(|(entry, (a, b))| {
        !is_blank(entry.kind, a)
            && !is_blank(entry.kind, b)
            && !equal(entry.kind, entry.cardinality, a, b)
    })
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
        .filter(|(i, j)| {
            let only = degree.a.get(i) == Some(&1) && degree.b.get(j) == Some(&1);
            only || seeded(Bug::AmbiguityGuessed)
        })
        .collect()
}

/// The full name in one normal text, lower-case: given and family name, or the whole where that is mapped.
fn full_name(policy: &Policy, side: Side, record: &Record) -> Option<String> {
    let Some((given, family)) = policy.names else {
        return folded(policy, side, record, policy.full_name?);
    };
    let words: Vec<String> = [given, family]
        .into_iter()
        .filter_map(|index| folded(policy, side, record, index))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The text of an entry in normal form, lower-case; `None` where it is blank.
fn folded(policy: &Policy, side: Side, record: &Record, index: usize) -> Option<String> {
    let path = policy.entries.get(index)?.paths.get(side);
    let value = lens::get(&record.fields, path, None);
    match normal(Kind::Text, Cardinality::One, &value) {
        Value::Text(text) if !text.is_empty() => Some(text.to_lowercase()),
        _ => None,
    }
}
