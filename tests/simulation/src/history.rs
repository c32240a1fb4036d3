//! A history: a connection or several, what people do, when runs happen and what befalls them. All of it is made from
//! a seed before anything runs, so that a part can be left out without changing the rest.

use std::num::NonZeroU64;
use std::time::Duration;

use syncline_model::{Blank, ConflictPolicy, DeletionPolicy, Direction, Flow, Side};

use crate::chance::Chance;
use crate::profile::{MAPPED, Profile};
use crate::world::Account;
use crate::world::people::Act;

/// A kind of history. Each has its own mixture of people, providers and faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// People edit; nothing goes wrong.
    Calm,
    /// Providers fail in every way.
    Storm,
    /// The worker dies again and again.
    Crashes,
    /// People delete, merge and bring back.
    Deletions,
    /// Collections and filters decide who takes part.
    Filters,
    /// Both sides edit the same fields.
    Conflicts,
    /// Guards are narrow, and deletions many.
    Guards,
    /// Three connections form a ring.
    Ring,
    /// The same pair of accounts is connected twice.
    Twice,
    /// Another tool syncs the same accounts.
    Foreign,
    /// Two tenants share a store.
    Tenants,
    /// Everything at once.
    Wild,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Calm,
        Self::Storm,
        Self::Crashes,
        Self::Deletions,
        Self::Filters,
        Self::Conflicts,
        Self::Guards,
        Self::Ring,
        Self::Twice,
        Self::Foreign,
        Self::Tenants,
        Self::Wild,
    ];

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Storm => "storm",
            Self::Crashes => "crashes",
            Self::Deletions => "deletions",
            Self::Filters => "filters",
            Self::Conflicts => "conflicts",
            Self::Guards => "guards",
            Self::Ring => "ring",
            Self::Twice => "twice",
            Self::Foreign => "foreign",
            Self::Tenants => "tenants",
            Self::Wild => "wild",
        }
    }
}

/// A connection to be.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Its tenant's number.
    pub tenant: usize,
    /// The numbers of its accounts.
    pub accounts: [usize; 2],
    /// Whether each side is the group only.
    pub grouped: [bool; 2],
    /// Which way.
    pub direction: Direction,
    /// Who wins.
    pub conflict: ConflictPolicy,
    /// What deletions on each side do on the other.
    pub deletions: [DeletionPolicy; 2],
    /// Whether the partner of who leaves is taken out of the group.
    pub leaves: bool,
    /// Whether only records that pass the filter go over, by the side where they start.
    pub filtered: [bool; 2],
    /// Narrow guards.
    pub narrow: bool,
    /// A field that flows one way only.
    pub one_way: Option<(u8, Flow)>,
    /// What a cleared value does.
    pub blank: Blank,
}

impl Wish {
    /// Whether values of a field may flow from each side.
    pub fn flows(&self, number: usize, name: &str, accounts: &[Account]) -> [bool; 2] {
        [Side::A, Side::B].map(|side| {
            let other = usize::from(side == Side::A);
            let one_way = self.one_way.filter(|(own, _)| usize::from(*own) == number);
            self.direction.from_side(side)
                && one_way.is_none_or(|(_, flow)| flow.from_side(side))
                && accounts[self.accounts[other]].profile.read_only != Some(name)
        })
    }
}

/// The stage of a history.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The providers, one an account, and whose account it is.
    pub accounts: Vec<(usize, Profile)>,
    /// The connections.
    pub wishes: Vec<Wish>,
    /// Seconds after which a slice ends.
    pub slice: u64,
    /// Records planned together.
    pub batch: usize,
    /// How many records a run may write on each side, if that is limited.
    pub limit: Option<NonZeroU64>,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A person does something at a provider.
    Person(Act),
    /// The schedule comes round, and what is due is worked off.
    Run(Ride),
    /// Time passes.
    Wait(u64),
    /// A person pauses a connection or resumes it.
    Toggle(usize),
    /// A person answers what is asked, and approves what is held.
    Answer {
        /// Decides for whom.
        chance: u64,
    },
    /// A person changes a connection's settings.
    Patch {
        /// Which connection.
        connection: usize,
        /// Decides what.
        chance: u64,
    },
    /// All cursors of an account become too old.
    Expire(usize),
    /// The other tool syncs.
    Foreign {
        /// Decides what.
        chance: u64,
    },
}

