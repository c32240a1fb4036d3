//! Cases of unlinked records: who is one person with whom, who is created, who is left to a person.
//!
//! The oracle goes by the words of docs/architecture.md (Matching, Scope): it works on small numbers, and on addresses
//! and names as sets.

use std::sync::OnceLock;

use syncline_engine::{
    Cluster, Observation, Operation, Outcome, Policy, Step, Subject, plan, settle,
};
use syncline_model::{
    ConflictPolicy, Direction, FieldDescriptor, Fields, Kind, LinkState, ProblemReason, Record,
    RemoteId, Side, Value,
};

use crate::{
    Haste, ensure, guarded,
    rng::Rng,
    setup::{Setup, field, fields, record},
    shortened,
};

/// The mapped fields, in the order of a person's values: two addresses, given and family name, company, note.
const NAMES: [&str; 6] = [
    "email.work",
    "email.home",
    "given_name",
    "family_name",
    "company",
    "note",
];
/// Values of each; 0 is blank. A given name of 3 is the first one in capitals: the same name, another value.
const VALUES: [[&str; 4]; 6] = [
    ["", "p1@x.io", "p2@x.io", "p3@x.io"],
    ["", "p1@x.io", "p2@x.io", "p3@x.io"],
    ["", "Ann", "Bob", "ANN"],
    ["", "Lee", "Moe", "Lee"],
    ["", "Acme", "Brin", "Acme"],
    ["", "n1", "n2", "n1"],
];

/// One record; its values by field, and whether its addresses are written in capitals.
#[derive(Clone, Copy, Debug)]
struct Person {
    values: [u8; 6],
    loud: bool,
}

impl Person {
    fn text(self, at: usize) -> String {
        let text = VALUES[at][usize::from(self.values[at])];
        if self.loud && at < 2 {
            text.to_uppercase()
        } else {
            text.to_owned()
        }
    }

    fn fields(self) -> Fields {
        let texts: Vec<String> = (0..6).map(|at| self.text(at)).collect();
        let pairs: Vec<(&str, &str)> = NAMES
            .iter()
            .copied()
            .zip(texts.iter().map(String::as_str))
            .collect();
        fields(&pairs)
    }

    fn addresses(self) -> Vec<u8> {
        let [work, home, ..] = self.values;
        let mut all = vec![work, home];
        all.retain(|address| *address != 0);
        all.dedup();
        all
    }

    /// What is the same for two namesakes.
    fn name(self) -> Option<String> {
        let words = [2, 3].map(|at| VALUES[at][usize::from(self.values[at])].to_lowercase());
        let name = words.join(" ");
        (!name.trim().is_empty()).then(|| name.trim().to_owned())
    }

    /// What a record without an address goes by.
    fn goes_by(self) -> Option<(bool, String)> {
        let company = || (self.values[4] != 0).then(|| (false, self.text(4)));
        if !self.addresses().is_empty() {
            return None;
        }
        self.name().map(|name| (true, name)).or_else(company)
    }
}

