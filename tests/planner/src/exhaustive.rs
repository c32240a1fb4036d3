//! Every small state of one and of two fields under every policy, against a merge written independently (I-6).
//!
//! A state is what the two sides say and what the link remembers: (a, b, target, seen_a, seen_b). A value is blank
//! or one of three; the link remembers all three or nothing (first contact). One field: 4 x 4 x (4^3 + 1) = 1 040.

use syncline_engine::{
    LinkedPair, Observation, Operation, Outcome, Plan, Policy, Sight, plan, settle,
};
use syncline_model::{
    Blank, ConflictPolicy, Direction, Link, LinkBody, LinkId, LinkState, PairId, RemoteId, Side,
    Sides, Slots, Value, Version,
};

use crate::{
    Failure, Report, ensure, guarded, in_parallel,
    setup::{Setup, fields, key, record, text},
};

/// One field's state; values are 0 (blank) to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    now: [u8; 2],
    /// Target, seen on a, seen on b.
    known: Option<[u8; 3]>,
}

const VALUES: u8 = 4;

fn states(values: u8) -> Vec<State> {
    let mut all = Vec::new();
    for a in 0..values {
        for b in 0..values {
            all.push(State {
                now: [a, b],
                known: None,
            });
            for target in 0..values {
                for seen_a in 0..values {
                    for seen_b in 0..values {
                        all.push(State {
                            now: [a, b],
                            known: Some([target, seen_a, seen_b]),
                        });
                    }
                }
            }
        }
    }
    all
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    direction: Direction,
    conflict: ConflictPolicy,
    blank: Blank,
}

fn all_rules() -> Vec<Rules> {
    let mut all = Vec::new();
    for direction in [Direction::TwoWay, Direction::AToB, Direction::BToA] {
        for conflict in [
            ConflictPolicy::AWins,
            ConflictPolicy::BWins,
            ConflictPolicy::Ask,
        ] {
            for blank in [Blank::Keep, Blank::Sync] {
                all.push(Rules {
                    direction,
                    conflict,
                    blank,
                });
            }
        }
    }
    all
}

/// What the two sides hold in the end, and whether a conflict is named. Written from the words of the design, not
/// from the code: sides that agree are done; a side has changed when it says neither what was seen nor the target
/// (clearing does not count under keep); one changed source gives the value; two go to the policy, and so do one and
/// an earlier edit of the other source that never got there (under keep a blank is not on its way anywhere); a side that
/// only receives is overruled when the source changes, or when the source's last value never got there.
fn reference(state: State, rules: Rules) -> ([u8; 2], bool) {
    let [a, b] = state.now;
    let flows = [
        rules.direction != Direction::BToA,
        rules.direction != Direction::AToB,
    ];
    if a == b {
        return ([a, b], false);
    }
    let policy = match rules.conflict {
        ConflictPolicy::AWins => Some(0),
        ConflictPolicy::BWins => Some(1),
        _ => None,
    };
    let keep = rules.blank == Blank::Keep;
    let reach = |value: u8| {
        [0, 1].map(|side| {
            let written = flows[1 - side] && !(value == 0 && keep);
            if written { value } else { state.now[side] }
        })
    };
    let Some([target, seen_a, seen_b]) = state.known else {
        if a == 0 || b == 0 {
            return (reach(a.max(b)), false);
        }
        let source = if flows[0] && flows[1] {
            policy
        } else {
            Some(usize::from(!flows[0]))
        };
        return source.map_or((state.now, true), |side| (reach(state.now[side]), true));
    };
    let seen = [seen_a, seen_b];
    let changed = [0, 1].map(|side| {
        let now = state.now[side];
        now != seen[side] && now != target && !(keep && now == 0 && target != 0)
    });
    let undelivered = [0, 1].map(|side| seen[side] != target);
    match [0, 1].map(|side| changed[side] && flows[side]) {
        [true, true] => policy.map_or((state.now, true), |side| (reach(state.now[side]), true)),
        [false, false] => {
            let mut end = reach(target);
            let own = [0, 1].map(|side| changed[side] && !undelivered[side]);
            for side in 0..2 {
                if own[side] {
                    end[side] = state.now[side];
                }
            }
            let named = (0..2).any(|side| changed[side] && undelivered[side]);
            (end, named)
        }
        [first, _] => {
            let (winner, loser) = if first { (0, 1) } else { (1, 0) };
            let on_its_way = undelivered[winner] && state.now[loser] == target;
            if flows[loser] && on_its_way && !(keep && target == 0) {
                return policy.map_or((state.now, true), |side| (reach(state.now[side]), true));
            }
            (reach(state.now[winner]), changed[loser])
        }
    }
}

fn value(number: u8) -> Value {
    match number {
        0 => Value::Empty,
        number => Value::text(format!("v{number}")),
    }
}

