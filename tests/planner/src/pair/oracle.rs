//! What the design says should become of one link. Written from the words of docs/architecture.md over small numbers,
//! not from the engine's code: values are numbers, sides are 0 and 1, nothing is shared but the model's nouns.

use syncline_model::{ConflictPolicy, DeletionPolicy, LinkState, Side};

use super::values::Shape;

/// What is true of one entry of the mapping, worked out from the connection by hand.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub shape: Shape,
    /// Whether values may flow from each side.
    pub from: [bool; 2],
    pub winner: ConflictPolicy,
    /// Whether a blank value never overwrites a filled one.
    pub keep: bool,
    /// Whether each side refuses a blank.
    pub required: [bool; 2],
}

/// What a link remembers of one entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub target: Option<u8>,
    pub seen: [Option<u8>; 2],
    pub rendered: [Option<u8>; 2],
    /// Whether each side was cleared after the target had got there, and has not been filled again yet.
    pub cleared: [bool; 2],
    pub resolution: Option<usize>,
    pub open: bool,
}

/// What should become of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub target: Option<u8>,
    pub write: [bool; 2],
    /// Who won a conflict; nobody (`None`) when a person is asked.
    pub conflict: Option<Option<usize>>,
}

/// Merges one entry. `newer` is the side changed last, beyond doubt.
pub fn merge(terms: &Terms, now: [u8; 2], known: &Known, newer: Option<usize>) -> Verdict {
    let [a, b] = now;
    if a == b {
        return Verdict {
            target: Some(a),
            write: [false; 2],
            conflict: None,
        };
    }
    if terms.shape == Shape::Set && terms.from == [true, true] {
        return merge_sets(terms, now, known);
    }
    let decide = || {
        known.resolution.or(match terms.winner {
            ConflictPolicy::AWins => Some(0),
            ConflictPolicy::BWins => Some(1),
            ConflictPolicy::MostRecent => Some(newer.unwrap_or(0)),
            ConflictPolicy::MostRecentOrB => Some(newer.unwrap_or(1)),
            ConflictPolicy::Ask => None,
        })
    };
    let by_policy = || match decide() {
        Some(winner) => reach(terms, now, now[winner], Some(Some(winner))),
        None => Verdict {
            target: known.target,
            write: [false; 2],
            conflict: Some(None),
        },
    };
    let Some(target) = known.target else {
        return match (now.map(|value| terms.shape.is_blank(value)), terms.from) {
            ([true, _], _) => reach(terms, now, b, None),
            ([_, true], _) => reach(terms, now, a, None),
            (_, [true, true]) => by_policy(),
            (_, [from_a, _]) => {
                let source = usize::from(!from_a);
                reach(terms, now, now[source], Some(Some(source)))
            }
        };
    };
    let changed = [0, 1].map(|side| {
        let said = [known.seen[side], known.target, known.rendered[side]];
        let cleared = terms.shape.is_blank(now[side]) && !terms.shape.is_blank(target);
        !(said.contains(&Some(now[side])) || terms.keep && cleared)
    });
    let arrived = [0, 1].map(|side| {
        let stood = known.cleared[side] || known.seen[side] == Some(target);
        stood || known.rendered[side].is_some()
    });
    if known.open && known.resolution.is_some() && terms.from == [true, true] {
        // Asked and answered: how the values came about counts no more.
        return by_policy();
    }
    match [0, 1].map(|side| changed[side] && terms.from[side]) {
        [true, true] => by_policy(),
        [false, false] => {
            let late = [0, 1]
                .into_iter()
                .find(|side| changed[*side] && !arrived[*side]);
            let mut verdict = reach(terms, now, target, late.map(|loser| Some(1 - loser)));
            for side in [0, 1] {
                let respelt = known.rendered[side] == Some(now[side]);
                let own = changed[side] && !terms.from[side] && arrived[side];
                verdict.write[side] &= !(respelt || own);
            }
            verdict
        }
        [first, _] => {
            let winner = usize::from(!first);
            let loser = 1 - winner;
            let blank = terms.shape.is_blank(target);
            let sent = !(blank && (terms.keep || terms.required[winner]));
            if terms.from[loser] && now[loser] == target && !arrived[winner] && sent {
                // The other side's edit is still on its way: two edits that did not know of one another.
                return by_policy();
            }
            let own = known.rendered[loser].is_some() && known.rendered[loser] != known.seen[loser];
            let named = changed[loser] || own;
            reach(terms, now, now[winner], named.then_some(Some(winner)))
        }
    }
}

/// The sides that must be written so that both say `target`.
fn reach(terms: &Terms, now: [u8; 2], target: u8, conflict: Option<Option<usize>>) -> Verdict {
    let blank = terms.shape.is_blank(target);
    Verdict {
        target: Some(target),
        write: [0, 1].map(|side| {
            let allowed = terms.from[1 - side] && !(blank && (terms.keep || terms.required[side]));
            allowed && now[side] != target
        }),
        conflict,
    }
}