/// A cluster and its connection.
#[derive(Clone, Debug)]
struct Case {
    /// Which of the connections.
    terms: Terms,
    people: [Vec<Person>; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terms {
    direction: Direction,
    conflict: ConflictPolicy,
    /// Whether records of a side take part only with the first note.
    filtered: [bool; 2],
    /// Whether b refuses records without a family name.
    surname: bool,
}

const DIRECTIONS: [Direction; 3] = [Direction::TwoWay, Direction::AToB, Direction::BToA];
const CONFLICTS: [ConflictPolicy; 3] = [
    ConflictPolicy::AWins,
    ConflictPolicy::BWins,
    ConflictPolicy::Ask,
];
const ALL: usize = 3 * 3 * 4 * 2;

impl Terms {
    fn of(index: usize) -> Self {
        let direction = DIRECTIONS[index % 3];
        let filter = index / 9 % 4;
        Self {
            direction,
            conflict: CONFLICTS[index / 3 % 3],
            filtered: [
                filter & 1 == 1 && direction != Direction::BToA,
                filter & 2 == 2 && direction != Direction::AToB,
            ],
            surname: index / 36 == 1,
        }
    }

    fn flows(self) -> [bool; 2] {
        [
            self.direction != Direction::BToA,
            self.direction != Direction::AToB,
        ]
    }

    fn takes_part(self, side: usize, person: Person) -> bool {
        self.flows()[side]
            && (!self.filtered[side] || VALUES[5][usize::from(person.values[5])] == "n1")
    }

    fn policy(self) -> Policy {
        let list = |side: usize| -> Vec<FieldDescriptor> {
            let kinds = [
                Kind::Email,
                Kind::Email,
                Kind::Text,
                Kind::Text,
                Kind::Text,
                Kind::Text,
            ];
            let mut list: Vec<FieldDescriptor> = NAMES
                .iter()
                .zip(kinds)
                .map(|(name, kind)| field(name, kind))
                .collect();
            list[3].required = self.surname && side == 1;
            list
        };
        let mut setup = Setup::new(list(0), list(1)).with(|setup| {
            setup.direction = self.direction;
            setup.conflict = self.conflict;
        });
        for (side, name) in ["a", "b"].iter().enumerate() {
            if self.filtered[side] {
                let rule = format!(r#"{{"from":"{name}","if":[{{"field":"note","is":"n1"}}]}}"#);
                setup = setup.rule(&rule);
            }
        }
        setup.policy()
    }
}

fn policy(index: usize) -> &'static Policy {
    static POLICIES: [OnceLock<Policy>; ALL] = [const { OnceLock::new() }; ALL];
    POLICIES[index].get_or_init(|| Terms::of(index).policy())
}

/// A case from chance. Gives what did not hold and the shortest case in which it does not.
pub fn case(rng: &mut Rng, haste: Haste) -> Option<(String, String)> {
    let index = rng.below(ALL);
    // With few addresses about, names decide more often.
    let sparse = rng.coin();
    let people = [0, 1].map(|_| {
        let many = rng.below(4);
        (0..many)
            .map(|_| {
                let mut values = [0, 1, 2, 3, 4, 5].map(|_| rng.below(4) as u8);
                for address in &mut values[..2] {
                    if sparse && !rng.once_in(4) {
                        *address = 0;
                    }
                }
                Person {
                    values,
                    loud: rng.once_in(4),
                }
            })
            .collect()
    });
    let case = Case {
        terms: Terms::of(index),
        people,
    };
    let test = |case: &Case| guarded(|| check(case, policy(index)));
    let what = test(&case).err()?;
    let (shortest, what) = shortened(case, what, shorter, test, haste);
    Some((what, format!("{shortest:?}")))
}

fn shorter(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    for side in 0..2 {
        for at in 0..case.people[side].len() {
            let mut other = case.clone();
            other.people[side].remove(at);
            all.push(other);
            for value in 0..6 {
                if case.people[side][at].values[value] != 0 {
                    let mut other = case.clone();
                    other.people[side][at].values[value] = 0;
                    all.push(other);
                }
            }
        }
    }
    all
}

/// What should become of each record of each side.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Linked(usize),
    Created,
    /// Nothing in it can be created there.
    Refused,
    Ambiguous(Vec<usize>),
    Aside,
}

fn expected(case: &Case) -> [Vec<Fate>; 2] {
    let [a, b] = &case.people;
    let mut mate: [Vec<Option<usize>>; 2] = [vec![None; a.len()], vec![None; b.len()]];
    let shares = |x: Person, y: Person| x.addresses().iter().any(|one| y.addresses().contains(one));
    let passes: [&dyn Fn(Person, Person) -> bool; 3] = [
        &|x, y| !x.addresses().is_empty() && x.addresses().first() == y.addresses().first(),
        &shares,
        &|x, y| shares(x, y) && x.name().is_some() && x.name() == y.name(),
    ];
    for pass in passes {
        let free = |mate: &[Option<usize>], at: usize| mate[at].is_none();
        let edge = |i: usize, j: usize| free(&mate[0], i) && free(&mate[1], j) && pass(a[i], b[j]);
        let only = |(i, j): &(usize, usize)| {
            edge(*i, *j)
                && (0..b.len()).filter(|other| edge(*i, *other)).count() == 1
                && (0..a.len()).filter(|other| edge(*other, *j)).count() == 1
        };
        let all = (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| (i, j)));
        let found: Vec<(usize, usize)> = all.filter(only).collect();
        for (i, j) in found {
            mate[0][i] = Some(j);
            mate[1][j] = Some(i);
        }
    }
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            let same = |other: &&Person| other.goes_by() == x.goes_by();
            let only = a.iter().filter(same).count() == 1 && b.iter().filter(same).count() == 1;
            if x.goes_by().is_some()
                && x.goes_by() == y.goes_by()
                && only
                && agree(case.terms, *x, *y)
            {
                mate[0][i] = Some(j);
                mate[1][j] = Some(i);
            }
        }
    }
    [0, 1].map(|side| {
        let (mine, theirs) = (&case.people[side], &case.people[1 - side]);
        let each = mine.iter().enumerate().map(|(at, person)| {
            let part = case.terms.takes_part(side, *person);
            let tied: Vec<usize> = (0..theirs.len())
                .filter(|other| mate[1 - side][*other].is_none() && shares(*person, theirs[*other]))
                .collect();
            match mate[side][at] {
                Some(other) if part || case.terms.takes_part(1 - side, theirs[other]) => {
                    Fate::Linked(other)
                }
                Some(_) => Fate::Aside,
                None if !part => Fate::Aside,
                None if !tied.is_empty() => Fate::Ambiguous(tied),
                None if person.values == [0; 6] => Fate::Refused,
                // Only a note, and no name can be made of it.
                None if case.terms.surname && side == 0 && person.values[..5] == [0; 5] => {
                    Fate::Refused
                }
                None => Fate::Created,
            }
        });
        each.collect()
    })
}