fn number(value: &Value) -> u8 {
    value
        .as_text()
        .and_then(|text| text[1..].parse().ok())
        .unwrap_or(0)
}

const NAMES: [&str; 2] = ["x", "y"];

fn policy(rules: Rules, count: usize) -> Policy {
    let list = || {
        NAMES[..count]
            .iter()
            .map(|name| text(name))
            .collect::<Vec<_>>()
    };
    Setup::new(list(), list())
        .with(|setup| {
            setup.direction = rules.direction;
            setup.conflict = rules.conflict;
            for entry in &mut setup.mapping.entries {
                entry.blank = rules.blank;
            }
        })
        .policy()
}

fn sight(side: usize, version: &str, now: &[u8]) -> Sight {
    let texts: Vec<String> = now.iter().map(|n| number_text(*n)).collect();
    let pairs: Vec<(&str, &str)> = NAMES
        .iter()
        .copied()
        .zip(texts.iter().map(String::as_str))
        .collect();
    Sight::Present(Box::new(record(["a", "b"][side], version, fields(&pairs))))
}

fn number_text(n: u8) -> String {
    if n == 0 {
        String::new()
    } else {
        format!("v{n}")
    }
}

fn link(states: &[State], body: Option<LinkBody>) -> Link {
    let slots = |index: usize| -> Slots {
        let all = NAMES.iter().zip(states);
        all.filter_map(|(name, state)| Some((key(name, name), value(state.known?[index]))))
            .collect()
    };
    Link {
        id: LinkId::NIL,
        pair: PairId::NIL,
        remote: Sides {
            a: RemoteId::new("a"),
            b: RemoteId::new("b"),
        },
        version: Sides::of(|_| Some(Version::new("v0"))),
        modified_at: Sides::default(),
        state: LinkState::Live,
        body: body.unwrap_or_else(|| LinkBody {
            target: slots(0),
            seen: Sides {
                a: slots(1),
                b: slots(2),
            },
            ..LinkBody::default()
        }),
    }
}

fn planned(policy: &Policy, link: &Link, now: &[Vec<u8>; 2]) -> Plan {
    let sight = Sides {
        a: sight(0, "v1", &now[0]),
        b: sight(1, "v1", &now[1]),
    };
    let pair = LinkedPair::new(link.clone(), sight);
    plan(
        &Observation {
            linked: vec![pair],
            ..Observation::default()
        },
        policy,
    )
}

/// What is true after one run.
struct After {
    there: [Vec<u8>; 2],
    link: Link,
    conflicts: usize,
    calls: usize,
}

/// Carries the plan out where `works` says so.
fn carried_out(
    policy: &Policy,
    link: &Link,
    now: &[Vec<u8>; 2],
    works: [bool; 2],
) -> Result<After, String> {
    let plan = planned(policy, link, now);
    let mut there = now.clone();
    let mut outcomes = Vec::new();
    for (_, operation) in plan.operations() {
        let Operation::Update { side, changes, .. } = operation else {
            return Err(format!("not an update: {operation:?}"));
        };
        let at = usize::from(*side == Side::B);
        for (name, value) in changes {
            let index = usize::from(name.as_str() == "y");
            ensure!(
                there[at][index] != number(value),
                "a value is sent that stands there: {operation:?}"
            );
            if works[at] {
                there[at][index] = number(value);
            }
        }
        outcomes.push(if works[at] {
            let id = RemoteId::new(["a", "b"][at]);
            Outcome::Done {
                id,
                version: None,
                modified_at: None,
                fields: None,
            }
        } else {
            Outcome::Later
        });
    }
    let settled = settle(&plan, &outcomes, policy).swap_remove(0);
    let body = match settled.link {
        syncline_engine::LinkWrite::Put(put) => put.body,
        _ => link.body.clone(),
    };
    Ok(After {
        there,
        link: self::link(&[], Some(body)),
        conflicts: settled.conflicts.len(),
        calls: outcomes.len(),
    })
}

const FAULTS: [[bool; 2]; 4] = [[true, true], [true, false], [false, true], [false, false]];

