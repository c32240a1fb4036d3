//! Two sides, people who edit them at random, and providers that misbehave: writes fail or go unanswered, echoes are
//! late or doubled, versions change without a reason, values are respelt and cut. Then the faults stop, and what the
//! design promises must hold (I-1 to I-5, I-8): quiet within three rounds, equal, nothing doubled, lost or invented.

use std::collections::{BTreeMap, BTreeSet};

use syncline_engine::Operation;
use syncline_model::{
    ConflictPolicy, DeletionPolicy, Direction, FieldName, Fields, Kind, LinkState, OnLeave,
    RemoteId, Side, Value,
};

use crate::{
    Haste, ensure, guarded,
    rng::Rng,
    setup::{Setup, field, fields, text},
    shortened,
    world::{Fate, World},
};

const FIELDS: [&str; 3] = ["x", "y", "long"];

#[derive(Clone, Debug)]
enum Event {
    Add(Side),
    Edit(Side, usize, usize),
    Clear(Side, usize, usize),
    Delete(Side, usize),
    Leave(Side, usize),
    Back(Side, usize),
    Touch(Side, usize),
    Run { fates: Vec<Fate>, hears: [bool; 2] },
}

fn event(rng: &mut Rng) -> Event {
    let side = rng.pick(&Side::BOTH);
    let (who, at) = (rng.below(6), rng.below(FIELDS.len()));
    match rng.below(21) {
        0 | 1 => Event::Add(side),
        2..=9 => Event::Edit(side, who, at),
        10 => Event::Clear(side, who, at),
        11 => Event::Delete(side, who),
        12 => Event::Leave(side, who),
        13 => Event::Back(side, who),
        14 => Event::Touch(side, who),
        _ => Event::Run {
            fates: (0..8).map(|_| fate(rng)).collect(),
            hears: [rng.coin(), rng.coin()],
        },
    }
}

fn fate(rng: &mut Rng) -> Fate {
    use Fate::{Done, Later, Refused, UnknownDone, UnknownNot};
    rng.pick(&[
        Done,
        Done,
        Done,
        Done,
        Done,
        Done,
        Later,
        Refused,
        UnknownDone,
        UnknownNot,
    ])
}

#[derive(Clone, Copy, Debug)]
struct Terms {
    direction: Direction,
    conflict: ConflictPolicy,
    deletion: DeletionPolicy,
    mute: bool,
    leave: bool,
}

fn terms(rng: &mut Rng) -> Terms {
    use Direction::{AToB, TwoWay};
    Terms {
        direction: rng.pick(&[TwoWay, TwoWay, TwoWay, AToB]),
        conflict: rng.pick(&[ConflictPolicy::AWins, ConflictPolicy::BWins]),
        deletion: rng.pick(&[
            DeletionPolicy::Ignore,
            DeletionPolicy::Delete,
            DeletionPolicy::Mark,
            DeletionPolicy::Unlink,
        ]),
        mute: rng.coin(),
        leave: rng.once_in(3),
    }
}

/// A history: the terms, and what happened in turn.
#[derive(Clone, Debug)]
struct History {
    terms: Terms,
    events: Vec<Event>,
    /// Whether it is played on mirrored sides too (invariant 5).
    mirrored: bool,
}

/// A history from chance. Gives what did not hold and the shortest history in which it does not.
pub fn case(rng: &mut Rng, haste: Haste) -> Option<(String, String)> {
    let length = 1 + rng.below(40);
    let history = History {
        terms: terms(rng),
        events: (0..length).map(|_| event(rng)).collect(),
        mirrored: rng.once_in(4),
    };
    let what = check(&history).err()?;
    let (shortest, what) = shortened(history, what, shorter, check, haste);
    Some((what, format!("{shortest:?}")))
}

fn shorter(history: &History) -> Vec<History> {
    let mut all = Vec::new();
    for at in 0..history.events.len() {
        let mut other = history.clone();
        other.events.remove(at);
        all.push(other);
    }
    for at in 0..history.events.len() {
        if let Event::Run { fates, hears } = &history.events[at]
            && (*hears != [true, true] || fates.iter().any(|fate| *fate != Fate::Done))
        {
            let mut other = history.clone();
            let fates = fates.clone();
            other.events[at] = Event::Run {
                fates: if *hears == [true, true] {
                    Vec::new()
                } else {
                    fates
                },
                hears: [true, true],
            };
            all.push(other);
        }
    }
    all
}

