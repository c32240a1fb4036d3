//! First contact: which unlinked records of the two sides are the same person.
//!
//! By the customer's match keys, one after another: by each of them a match must be the only one both ways, and those
//! still tied by an e-mail address or a telephone number are told apart by their full name as well. Whom a key ties to
//! several, weaker keys may only choose among these. What remains tied is a question to a person, never a guess.
//! Whatever the keys, records without an address go by their name, but only where linking them fills blanks and
//! overwrites nothing.

use std::collections::{BTreeMap, BTreeSet};

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{Answer, Cardinality, FieldName, Kind, Record, RemoteId, Side, Sides, Value};

use crate::{Cluster, Kin, Policy, equal, is_blank, lens, normal, plan::read};

/// A weak key that more records of a side share (a switchboard's number) tells nobody from anybody.
pub const MOST_SHARING: usize = 10;
/// Fewest digits of a telephone number that is somebody's.
const PHONE_DIGITS: usize = 6;

/// What a match key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// The work e-mail address.
    WorkEmail,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// The full name and the company's name.
    NameAndCompany,
    /// What a mapped field says: the entry.
    Field(usize),
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
            By::WorkEmail | By::Email => self.text,
            By::Phone => format!("{WEAK}phone:{}", self.text),
            By::NameAndCompany => format!("{WEAK}person:{}", self.text),
            By::Field(entry) => format!("{WEAK}field:{entry}:{}", self.text),
            By::Name => format!("name:{}", self.text),
            By::Company => format!("company:{}", self.text),
        }
    }
}

/// What begins the text of a weak key, and no address.
const WEAK: &str = "~";

/// Whether a key may be shared by so many records that it means nothing.
pub fn is_weak(key: &str) -> bool {
    key.starts_with(WEAK)
}

/// The match keys of a record, strongest first: by the customer's keys, and without any address its full name, else its
/// company's name.
pub fn match_keys(policy: &Policy, side: Side, record: &Record) -> Vec<String> {
    let keys = keys(policy, side, record).into_iter();
    keys.map(Key::into_text).collect()
}

fn keys(policy: &Policy, side: Side, record: &Record) -> Vec<Key> {
    let mut keys = Vec::new();
    for by in &policy.matching {
        let texts = texts(policy, side, record, *by).into_iter();
        keys.extend(texts.map(|text| Key { by: *by, text }));
    }
    if addresses(policy, side, record).is_empty() {
        keys.extend(namesake_key(policy, side, record));
    }
    keys
}

/// What a record says by one of the customer's keys, strongest first.
fn texts(policy: &Policy, side: Side, record: &Record, by: By) -> Vec<String> {
    let one = |text: Option<String>| text.into_iter().collect();
    match by {
        By::WorkEmail => {
            let work = policy.emails.get(side).first();
            addresses_in(record, work.as_slice().iter().copied())
        }
        By::Email => addresses(policy, side, record),
        By::Phone => phones(policy, side, record),
        By::NameAndCompany => one(named_company(policy, side, record)),
        By::Field(entry) => one(said(policy, side, record, entry)),
        By::Name | By::Company => Vec::new(),
    }
}

/// A record's own telephone numbers in normal form.
fn phones(policy: &Policy, side: Side, record: &Record) -> Vec<String> {
    let fields = policy.phones.get(side).iter();
    let numbers = items(record, fields).filter_map(|item| {
        let normal = normal(Kind::Phone, Cardinality::One, item);
        let number = normal.as_text()?;
        let digits = number.chars().filter(char::is_ascii_digit).count();
        (digits >= PHONE_DIGITS).then(|| number.to_owned())
    });
    distinct(numbers)
}

fn named_company(policy: &Policy, side: Side, record: &Record) -> Option<String> {
    let name = full_name(policy, side, record)?;
    let company = folded(policy, side, record, policy.company?)?;
    Some(format!("{name}|{company}"))
}