/// How a run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ride {
    /// Decides the order of turns.
    pub chance: u64,
    /// Whether faults strike.
    pub stormy: bool,
    /// At which turn the process dies, and whether that turn still takes effect.
    pub crash: Option<(u32, bool)>,
    /// What people do meanwhile, and at which turn.
    pub during: Vec<(u32, Act)>,
    /// How many slices are waited for.
    pub slices: u32,
}

/// A history.
#[derive(Clone, Debug)]
pub struct History {
    /// The seed that it came from.
    pub seed: u64,
    /// Its kind.
    pub class: Class,
    /// Its stage.
    pub setup: Setup,
    /// What happens.
    pub ops: Vec<Op>,
}

impl History {
    /// The history of a seed; of a given kind, or of the one that the seed says.
    pub fn of(seed: u64, class: Option<Class>) -> Self {
        Self::drawn(seed, class, true)
    }

    /// The same; where nobody's partner leaves along, it is what was drawn before there was leaving.
    pub fn drawn(seed: u64, class: Option<Class>, leaving: bool) -> Self {
        let mut chance = Chance::new(seed);
        let drawn = *chance.pick(&Class::ALL);
        let class = class.unwrap_or(drawn);
        let mut setup = setup(class, &mut chance);
        for wish in &mut setup.wishes {
            wish.leaves &= leaving;
        }
        let mut ops = ops(class, &setup, &mut chance);
        ops.extend(comings_and_goings(class, &setup, &mut chance));
        Self {
            seed,
            class,
            setup,
            ops,
        }
    }
}

fn setup(class: Class, chance: &mut Chance) -> Setup {
    let accounts = match class {
        Class::Ring => vec![0, 0, 0],
        Class::Tenants => vec![0, 0, 1, 1],
        _ => vec![0, 0],
    };
    let pairs: &[(usize, [usize; 2])] = match class {
        Class::Ring => &[(0, [0, 1]), (0, [1, 2]), (0, [2, 0])],
        Class::Twice => &[(0, [0, 1]), (0, [0, 1])],
        Class::Tenants => &[(0, [0, 1]), (1, [2, 3])],
        _ => &[(0, [0, 1])],
    };
    let accounts = accounts
        .into_iter()
        .map(|tenant| {
            let mut profile = Profile::random(chance);
            if class == Class::Ring {
                // What one connection wrote must be there for the next one to see: they share no link that remembers.
                profile.lag = Duration::ZERO;
                // Where two accounts only give a field, the third has two masters, and no value that is equal to both.
                profile.read_only = None;
            }
            (tenant, profile)
        })
        .collect();
    let mut wishes: Vec<Wish> = pairs
        .iter()
        .map(|(tenant, accounts)| wish(class, *tenant, *accounts, chance))
        .collect();
    if class == Class::Twice {
        // Two connections of a pair differ in their collections, and in what flows which way.
        wishes[1] = Wish {
            grouped: wishes[1].grouped,
            direction: wishes[1].direction,
            one_way: wishes[1].one_way,
            ..wishes[0].clone()
        };
    }
    // Of its own: the histories of before stay as they were.
    let mut own = chance.clone();
    for _ in 0..=wishes.len() {
        own.next();
    }
    let leaves = own.percent(65);
    for wish in &mut wishes {
        wish.leaves = leaves;
    }
    let limit = *chance.clone().pick(&[0, 0, 0, 1, 2, 5]);
    Setup {
        limit: NonZeroU64::new(limit),
        accounts,
        wishes,
        slice: if class != Class::Ring && chance.percent(15) {
            1
        } else {
            60
        },
        batch: *chance.pick(&[2, 3, 1000, 1000]),
    }
}

