//! Cases of one link: any memory, any connection, any news, followed over a few runs in which people edit and calls
//! fail. Every plan is compared with the oracle's, every settlement with what the provider holds; in the end the
//! faults stop and the link must be quiet.

mod checks;
mod oracle;
mod run;
mod values;

use std::sync::OnceLock;

use chrono::DateTime;
use syncline_engine::{Policy, PolicyInput};
use syncline_model::{
    Blank, Cardinality, ConflictPolicy, ConnectionId, DeletionPolicy, Deletions, Direction,
    FieldDescriptor, Flow, Guards, Kind, Mapping, MappingEntry, MatchKey, OnLeave, Side, Sides,
};

use crate::{Haste, rng::Rng, shortened, world::Fate};
use oracle::{Scope, Terms};
use values::Shape;

/// One entry of a case's mapping.
#[derive(Clone, Copy, Debug)]
struct Spec {
    shape: Shape,
    flow: Flow,
    blank: Blank,
    winner: Option<ConflictPolicy>,
    /// Whether each side can be written.
    writable: [bool; 2],
    required: [bool; 2],
    /// What each side's provider makes of the number 3, where its answers show the record.
    spells_three: [Option<u8>; 2],
}

/// A connection.
#[derive(Clone, Debug)]
struct Config {
    direction: Direction,
    conflict: ConflictPolicy,
    deletions: [DeletionPolicy; 2],
    entries: Vec<Spec>,
    /// Whether records of each side pass only with 1 or 2 in their first entry.
    filtered: [bool; 2],
    /// Whether what is carried to b is tagged there.
    tagged: bool,
    /// Whether who leaves is followed by the partner, and from which sides' collections we can take records out.
    leaves: bool,
    movable: [bool; 2],
}

/// A connection laid out twice: by the engine, and by hand for the oracle.
struct Laid {
    config: Config,
    policy: Policy,
    terms: Vec<Terms>,
    scope: Scope,
    keys: Vec<syncline_model::EntryKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Edit {
        side: usize,
        entry: usize,
        number: u8,
        other: bool,
        seconds: u8,
    },
    Delete(usize),
    Restore(usize),
    Leave(usize),
    Back(usize),
    Touch(usize),
    /// A listing that lags shows a record that is gone, as it was.
    Stale(usize),
    /// A person answers an open conflict.
    Answer {
        entry: usize,
        winner: usize,
    },
}

/// One run and what people did before it.
#[derive(Clone, Debug, Default)]
struct Round {
    events: Vec<Event>,
    hears: [bool; 2],
    fates: [Option<Fate>; 2],
    held_gone: [bool; 2],
    /// An entry and the side whose changes of it a guard holds.
    held_entry: Option<(usize, usize)>,
    /// A creation without an answer is forgotten by who would have looked for it.
    mute: [bool; 2],
}

/// A link's whole story.
#[derive(Clone, Debug)]
struct Case {
    config: Config,
    /// Per entry: target, seen on a, seen on b.
    memory: Vec<Option<[u8; 3]>>,
    now: Vec<[u8; 2]>,
    frozen: Option<usize>,
    /// Which sides' records were ever seen inside.
    inside: [bool; 2],
    rounds: Vec<Round>,
}

/// Connections of a seed, each laid out once: many cases share one.
pub struct Pool {
    seed: u64,
    laid: Vec<OnceLock<Laid>>,
}

/// How many connections a seed has.
const POOL: usize = 4096;

impl Pool {
    /// The connections of a seed; none is laid out yet.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            laid: (0..POOL).map(|_| OnceLock::new()).collect(),
        }
    }

    fn get(&self, index: usize) -> &Laid {
        self.laid[index].get_or_init(|| {
            let mut rng = Rng::of_case(!self.seed, index as u64);
            lay_out(config(&mut rng))
        })
    }
}

/// A case from chance. Gives what did not hold and the shortest case in which it does not.
pub fn case(rng: &mut Rng, pool: &Pool, haste: Haste) -> Option<(String, String)> {
    let laid = pool.get(rng.below(POOL));
    let case = story(rng, &laid.config);
    let what = run::check(&case, laid).err()?;
    let again = |case: &Case| run::check(case, &lay_out(case.config.clone()));
    let (shortest, what) = shortened(case, what, shorter, again, haste);
    Some((what, format!("{shortest:?}")))
}