/// A record's own e-mail addresses in normal form, the work address first.
fn addresses(policy: &Policy, side: Side, record: &Record) -> Vec<String> {
    addresses_in(record, policy.emails.get(side))
}

fn addresses_in<'f>(
    record: &Record,
    fields: impl IntoIterator<Item = &'f FieldName>,
) -> Vec<String> {
    let found = items(record, fields).filter_map(|item| {
        let normal = normal(Kind::Email, Cardinality::One, item);
        let address = normal.as_text().filter(|text| text.contains('@'));
        address.map(str::to_owned)
    });
    distinct(found)
}

/// The single values of some fields of a record.
fn items<'r, 'f: 'r>(
    record: &'r Record,
    fields: impl IntoIterator<Item = &'f FieldName> + 'r,
) -> impl Iterator<Item = &'r Value> {
    fields
        .into_iter()
        .flat_map(|field| match record.value(field) {
            Value::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        })
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
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

/// Matches the unlinked records of a cluster. Whom other connections know, and whom a person decided about, is not looked
/// for by keys.
pub fn matches(policy: &Policy, cluster: &Cluster) -> Matches {
    let mut found = Matches::default();
    let mut known = by_kin(cluster, &mut found);
    by_review(cluster, &mut known, &mut found);
    by_keys(policy, cluster, &known, &mut found);
    by_namesake(policy, cluster, &known, &mut found);
    found
}

/// Per side, the records that keys are not asked about.
type Known = Sides<BTreeSet<usize>>;

/// Links those whom a person said to be one, and asks again about those whose decision was taken back.
fn by_review(cluster: &Cluster, known: &mut Known, found: &mut Matches) {
    let place = |side: Side, id: &RemoteId| {
        let mut records = cluster.records.get(side).iter();
        records.position(|record| record.id == *id)
    };
    for side in Side::BOTH {
        for (id, review) in cluster.reviews.get(side) {
            let Some(at) = place(side, id) else { continue };
            // Whoever is chosen and not there any more decides nothing.
            let moot = matches!(&review.answer, Some(Answer::Link(with)) if place(side.other(), with).is_none());
            if moot || !known.get_mut(side).insert(at) {
                continue;
            }
            let ends = |other: usize| match side {
                Side::A => (at, other),
                Side::B => (other, at),
            };
            match &review.answer {
                Some(Answer::Link(with)) => {
                    if let Some(other) = place(side.other(), with) {
                        known.get_mut(side.other()).insert(other);
                        found.pairs.push(ends(other));
                    }
                }
                None => {
                    let candidates = review.candidates.iter();
                    let there: Vec<usize> = candidates
                        .filter_map(|id| place(side.other(), id))
                        .collect();
                    known.get_mut(side.other()).extend(&there);
                    for other in &there {
                        let back = found.ambiguous.get_mut(side.other()).entry(*other);
                        back.or_default().push(at);
                    }
                    found.ambiguous.get_mut(side).insert(at, there);
                }
                Some(Answer::KeepApart | Answer::Create) => {}
            }
        }
    }
    let Matches { pairs, ambiguous } = found;
    for (a, b) in pairs {
        ambiguous.a.remove(a);
        ambiguous.b.remove(b);
    }
}

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

/// What a record says by one key, and its full name.
struct Traits {
    texts: Vec<String>,
    name: Option<String>,
}