fn wish(class: Class, tenant: usize, accounts: [usize; 2], chance: &mut Chance) -> Wish {
    use DeletionPolicy::{Delete, Ignore, Mark, Unlink};
    let often = |yes: bool, usual: u32| if yes { 65 } else { usual };
    let plain = matches!(class, Class::Ring | Class::Foreign);
    let deleting = matches!(class, Class::Deletions | Class::Guards | Class::Wild);
    let fate = |chance: &mut Chance| match () {
        // Where a deletion is ignored, the others bring the record back, without end.
        () if class == Class::Ring => Delete,
        () if deleting => *chance.pick(&[Delete, Delete, Delete, Mark, Unlink, Ignore]),
        () => *chance.pick(&[Ignore, Delete]),
    };
    let filtering = matches!(class, Class::Filters | Class::Wild);
    let side = |chance: &mut Chance, usual: u32| {
        !plain && chance.percent(if filtering { 50 } else { usual })
    };
    let direction = if plain || !chance.percent(20) {
        Direction::TwoWay
    } else {
        *chance.pick(&[Direction::AToB, Direction::BToA])
    };
    let deletions = [fate(chance), fate(chance)];
    Wish {
        tenant,
        accounts,
        grouped: [side(chance, 5), side(chance, 5)],
        direction,
        conflict: if chance.percent(often(class == Class::Conflicts, 20)) {
            ConflictPolicy::Ask
        } else {
            *chance.pick(&[
                ConflictPolicy::AWins,
                ConflictPolicy::BWins,
                ConflictPolicy::MostRecent,
                ConflictPolicy::MostRecentOrB,
            ])
        },
        deletions,
        leaves: false,
        filtered: [side(chance, 5), side(chance, 5)],
        narrow: class == Class::Guards || chance.percent(10),
        one_way: (!plain && chance.percent(20)).then(|| {
            let flow = *chance.pick(&[Flow::AToB, Flow::BToA]);
            (chance.from(1, 4) as u8, flow)
        }),
        blank: if chance.percent(40) {
            Blank::Sync
        } else {
            Blank::Keep
        },
    }
}

fn ops(class: Class, setup: &Setup, chance: &mut Chance) -> Vec<Op> {
    let accounts = setup.accounts.len();
    let mut ops = Vec::new();
    for _ in 0..chance.from(2, 7) {
        ops.push(Op::Person(create(class, accounts, chance)));
    }
    ops.push(Op::Run(ride(class, setup, chance)));
    for _ in 0..chance.from(6, 22) {
        ops.push(op(class, setup, chance));
        if class == Class::Conflicts
            && let Some(Op::Person(Act::Edit {
                account,
                who,
                field,
            })) = ops.last().cloned()
        {
            // The same field on the other side.
            ops.push(Op::Person(Act::Edit {
                account: (account + 1) % accounts,
                who,
                field,
            }));
        }
    }
    ops
}

/// Somebody leaves a group and comes back, more often than chance alone would have it, where that takes the partner along.
fn comings_and_goings(class: Class, setup: &Setup, chance: &mut Chance) -> Vec<Op> {
    let mut grouped = Vec::new();
    for wish in setup.wishes.iter().filter(|wish| wish.leaves) {
        let sides = wish.accounts.iter().zip(wish.grouped);
        grouped.extend(sides.filter(|(_, is)| *is).map(|(account, _)| *account));
    }
    let mut ops = Vec::new();
    if grouped.is_empty() {
        return ops;
    }
    for _ in 0..chance.from(2, 4) {
        let account = *chance.pick(&grouped);
        let who = chance.below(4) as u16;
        for _ in 0..chance.from(2, 4) {
            ops.push(Op::Person(Act::Move { account, who }));
            ops.push(Op::Run(ride(class, setup, chance)));
        }
    }
    ops
}