fn check(history: &History) -> Result<(), String> {
    guarded(|| {
        let mut play = Play::new(history.terms, false);
        for event in &history.events {
            play.play(event);
        }
        play.calm();
        play.check()?;
        if history.mirrored {
            check_mirror(history)?;
        }
        Ok(())
    })
}

fn check_mirror(history: &History) -> Result<(), String> {
    let [mut one, mut other] = [false, true].map(|swapped| Play::new(history.terms, swapped));
    for event in &history.events {
        one.play(event);
        other.play(event);
        let sorted = |play: &Play| {
            let mut values = play.values();
            values.sort_by_key(|value| (value.0, value.1, value.2));
            values
        };
        ensure!(
            sorted(&one) == sorted(&other),
            "the mirrored history differs"
        );
        ensure!(
            one.world.calls.len() == other.world.calls.len(),
            "the mirrored history makes other calls"
        );
    }
    Ok(())
}

/// The part of a value that no provider touches: who wrote it and when.
fn token(value: &Value) -> String {
    value
        .as_text()
        .unwrap_or("")
        .trim()
        .to_lowercase()
        .chars()
        .take(6)
        .collect()
}

/// Padded, in capitals, or cut after ten characters. An honest provider says so in its answer; one that answers
/// nothing keeps what it is sent, or every cut would look like an edit.
fn spell(name: &FieldName, value: &Value) -> Value {
    let text = value.as_text().unwrap_or("");
    match name.as_str() {
        "x" => Value::text(format!("  {text} ")),
        "email.work" => Value::text(text.to_uppercase()),
        "long" => Value::text(text.chars().take(10).collect::<String>()),
        _ => value.clone(),
    }
}

/// A world, and what its people did.
struct Play {
    world: World,
    terms: Terms,
    /// Whether the sides are swapped: then `a` in an event means `b`.
    swapped: bool,
    people: usize,
    edits: u32,
    /// Per person and field, the last edit on each side (by its side in the events) and when.
    last: BTreeMap<(usize, usize, bool), (u32, String)>,
    /// Values that a side has shown.
    shown: BTreeMap<(usize, usize, bool), BTreeSet<String>>,
    written: BTreeMap<(usize, usize), BTreeSet<String>>,
    cleared: BTreeSet<(usize, usize)>,
    deleted: BTreeSet<usize>,
}

impl Play {
    fn new(terms: Terms, swapped: bool) -> Self {
        let list = || {
            let mut list = vec![field("email.work", Kind::Email)];
            list.extend(FIELDS.map(text));
            list
        };
        let setup = Setup::new(list(), list())
            .deleting(terms.deletion)
            .with(|setup| {
                if terms.leave {
                    setup.on_leave = OnLeave::Leave;
                }
                setup.direction = match (terms.direction, swapped) {
                    (Direction::AToB, true) => Direction::BToA,
                    (direction, _) => direction,
                };
                setup.conflict = match (terms.conflict, swapped) {
                    (ConflictPolicy::AWins, true) => ConflictPolicy::BWins,
                    (ConflictPolicy::BWins, true) => ConflictPolicy::AWins,
                    (conflict, _) => conflict,
                };
            });
        let mut world = World::new(setup.policy());
        for side in Side::BOTH {
            let remote = world.sides.get_mut(side);
            remote.mute = terms.mute;
            remote.spelling = (!terms.mute).then_some(spell as fn(&FieldName, &Value) -> Value);
        }
        Self {
            world,
            terms,
            swapped,
            people: 0,
            edits: 0,
            last: BTreeMap::new(),
            shown: BTreeMap::new(),
            written: BTreeMap::new(),
            cleared: BTreeSet::new(),
            deleted: BTreeSet::new(),
        }
    }

    fn side(&self, side: Side) -> Side {
        if self.swapped { side.other() } else { side }
    }