/// Whether no field says different things on the two.
fn agree(terms: Terms, x: Person, y: Person) -> bool {
    (0..6).all(|at| {
        let (mut left, mut right) = (x.text(at), y.text(at));
        if at < 2 {
            (left, right) = (left.to_lowercase(), right.to_lowercase());
        }
        // A person with a single name may have it in the family name's place where that is required.
        let single = |p: Person| (p.values[2] == 0) != (p.values[3] == 0);
        if terms.surname && (at == 2 || at == 3) && (single(x) || single(y)) {
            let name = |p: Person| format!("{}{}", p.text(2), p.text(3));
            return name(x) == name(y);
        }
        left.is_empty() || right.is_empty() || left == right
    })
}

const SIDES: [Side; 2] = [Side::A, Side::B];

fn records(case: &Case, side: usize) -> Vec<Record> {
    let name = ["a", "b"][side];
    let people = case.people[side].iter().enumerate();
    people
        .map(|(at, person)| record(&format!("{name}{at}"), "1", person.fields()))
        .collect()
}

fn check(case: &Case, policy: &Policy) -> Result<(), String> {
    let cluster = Cluster {
        records: syncline_model::Sides {
            a: records(case, 0),
            b: records(case, 1),
        },
        ..Cluster::default()
    };
    let observation = Observation {
        clusters: vec![cluster],
        ..Observation::default()
    };
    let plan = plan(&observation, policy);
    let expected = expected(case);
    let mut met = [0, 1].map(|side| vec![false; case.people[side].len()]);
    for step in &plan.steps {
        let at = [0, 1].map(|side| {
            let id = step.remote.get(SIDES[side]).as_ref()?;
            id.as_str()[1..].parse::<usize>().ok()
        });
        for side in [0, 1] {
            if let Some(at) = at[side] {
                ensure!(
                    !std::mem::replace(&mut met[side][at], true),
                    "a record in two steps"
                );
            }
        }
        check_step(case, step, at, &expected)?;
    }
    ensure!(
        met.iter().flatten().all(|met| *met),
        "a record in no step: {met:?}"
    );
    check_settled(&plan, policy)
}

fn check_step(
    case: &Case,
    step: &Step,
    at: [Option<usize>; 2],
    expected: &[Vec<Fate>; 2],
) -> Result<(), String> {
    let (side, mine, other) = match at {
        [Some(i), Some(j)] => (0, i, Some(j)),
        [Some(i), None] => (0, i, None),
        [None, Some(j)] => (1, j, None),
        [None, None] => return Err("a step about nothing".to_owned()),
    };
    let want = &expected[side][mine];
    let person = case.people[side][mine];
    let reasons: Vec<ProblemReason> = step.problems.iter().map(|problem| problem.reason).collect();
    let alone = step.operations.is_empty() && step.conflicts.is_empty();
    let nothing = step.subject == Subject::Nothing && alone;
    let fine = match (want, other) {
        (Fate::Linked(partner), Some(other)) => {
            check_link(case, step, [person, case.people[1][other]])?;
            *partner == other && step.subject == Subject::New && reasons.is_empty()
        }
        (Fate::Created, None) => {
            check_creation(case, step, side, person)?;
            step.subject == Subject::New && reasons.is_empty()
        }
        (Fate::Refused, None) => nothing && reasons == [ProblemReason::MissingRequired],
        (Fate::Aside, None) => nothing && reasons.is_empty(),
        (Fate::Ambiguous(others), None) => {
            let name = ["b", "a"][side];
            let candidates: Vec<RemoteId> = others
                .iter()
                .map(|at| RemoteId::new(format!("{name}{at}")))
                .collect();
            let named = step
                .problems
                .first()
                .map(|problem| problem.candidates.clone());
            nothing && reasons == [ProblemReason::Ambiguous] && named == Some(candidates)
        }
        _ => false,
    };
    ensure!(fine, "side {side} record {mine}: {want:?}, but {step:?}");
    Ok(())
}