fn op(class: Class, setup: &Setup, chance: &mut Chance) -> Op {
    let connections = setup.wishes.len();
    match chance.below(100) {
        0..=49 => Op::Person(act(class, setup.accounts.len(), chance)),
        50..=79 => Op::Run(ride(class, setup, chance)),
        80..=83 => Op::Wait(chance.from(1, 4000)),
        84..=86 => Op::Toggle(chance.below(connections as u64) as usize),
        87..=92 => Op::Answer {
            chance: chance.next(),
        },
        93..=94 if !matches!(class, Class::Calm | Class::Ring | Class::Foreign) => Op::Patch {
            connection: chance.below(connections as u64) as usize,
            chance: chance.next(),
        },
        95..=97 => Op::Expire(chance.below(setup.accounts.len() as u64) as usize),
        _ if class == Class::Foreign => Op::Foreign {
            chance: chance.next(),
        },
        _ => Op::Run(ride(class, setup, chance)),
    }
}

fn ride(class: Class, setup: &Setup, chance: &mut Chance) -> Ride {
    let stormy = match class {
        // Connections of a ring that read at different times make the same person twice: nothing tells one of the
        // other.
        Class::Calm | Class::Ring => false,
        Class::Storm | Class::Wild => true,
        _ => chance.percent(20),
    };
    let crash = match class {
        Class::Calm | Class::Ring => false,
        Class::Crashes => chance.percent(65),
        Class::Wild => chance.percent(30),
        _ => chance.percent(8),
    };
    let busy = match class {
        Class::Calm | Class::Ring => 0,
        Class::Conflicts | Class::Wild => 2,
        _ => u64::from(chance.percent(25)),
    };
    Ride {
        chance: chance.next(),
        stormy,
        crash: crash.then(|| (chance.below(70) as u32, chance.percent(50))),
        during: (0..chance.below(busy + 1))
            .map(|_| {
                let turn = chance.below(60) as u32;
                (turn, act(class, setup.accounts.len(), chance))
            })
            .collect(),
        slices: if class == Class::Ring {
            12
        } else {
            chance.from(1, 6) as u32
        },
    }
}

fn create(class: Class, accounts: usize, chance: &mut Chance) -> Act {
    let passes = !matches!(class, Class::Filters | Class::Wild) || chance.percent(60);
    Act::Create {
        account: chance.below(accounts as u64) as usize,
        // In a ring, people who share an address could be taken for one another differently by each connection.
        pool: (class != Class::Ring && chance.percent(25)).then(|| chance.below(4) as u8),
        passes: passes || chance.percent(50),
    }
}

fn act(class: Class, accounts: usize, chance: &mut Chance) -> Act {
    let account = chance.below(accounts as u64) as usize;
    let who = chance.below(9) as u16;
    let field = chance.below(MAPPED as u64) as u8;
    let deleting = matches!(class, Class::Deletions | Class::Guards | Class::Wild);
    let moving = matches!(class, Class::Filters | Class::Wild);
    let ring = matches!(class, Class::Ring | Class::Foreign);
    match chance.below(100) {
        50..=56 => Act::Clear {
            account,
            who,
            field,
        },
        57..=66 => Act::Tag {
            account,
            who,
            away: chance.percent(35),
        },
        67..=73 => Act::Touch { account, who },
        74..=80 => create(class, accounts, chance),
        81..=84 if moving || (!ring && chance.percent(10)) => Act::Move { account, who },
        85..=88 if moving || (!ring && chance.percent(10)) => Act::Pass { account, who },
        81..=92 if deleting || chance.percent(25) => Act::Delete { account, who },
        93..=94 if deleting => Act::Restore { account },
        95..=96 if deleting => Act::Merge {
            account,
            who,
            other: chance.below(9) as u16,
        },
        97 if deleting && chance.percent(30) => Act::Empty { account },
        _ => Act::Edit {
            account,
            who,
            field,
        },
    }
}