    /// The records of a person on a side.
    fn find(&self, side: Side, person: usize) -> Vec<RemoteId> {
        let records = &self.world.sides.get(self.side(side)).records;
        let mail = FieldName::new("email.work");
        let is = |fields: &Fields| fields.get(&mail).and_then(person_of) == Some(person);
        records
            .values()
            .filter(|r| is(&r.fields))
            .map(|r| r.id.clone())
            .collect()
    }

    fn play(&mut self, event: &Event) {
        match event {
            Event::Add(side) => {
                let person = self.people;
                self.people += 1;
                let mail = format!("p{person}@example.com");
                let side = self.side(*side);
                self.world.add(side, fields(&[("email.work", &mail)]));
                for at in 0..FIELDS.len() {
                    self.edit(if self.swapped { side.other() } else { side }, person, at);
                }
            }
            Event::Edit(side, person, at) => self.edit(*side, *person, *at),
            Event::Clear(side, person, at) => {
                if let Some(id) = self.find(*side, *person).first() {
                    self.cleared.insert((*person, *at));
                    let side = self.side(*side);
                    self.world.edit(side, id, &[(FIELDS[*at], Value::Empty)]);
                }
            }
            Event::Delete(side, person) => {
                if let Some(id) = self.find(*side, *person).first() {
                    self.deleted.insert(*person);
                    let side = self.side(*side);
                    self.world.delete(side, id);
                }
            }
            Event::Leave(side, person) | Event::Back(side, person) | Event::Touch(side, person) => {
                if let Some(id) = self.find(*side, *person).first() {
                    let side = self.side(*side);
                    match event {
                        Event::Leave(..) => self.world.leave(side, id),
                        Event::Back(..) => self.world.come_back(side, id),
                        _ => self.world.touch(side, id),
                    }
                }
            }
            Event::Run { fates, hears } => {
                self.world.hears = syncline_model::Sides::of(|side| {
                    hears[usize::from(self.side(side) == Side::B)]
                });
                self.run(fates);
            }
        }
        self.look();
    }

    fn edit(&mut self, side: Side, person: usize, at: usize) {
        let Some(id) = self.find(side, person).first().cloned() else {
            return;
        };
        self.edits += 1;
        let value = Value::text(format!("u{:05}-and-a-tail", self.edits));
        let is_b = side == Side::B;
        self.last
            .insert((person, at, is_b), (self.edits, token(&value)));
        self.written
            .entry((person, at))
            .or_default()
            .insert(token(&value));
        let side = self.side(side);
        self.world.edit(side, &id, &[(FIELDS[at], value)]);
    }

    fn run(&mut self, fates: &[Fate]) -> usize {
        let swapped = self.swapped;
        let people: BTreeMap<RemoteId, usize> = Side::BOTH
            .into_iter()
            .flat_map(|side| self.world.sides.get(side).records.values())
            .filter_map(|r| Some((r.id.clone(), person_of(r.value(&"email.work".into()))?)))
            .collect();
        self.world.run_with(&mut |operation| {
            let person = match operation {
                Operation::Create { fields, .. } => fields
                    .get(&FieldName::new("email.work"))
                    .and_then(person_of),
                Operation::Update { id, .. }
                | Operation::Delete { id, .. }
                | Operation::Mark { id, .. }
                | Operation::Leave { id, .. }
                | Operation::Join { id, .. } => people.get(id).copied(),
            };
            let is_b = (operation.side() == Side::B) != swapped;
            let at = person.unwrap_or(0) * 2 + usize::from(is_b);
            fates
                .get(at % fates.len().max(1))
                .copied()
                .unwrap_or(Fate::Done)
        })
    }

    /// Notes what every side shows.
    fn look(&mut self) {
        for (person, at, side, value) in self.values() {
            let slot = (person, at, side == Side::B);
            self.shown.entry(slot).or_default().insert(token(&value));
        }
    }

    /// Every value, by the sides of the events.
    fn values(&self) -> Vec<(usize, usize, Side, Value)> {
        let mut all = Vec::new();
        for person in 0..self.people {
            for side in Side::BOTH {
                for id in self.find(side, person) {
                    for (at, name) in FIELDS.iter().enumerate() {
                        all.push((
                            person,
                            at,
                            side,
                            self.world.value(self.side(side), &id, name),
                        ));
                    }
                }
            }
        }
        all
    }