/// What either side added is in, what either side took away is out.
fn merge_sets(terms: &Terms, now: [u8; 2], known: &Known) -> Verdict {
    let base = known.target.unwrap_or(0);
    let (mut added, mut removed) = (0, 0);
    for side in [0, 1] {
        let seen = known.seen[side].unwrap_or(0);
        added |= now[side] & !base & !seen;
        if !(terms.keep && now[side] == 0) {
            removed |= seen & !now[side];
        }
    }
    // What nobody shows or means any more is not known by its words.
    let set = (base | added) & !removed;
    let mut verdict = reach(terms, now, set, None);
    if known.target == Some(set) {
        for side in [0, 1] {
            verdict.write[side] &= known.rendered[side] != Some(now[side]);
        }
    }
    verdict
}

/// What was seen of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Nothing,
    /// The record, whether it passes its rules, and whether its version is another than the link's.
    Record {
        passes: bool,
        new: bool,
    },
    Gone,
    Outside,
}

/// What should become of the link as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// The tombstone goes: a record was restored alone.
    Forget,
    /// Nothing is written, and this is its state.
    Rest(LinkState),
    /// A guard holds it: nothing is written, and this is its state.
    Held(LinkState),
    /// The record on this side is made again.
    Remake(usize),
    /// The deletion on a side is carried to the other one.
    Carry(usize, DeletionPolicy),
    /// The record on a side left, and its partner is taken out of the collection.
    TakeOut(usize),
    /// The record on a side is put back into the collection, since its partner is back.
    PutBack(usize),
    /// The records are merged.
    Merge,
}

/// A connection's terms for whole records.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Whether records flow from each side.
    pub flows: [bool; 2],
    /// What a deletion on each side does.
    pub deletions: [DeletionPolicy; 2],
    /// Whether the partner of a record that leaves on each side is taken out.
    pub takes_out: [bool; 2],
    /// Whether a guard holds what follows from records gone on each side.
    pub held: [bool; 2],
}

/// A record that was taken out, or is on its way: its side, whether it is to be out, and whether that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart {
    pub side: usize,
    pub out: bool,
    pub done: bool,
}

const SIDES: [Side; 2] = [Side::A, Side::B];

/// The course of a link. `inside` are the sides whose record was seen to take part. `owed` says whether a side that is gone is owed an edit of the other.
pub fn course(
    state: LinkState,
    seen: [Seen; 2],
    (apart, inside): (Option<Apart>, [bool; 2]),
    scope: &Scope,
    owed: impl Fn(usize) -> bool,
) -> Course {
    let back = seen.map(|seen| matches!(seen, Seen::Record { new: true, .. }));
    let mut live = true;
    let came_back = LinkState::Live;
    let followed = match state {
        LinkState::Buried if back == [true, true] => came_back,
        LinkState::Buried if back == [false, false] => return Course::Rest(state),
        LinkState::Buried => return Course::Forget,
        LinkState::Severed { gone } => {
            let gone = usize::from(gone == Side::B);
            match (back[gone], seen[1 - gone]) {
                (true, Seen::Gone) => return Course::Forget,
                (true, _) => came_back,
                (false, Seen::Gone) => return Course::Rest(LinkState::Buried),
                (false, _) => return Course::Rest(state),
            }
        }
        LinkState::Live => state,
        LinkState::Frozen { .. } => {
            live = false;
            state
        }
    };
    // That a record is outside which we took out says nothing.
    let is_apart = |side: usize| apart.is_some_and(|apart| apart.side == side);
    let outside = |side: usize| match seen[side] {
        Seen::Outside => !is_apart(side),
        Seen::Record { passes, .. } => scope.flows[side] && !passes,
        Seen::Nothing => state == LinkState::Frozen { left: SIDES[side] } && !is_apart(side),
        Seen::Gone => false,
    };
    let gone = match seen {
        [Seen::Gone, Seen::Gone] => return Course::Rest(LinkState::Buried),
        [Seen::Gone, _] => Some(0),
        [_, Seen::Gone] => Some(1),
        _ => None,
    };
    if let Some(gone) = gone {
        let rest = 1 - gone;
        let carried = scope.deletions[gone] != DeletionPolicy::Ignore && scope.flows[gone];
        let inside = state != LinkState::Frozen { left: SIDES[gone] } && !outside(rest);
        let took_part = inside && apart.is_none();
        if carried && took_part && scope.flows[rest] && owed(gone) {
            return Course::Remake(gone);
        }
        if scope.held[gone] {
            return Course::Held(followed);
        }
        return if carried && took_part {
            Course::Carry(gone, scope.deletions[gone])
        } else {
            Course::Rest(LinkState::Severed { gone: SIDES[gone] })
        };
    }
    let due = |left: usize| {
        let partner = 1 - left;
        // Taken out once, at the moment of leaving; who is put back by hand stays.
        let is_news = match apart {
            None => state == LinkState::Live && inside[left] && !outside(partner),
            Some(apart) => apart.side == partner && (!apart.out || !apart.done),
        };
        scope.takes_out[left] && is_news
    };
    match [0, 1].into_iter().find(|side| outside(*side)) {
        Some(left) if (live || due(left)) && scope.held[left] => Course::Held(followed),
        Some(left) if due(left) => Course::TakeOut(left),
        Some(left) => Course::Rest(LinkState::Frozen { left: SIDES[left] }),
        None => match apart {
            None => Course::Merge,
            Some(apart) => {
                let is_in = !apart.out && apart.done;
                let is_read = matches!(seen[apart.side], Seen::Record { .. });
                if is_in && is_read {
                    Course::Merge
                } else {
                    Course::PutBack(apart.side)
                }
            }
        },
    }
}