/// Checks one state of one or two fields. Every field must go its own way, whatever the other one does.
fn check(policy: &Policy, rules: Rules, states: &[State]) -> Result<(), String> {
    let now = [0, 1].map(|side| {
        states
            .iter()
            .map(|state| state.now[side])
            .collect::<Vec<_>>()
    });
    let ends: Vec<([u8; 2], bool)> = states
        .iter()
        .map(|state| reference(*state, rules))
        .collect();
    let want = [0, 1].map(|side| ends.iter().map(|(end, _)| end[side]).collect::<Vec<_>>());
    let named = ends.iter().filter(|(_, named)| *named).count();
    let before = link(states, None);
    for works in FAULTS {
        let mut after = carried_out(policy, &before, &now, works)?;
        ensure!(
            after.conflicts == named,
            "{} conflicts, not {named} ({works:?})",
            after.conflicts
        );
        if works != [true, true] {
            // What failed is done now. A row that was kept shows its record as it is: nothing else changes.
            after = carried_out(policy, &after.link, &after.there, [true, true])?;
            ensure!(after.conflicts == 0, "a conflict named twice ({works:?})");
        }
        ensure!(
            after.there == want,
            "ends as {:?}, not {want:?} ({works:?})",
            after.there
        );
        let quiet = carried_out(policy, &after.link, &after.there, [true, true])?;
        ensure!(
            (&quiet.there, quiet.conflicts, quiet.calls) == (&after.there, 0, 0),
            "not quiet ({works:?})"
        );
        ensure!(quiet.link == after.link, "not idempotent ({works:?})");
    }
    Ok(())
}

/// Swapping a and b gives the mirrored plan (invariant 5).
fn check_mirror(one: &Policy, mirrored: &Policy, state: State) -> Result<(), String> {
    let State { now: [a, b], known } = state;
    let swapped = State {
        now: [b, a],
        known: known.map(|[t, x, y]| [t, y, x]),
    };
    let run = |policy: &Policy, state: State| {
        let now = state.now.map(|n| vec![n]);
        carried_out(policy, &link(&[state], None), &now, [true, true])
    };
    let (left, right) = (run(one, state)?, run(mirrored, swapped)?);
    ensure!(
        [&left.there[0], &left.there[1]] == [&right.there[1], &right.there[0]],
        "the mirrored end differs"
    );
    ensure!(
        (left.conflicts, left.calls) == (right.conflicts, right.calls),
        "the mirrored plan differs"
    );
    let (left, right) = (&left.link.body, &right.link.body);
    ensure!(
        left.target == right.target
            && left.seen.a == right.seen.b
            && left.rendered.a == right.rendered.b,
        "the mirrored memory differs"
    );
    Ok(())
}

/// No invention (I-5): what is held afterwards was held before or was the target.
fn check_origin(policy: &Policy, state: State) -> Result<(), String> {
    let now = state.now.map(|n| vec![n]);
    let after = carried_out(policy, &link(&[state], None), &now, [true, true])?;
    let known = state.known.map(|known| known[0]);
    for value in after.there.iter().flatten() {
        ensure!(
            state.now.contains(value) || known == Some(*value),
            "{value} was invented"
        );
    }
    Ok(())
}

fn mirrored(rules: Rules) -> Rules {
    Rules {
        direction: match rules.direction {
            Direction::AToB => Direction::BToA,
            Direction::BToA => Direction::AToB,
            Direction::TwoWay => Direction::TwoWay,
        },
        conflict: match rules.conflict {
            ConflictPolicy::AWins => ConflictPolicy::BWins,
            ConflictPolicy::BWins => ConflictPolicy::AWins,
            other => other,
        },
        blank: rules.blank,
    }
}

/// Every state of one field under every policy (1 040 x 18), and every state of two fields, each blank or one of two
/// values: 3 x 3 x (3^3 + 1) = 252 states a field, 63 504 together, with the policies dealt out in turn. First
/// contact of one field alone is an entry added to the mapping later.
pub fn run(threads: usize) -> Report {
    let rules = all_rules();
    let single: Vec<(Policy, Policy)> = rules
        .iter()
        .map(|rules| (policy(*rules, 1), policy(mirrored(*rules), 1)))
        .collect();
    let double: Vec<Policy> = rules.iter().map(|rules| policy(*rules, 2)).collect();
    let one = states(VALUES);
    let two = states(3);
    let singles = one.len() * rules.len();
    let all = singles + two.len() * two.len();
    in_parallel(0, all as u64, threads, &|index| {
        let index = index as usize;
        let (rules, states, outcome) = if index < singles {
            let (at, state) = (index / one.len(), one[index % one.len()]);
            let (policy, mirror) = &single[at];
            let outcome = guarded(|| {
                check(policy, rules[at], &[state])?;
                check_mirror(policy, mirror, state)?;
                check_origin(policy, state)
            });
            (rules[at], vec![state], outcome)
        } else {
            let index = index - singles;
            let (at, x, y) = (
                index % rules.len(),
                two[index / two.len()],
                two[index % two.len()],
            );
            let outcome = guarded(|| check(&double[at], rules[at], &[x, y]));
            (rules[at], vec![x, y], outcome)
        };
        outcome.err().map(|what| Failure {
            case: format!("state {index}"),
            what,
            shortest: format!("{states:?} under {rules:?}"),
        })
    })
}