/// Records that share what a key asks for, key by key.
fn by_keys(policy: &Policy, cluster: &Cluster, known: &Known, found: &mut Matches) {
    let mut free = Sides::of(|side| {
        let all = 0..cluster.records.get(side).len();
        let free = all.filter(|index| !known.get(side).contains(index));
        free.collect::<BTreeSet<usize>>()
    });
    // Per side, whom a stronger key tied to whom.
    let mut tied = Sides::<BTreeMap<usize, BTreeSet<usize>>>::default();
    for by in &policy.matching {
        let traits = Sides::of(|side| {
            let records = cluster.records.get(side).iter();
            records
                .map(|record| traits(policy, cluster, side, record, *by))
                .collect::<Vec<Traits>>()
        });
        let may_be = |side: Side, x: usize, y: usize| {
            let ties = tied.get(side).get(&x);
            ties.is_none_or(|ties| ties.contains(&y))
        };
        let edges = |test: &dyn Fn(&Traits, &Traits) -> bool| -> Vec<(usize, usize)> {
            let mut edges = Vec::new();
            for (i, x) in traits.a.iter().enumerate() {
                for (j, y) in traits.b.iter().enumerate() {
                    if test(x, y) && may_be(Side::A, i, j) && may_be(Side::B, j, i) {
                        edges.push((i, j));
                    }
                }
            }
            edges
        };
        let any = |x: &Traits, y: &Traits| x.texts.iter().any(|text| y.texts.contains(text));
        let strongest =
            |x: &Traits, y: &Traits| !x.texts.is_empty() && x.texts.first() == y.texts.first();
        let named = |x: &Traits, y: &Traits| any(x, y) && x.name.is_some() && x.name == y.name;
        for edges in [edges(&strongest), edges(&any), edges(&named)] {
            for (i, j) in unique(&edges, &free) {
                free.a.remove(&i);
                free.b.remove(&j);
                found.pairs.push((i, j));
            }
        }
        let ties = edges(&any).into_iter();
        let ties = ties.filter(|(i, j)| free.a.contains(i) && free.b.contains(j));
        for (i, j) in ties.collect::<Vec<_>>() {
            tied.a.entry(i).or_default().insert(j);
            tied.b.entry(j).or_default().insert(i);
        }
    }
    for (i, others) in tied.a {
        for j in others {
            if free.a.contains(&i) && free.b.contains(&j) {
                found.ambiguous.a.entry(i).or_default().push(j);
                found.ambiguous.b.entry(j).or_default().push(i);
            }
        }
    }
}

fn traits(policy: &Policy, cluster: &Cluster, side: Side, record: &Record, by: By) -> Traits {
    let mut texts = texts(policy, side, record, by);
    texts.retain(|text| {
        let key = Key {
            by,
            text: text.clone(),
        };
        !cluster.common.contains(&key.into_text())
    });
    Traits {
        texts,
        name: full_name(policy, side, record),
    }
}

/// Records without an address: each with its only namesake, if that one has no other and the two contradict one another
/// nowhere. Namesakes that are several are told apart by nothing and stay records of their own.
fn by_namesake(policy: &Policy, cluster: &Cluster, known: &Known, found: &mut Matches) {
    let mut taken = known.clone();
    taken.a.extend(found.ambiguous.a.keys());
    taken.b.extend(found.ambiguous.b.keys());
    for (i, j) in &found.pairs {
        taken.a.insert(*i);
        taken.b.insert(*j);
    }
    let mut groups: BTreeMap<Key, Sides<Vec<usize>>> = BTreeMap::new();
    for side in Side::BOTH {
        for (index, record) in cluster.records.get(side).iter().enumerate() {
            if taken.get(side).contains(&index) {
                continue;
            }
            for key in keys(policy, side, record) {
                if matches!(key.by, By::Name | By::Company) {
                    groups.entry(key).or_default().get_mut(side).push(index);
                }
            }
        }
    }
    let (a, b) = (&cluster.records.a, &cluster.records.b);
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

/// What a mapped field says, as a key: without regard to upper and lower case.
fn said(policy: &Policy, side: Side, record: &Record, index: usize) -> Option<String> {
    let entry = policy.entries.get(index)?;
    let value = lens::get(&record.fields, entry.paths.get(side), None);
    let value = entry.read(side, value);
    match normal(entry.kind, entry.cardinality, &value) {
        Value::Text(text) if !text.is_empty() => Some(text.to_lowercase()),
        Value::Number(number) => Some(number),
        _ => None,
    }
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