fn config(rng: &mut Rng) -> Config {
    let direction = rng.pick(&[
        Direction::TwoWay,
        Direction::TwoWay,
        Direction::TwoWay,
        Direction::AToB,
        Direction::BToA,
    ]);
    let policies = [
        ConflictPolicy::AWins,
        ConflictPolicy::BWins,
        ConflictPolicy::MostRecent,
        ConflictPolicy::MostRecentOrB,
        ConflictPolicy::Ask,
    ];
    let deletions = [
        DeletionPolicy::Ignore,
        DeletionPolicy::Unlink,
        DeletionPolicy::Mark,
        DeletionPolicy::Delete,
    ];
    let mut shapes = vec![Shape::Text];
    for _ in 0..rng.below(4) {
        let more: &[Shape] = match rng.below(9) {
            0 => &[Shape::Street, Shape::City],
            1 => &[Shape::Given, Shape::Family],
            2 | 3 => &[Shape::Set],
            4 => &[Shape::Bool],
            5 => &[Shape::Long],
            6 => &[Shape::Email],
            7 => &[Shape::Phone],
            _ => &[Shape::Text],
        };
        if shapes.len() + more.len() <= 5 && !(more.len() == 2 && shapes.contains(&more[0])) {
            shapes.extend(more);
        }
    }
    let flows = |side: Side| direction.from_side(side);
    let mut entries: Vec<Spec> = Vec::new();
    for shape in shapes {
        let both = direction == Direction::TwoWay;
        let narrow = both && rng.once_in(4);
        let plain = matches!(
            shape,
            Shape::Text | Shape::Email | Shape::Phone | Shape::Bool | Shape::Set
        );
        let read_only = (plain && both && !narrow && rng.once_in(8)).then(|| rng.below(2));
        let cuts = shape == Shape::Text;
        entries.push(Spec {
            shape,
            flow: match (narrow, rng.coin()) {
                (false, _) => Flow::Both,
                (true, true) => Flow::AToB,
                (true, false) => Flow::BToA,
            },
            blank: if rng.coin() { Blank::Keep } else { Blank::Sync },
            winner: rng.once_in(3).then(|| rng.pick(&policies)),
            writable: [0, 1].map(|side| read_only != Some(side)),
            required: [0, 1].map(|_| shape == Shape::Text && rng.once_in(8)),
            spells_three: [0, 1].map(|_| (cuts && rng.once_in(4)).then(|| rng.pick(&[4, 0]))),
        });
    }
    // Both parts of one name go the same way: one of them alone is no name.
    if let Some(at) = entries.iter().position(|e| e.shape == Shape::Family) {
        entries[at].flow = entries[at - 1].flow;
    }
    Config {
        direction,
        conflict: rng.pick(&policies),
        deletions: [rng.pick(&deletions), rng.pick(&deletions)],
        entries,
        filtered: Side::BOTH.map(|side| flows(side) && rng.once_in(4)),
        tagged: flows(Side::A) && rng.once_in(4),
        leaves: rng.once_in(3),
        movable: [!rng.once_in(6), !rng.once_in(6)],
    }
}