    /// Faults stop: everyone is back, all news arrives, all calls go well.
    fn calm(&mut self) {
        for side in Side::BOTH {
            let ids: Vec<RemoteId> = self.world.sides.get(side).records.keys().cloned().collect();
            for id in ids {
                self.world.echo(side, &id);
            }
        }
        for person in (0..self.people).filter(|p| !self.deleted.contains(p)) {
            for side in Side::BOTH {
                for id in self.find(side, person) {
                    let side = self.side(side);
                    self.world.come_back(side, &id);
                }
            }
        }
        self.world.hears = syncline_model::Sides::of(|_| true);
        for _ in 0..3 {
            self.run(&[]);
            self.look();
        }
    }

    fn check(&mut self) -> Result<(), String> {
        let before = self.world.links.clone();
        let conflicts = self.world.conflicts.len();
        ensure!(
            self.run(&[]) == 0,
            "not quiet: {:?}",
            self.world.calls.last()
        );
        ensure!(self.world.links == before, "a link changed without an edit");
        ensure!(
            self.world.conflicts.len() == conflicts,
            "a conflict without an edit"
        );
        let two_way = self.terms.direction == Direction::TwoWay;
        let named: BTreeSet<String> = self
            .world
            .conflicts
            .iter()
            .flat_map(|c| [token(&c.values.a), token(&c.values.b)])
            .collect();
        for person in 0..self.people {
            let [a, b] = [Side::A, Side::B].map(|side| self.find(side, person));
            ensure!(a.len() <= 1 && b.len() <= 1, "doubled: {a:?} {b:?}");
            if self.deleted.contains(&person) {
                continue;
            }
            let (Some(a), Some(b)) = (a.first(), b.first()) else {
                ensure!(
                    !two_way && a.is_empty(),
                    "person {person} is on one side only"
                );
                continue;
            };
            let link = self.world.link_of(self.side(Side::A), a);
            ensure!(
                link.map(|link| link.state) == Some(LinkState::Live),
                "the link of person {person} is {link:?}"
            );
            for (at, name) in FIELDS.iter().enumerate() {
                let [a, b] = [(Side::A, a), (Side::B, b)]
                    .map(|(side, id)| token(&self.world.value(self.side(side), id, name)));
                for value in [&a, &b] {
                    let known = self
                        .written
                        .get(&(person, at))
                        .is_some_and(|w| w.contains(value));
                    ensure!(known || value.is_empty(), "invented {value}");
                }
                if self.cleared.contains(&(person, at)) {
                    continue;
                }
                if two_way {
                    ensure!(a == b, "{name} of person {person}: {a} and {b}");
                }
                self.check_edits(person, at, [&a, &b], &named, two_way)?;
            }
        }
        Ok(())
    }

    /// No lost edit: the last one of each side is there, or named, or was replaced by someone who could see it.
    fn check_edits(
        &self,
        person: usize,
        at: usize,
        end: [&String; 2],
        named: &BTreeSet<String>,
        two_way: bool,
    ) -> Result<(), String> {
        for is_b in [false, true] {
            let Some((when, value)) = self.last.get(&(person, at, is_b)) else {
                continue;
            };
            let other = self.last.get(&(person, at, !is_b));
            let later = other.is_some_and(|(theirs, _)| theirs > when);
            let shown = self
                .shown
                .get(&(person, at, !is_b))
                .is_some_and(|s| s.contains(value));
            let fine = if two_way {
                end.contains(&value) || named.contains(value) || (later && shown)
            } else if is_b {
                end[1] == value || named.contains(value)
            } else {
                end[0] == value && (shown || end[1] == value)
            };
            ensure!(fine, "lost {value}: ends {end:?}, named {named:?}");
        }
        Ok(())
    }
}

fn person_of(mail: &Value) -> Option<usize> {
    let text = mail.as_text()?.to_lowercase();
    text.strip_prefix('p')?.split('@').next()?.parse().ok()
}