/// At first contact blanks are filled, and what differs goes by the policy.
fn check_link(case: &Case, step: &Step, people: [Person; 2]) -> Result<(), String> {
    let terms = case.terms;
    let flows = terms.flows();
    let outside = [0, 1].map(|side| flows[side] && !terms.takes_part(side, people[side]));
    if outside != [false, false] {
        let frozen = matches!(step.state, LinkState::Frozen { left } if outside[usize::from(left == Side::B)]);
        ensure!(
            frozen && step.operations.is_empty(),
            "outside, but {step:?}"
        );
        return Ok(());
    }
    if terms.surname {
        return Ok(());
    }
    let mut conflicts = 0;
    for (at, name) in NAMES.iter().enumerate() {
        let [a, b] = people.map(|person| person.text(at));
        let same = if at < 2 {
            a.eq_ignore_ascii_case(&b)
        } else {
            a == b
        };
        let clash = !same && !a.is_empty() && !b.is_empty();
        conflicts += usize::from(clash);
        let winner = match (clash, flows, terms.conflict) {
            _ if same => None,
            (false, ..) => Some(usize::from(a.is_empty())),
            (_, [true, false], _) | (_, [true, true], ConflictPolicy::AWins) => Some(0),
            (_, [false, true], _) | (_, [true, true], ConflictPolicy::BWins) => Some(1),
            _ => None,
        };
        for side in [0, 1] {
            let want = winner
                .filter(|winner| *winner != side && flows[*winner])
                .map(|winner| Value::text(people[winner].text(at)));
            let got = step
                .operations
                .iter()
                .find_map(|operation| match operation {
                    Operation::Update {
                        side: on, changes, ..
                    } if *on == SIDES[side] => changes.get(&(*name).into()).cloned(),
                    _ => None,
                });
            ensure!(got == want, "{name} on side {side}: {got:?}, not {want:?}");
        }
    }
    ensure!(
        step.conflicts.len() == conflicts,
        "conflicts: {:?}",
        step.conflicts
    );
    let updates = |operation: &Operation| matches!(operation, Operation::Update { .. });
    ensure!(step.operations.iter().all(updates), "{:?}", step.operations);
    Ok(())
}

/// A new record says all that its source says; a required family name is stood in for.
fn check_creation(case: &Case, step: &Step, from: usize, person: Person) -> Result<(), String> {
    let [Operation::Create { side, fields, .. }] = step.operations.as_slice() else {
        return Err(format!("not one creation: {:?}", step.operations));
    };
    ensure!(*side == SIDES[1 - from], "created on the wrong side");
    let mut want = person.fields();
    let (given, family) = (&"given_name".into(), &"family_name".into());
    if case.terms.surname && from == 0 && !want.contains_key(family) {
        let stand_in = want.remove(given).or_else(|| {
            let mut others = ["company", "email.work", "email.home"].into_iter();
            others.find_map(|name| want.get(&name.into()).cloned())
        });
        want.insert(family.clone(), stand_in.unwrap_or_default());
    }
    ensure!(*fields == want, "created as {fields:?}, not {want:?}");
    Ok(())
}

/// Done, every creation and match is a link that remembers both records; not done, a creation is none.
fn check_settled(plan: &syncline_engine::Plan, policy: &Policy) -> Result<(), String> {
    use syncline_engine::LinkWrite;
    for works in [true, false] {
        let outcomes: Vec<Outcome> = plan
            .operations()
            .map(|(step, operation)| {
                let id = step.remote.get(operation.side()).clone();
                if works {
                    Outcome::Done {
                        id: id.unwrap_or_else(|| RemoteId::new("new")),
                        version: None,
                        modified_at: None,
                        fields: None,
                    }
                } else {
                    Outcome::Later
                }
            })
            .collect();
        for (step, settled) in plan.steps.iter().zip(settle(plan, &outcomes, policy)) {
            let creates = step
                .operations
                .iter()
                .any(|operation| matches!(operation, Operation::Create { .. }));
            let linked = matches!(settled.link, LinkWrite::Put(_));
            let want = step.subject == Subject::New && (works || !creates);
            ensure!(
                linked == want,
                "works {works}: {:?} of {step:?}",
                settled.link
            );
        }
    }
    Ok(())
}