/// Compiles a connection, and works out by hand what the oracle needs.
fn lay_out(config: Config) -> Laid {
    let kind = |shape: Shape, side: usize| match (shape, side) {
        (Shape::Email, _) => Kind::Email,
        (Shape::Phone, _) => Kind::Phone,
        (Shape::Bool, _) => Kind::Bool,
        (Shape::Set, _) => Kind::Choice,
        (Shape::Street | Shape::City, 1) => Kind::Address,
        (Shape::Given | Shape::Family, 1) => Kind::FullName,
        _ => Kind::Text,
    };
    let fields = Sides::of(|side| {
        let at = usize::from(side == Side::B);
        let mut list: Vec<FieldDescriptor> = vec![FieldDescriptor::new("tag", "tag", Kind::Text)];
        for (index, spec) in config.entries.iter().enumerate() {
            let name = spec.shape.field(at, index);
            if list.iter().any(|field| field.name == name) {
                continue;
            }
            let mut field =
                FieldDescriptor::new(name.as_str(), name.as_str(), kind(spec.shape, at));
            field.writable = spec.writable[at];
            field.required = spec.required[at];
            field.max_length = (spec.shape == Shape::Long && at == 1).then_some(4);
            field.standard = match (spec.shape, at) {
                (Shape::Given, 0) => Some("given_name".into()),
                (Shape::Family, 0) => Some("family_name".into()),
                _ => None,
            };
            if spec.shape == Shape::Set {
                field.cardinality = Cardinality::Many;
            }
            list.push(field);
        }
        list
    });
    let mapping = Mapping {
        entries: config
            .entries
            .iter()
            .enumerate()
            .map(|(index, spec)| {
                let path = |side| spec.shape.path(side, index).parse().expect("a path");
                MappingEntry {
                    flow: spec.flow,
                    blank: spec.blank,
                    winner: spec.winner,
                    ..MappingEntry::new(path(0), path(1))
                }
            })
            .collect(),
    };
    let mut rules = Vec::new();
    for (side, name) in ["a", "b"].iter().enumerate() {
        let condition = if config.filtered[side] {
            r#"{"field":"f0","in":["v1","v2"]}"#
        } else {
            ""
        };
        let action = if config.tagged && side == 0 {
            r#"{"set":"tag","to":"ours"}"#
        } else {
            ""
        };
        if !condition.is_empty() || !action.is_empty() {
            let json = format!(r#"{{"from":"{name}","if":[{condition}],"then":[{action}]}}"#);
            rules.push(serde_json::from_str(&json).expect("a rule"));
        }
    }
    let deletions = Deletions {
        a_to_b: config.deletions[0],
        b_to_a: config.deletions[1],
    };
    let policy = Policy::compile(&PolicyInput {
        direction: config.direction,
        conflict: config.conflict,
        deletions,
        on_leave: if config.leaves {
            OnLeave::Leave
        } else {
            OnLeave::Freeze
        },
        movable: &Sides {
            a: config.movable[0],
            b: config.movable[1],
        },
        mapping: &mapping,
        rules: &rules,
        matching: &[MatchKey::Email],
        guards: Guards::default(),
        fields: &fields,
        connection: ConnectionId::NIL,
        now: DateTime::UNIX_EPOCH,
    })
    .expect("a connection that can be");
    let flows = match config.direction {
        Direction::TwoWay => [true, true],
        Direction::AToB => [true, false],
        Direction::BToA => [false, true],
    };
    let terms = config.entries.iter().map(|spec| Terms {
        shape: spec.shape,
        from: [
            flows[0] && spec.flow != Flow::BToA && spec.writable[1],
            flows[1] && spec.flow != Flow::AToB && spec.writable[0],
        ],
        winner: spec.winner.unwrap_or(config.conflict),
        keep: spec.blank == Blank::Keep,
        required: spec.required,
    });
    Laid {
        terms: terms.collect(),
        scope: Scope {
            flows,
            deletions: config.deletions,
            takes_out: [0, 1].map(|left| config.leaves && flows[left] && config.movable[1 - left]),
            held: [false; 2],
        },
        keys: mapping.entries.iter().map(MappingEntry::key).collect(),
        policy,
        config,
    }
}

fn number(rng: &mut Rng, shape: Shape) -> u8 {
    let range = shape.numbers();
    range.start + rng.below(usize::from(range.end - range.start)) as u8
}

fn story(rng: &mut Rng, config: &Config) -> Case {
    let mut memory = Vec::with_capacity(config.entries.len());
    let mut now = Vec::with_capacity(config.entries.len());
    // A name is known whole or not at all: its parts are read with one another's help.
    let mut names: Option<bool> = None;
    for spec in &config.entries {
        let mut known = !rng.once_in(6);
        if matches!(spec.shape, Shape::Given | Shape::Family) {
            known = *names.get_or_insert(known);
        }
        let mut draw = || number(rng, spec.shape);
        let state = [draw(), draw(), draw(), draw(), draw()];
        let settled = rng.coin();
        let [target, seen_a, seen_b, mut a, mut b] = state;
        let remembered = if settled {
            [target; 3]
        } else {
            [target, seen_a, seen_b]
        };
        if settled && known {
            match rng.below(4) {
                0 => (a, b) = (target, target),
                1 => a = target,
                2 => b = target,
                _ => {}
            }
        }
        memory.push(known.then_some(remembered));
        now.push([a, b]);
    }
    let mut rounds: Vec<Round> = (0..=rng.below(3))
        .map(|at| round(rng, config, at == 0))
        .collect();
    for (at, event) in plot(rng).into_iter().enumerate() {
        if at == rounds.len() {
            rounds.push(round(rng, config, false));
        }
        rounds[at].events.push(event);
    }
    Case {
        config: config.clone(),
        memory,
        now,
        frozen: rng.once_in(16).then(|| rng.below(2)),
        inside: [0, 1].map(|_| !rng.once_in(6)),
        rounds,
    }
}

/// What chance alone would seldom put in a row: a record that goes and comes back, or seems to.
fn plot(rng: &mut Rng) -> Vec<Event> {
    let side = rng.below(2);
    let (gone, back) = (Event::Delete(side), Event::Restore(side));
    match rng.below(48) {
        0 => vec![Event::Leave(1 - side), gone, back],
        1 => vec![gone, Event::Leave(1 - side), back],
        2 => vec![gone, Event::Stale(side)],
        3 => vec![gone, Event::Delete(1 - side), Event::Stale(side)],
        4 => vec![gone, Event::Delete(1 - side), back],
        _ => Vec::new(),
    }
}

fn round(rng: &mut Rng, config: &Config, first: bool) -> Round {
    let events = if first { rng.below(2) } else { rng.below(4) };
    let fate = |rng: &mut Rng| {
        rng.once_in(3).then(|| {
            rng.pick(&[
                Fate::Refused,
                Fate::Later,
                Fate::UnknownDone,
                Fate::UnknownNot,
            ])
        })
    };
    Round {
        events: (0..events).map(|_| event(rng, config)).collect(),
        hears: [!rng.once_in(4), !rng.once_in(4)],
        fates: [fate(rng), fate(rng)],
        held_gone: [rng.once_in(12), rng.once_in(12)],
        held_entry: rng
            .once_in(12)
            .then(|| (rng.below(config.entries.len()), rng.below(2))),
        mute: [rng.once_in(4), rng.once_in(4)],
    }
}

fn event(rng: &mut Rng, config: &Config) -> Event {
    let side = rng.below(2);
    let entry = rng.below(config.entries.len());
    match rng.below(16) {
        0 | 1 => Event::Delete(side),
        2 => Event::Restore(side),
        3 => Event::Leave(side),
        4 => Event::Back(side),
        5 => Event::Touch(side),
        6 => Event::Answer {
            entry,
            winner: side,
        },
        7 => Event::Stale(side),
        _ => Event::Edit {
            side,
            entry,
            number: number(rng, config.entries[entry].shape),
            other: rng.coin(),
            seconds: rng.below(4) as u8,
        },
    }
}

/// Cases with one thing less.
fn shorter(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut other = case.clone();
        change(&mut other);
        all.push(other);
    };
    for at in (0..case.rounds.len()).rev() {
        with(&|case| {
            case.rounds.remove(at);
        });
        for event in 0..case.rounds[at].events.len() {
            with(&|case| {
                case.rounds[at].events.remove(event);
            });
        }
        let round = &case.rounds[at];
        for side in 0..2 {
            if round.fates[side].is_some() {
                with(&|case| case.rounds[at].fates[side] = None);
            }
            if round.held_gone[side] {
                with(&|case| case.rounds[at].held_gone[side] = false);
            }
            if !round.hears[side] {
                with(&|case| case.rounds[at].hears[side] = true);
            }
            if round.mute[side] {
                with(&|case| case.rounds[at].mute[side] = false);
            }
        }
        if round.held_entry.is_some() {
            with(&|case| case.rounds[at].held_entry = None);
        }
    }
    // The last entry is not needed, where it is not half a name.
    if case.config.entries.len() > 1 {
        let last = case.config.entries.len() - 1;
        let names = |entry: usize| entry >= last;
        let used = case.rounds.iter().any(|round| {
            let held = round.held_entry.is_some_and(|(entry, _)| names(entry));
            held || round.events.iter().any(|event| match event {
                Event::Edit { entry, .. } | Event::Answer { entry, .. } => names(*entry),
                _ => false,
            })
        });
        if !used && case.config.entries[last].shape != Shape::Family {
            with(&|case| {
                case.config.entries.pop();
                case.memory.pop();
                case.now.pop();
            });
        }
    }
    for at in 0..case.now.len() {
        let settled = case.memory[at].map_or(1, |known| known[0]);
        if case.now[at] != [settled; 2]
            || case.memory[at].is_some_and(|known| known != [settled; 3])
        {
            with(&|case| {
                case.now[at] = [settled; 2];
                case.memory[at] = Some([settled; 3]);
            });
        }
        if case.config.entries[at].spells_three != [None, None] {
            with(&|case| case.config.entries[at].spells_three = [None, None]);
        }
    }
    if case.frozen.is_some() {
        with(&|case| case.frozen = None);
    }
    if case.config.leaves {
        with(&|case| case.config.leaves = false);
    }
    if case.config.tagged {
        with(&|case| case.config.tagged = false);
    }
    for side in 0..2 {
        if case.config.filtered[side] {
            with(&|case| case.config.filtered[side] = false);
        }
    }
    all
}
