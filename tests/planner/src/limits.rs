//! Cases of the guards: what a whole run amounts to, which guards it trips, and what an approval covers. The oracle
//! goes by the words of docs/architecture.md (Scope, deletions, guards).

use syncline_engine::{Totals, beyond, guards};
use syncline_model::{
    DeletionPolicy, Deletions, Direction, GuardKind, GuardTrip, Guards, Side, Sides,
};

use crate::{Haste, ensure, guarded, rng::Rng, setup::Setup};

const SIDES: [Side; 2] = [Side::A, Side::B];

#[derive(Clone, Debug)]
struct Case {
    direction: Direction,
    deletions: [DeletionPolicy; 2],
    guards: Guards,
    links: u64,
    deleted: [u64; 2],
    left: [u64; 2],
    /// Records that leave and take their partners with them.
    parting: [u64; 2],
    day: u64,
    overwritten: [u64; 2],
    /// What a person agreed to, as shares of what is tripped: side, kind, records.
    agreed: Vec<(usize, GuardKind, u64)>,
    /// Carried over since then.
    since: [u64; 2],
}

/// A case from chance. Gives what did not hold and the case.
pub fn case(rng: &mut Rng, _: Haste) -> Option<(String, String)> {
    let small = |rng: &mut Rng| rng.below(16) as u64;
    let fate = |rng: &mut Rng| {
        rng.pick(&[
            DeletionPolicy::Ignore,
            DeletionPolicy::Delete,
            DeletionPolicy::Mark,
        ])
    };
    let kinds = [
        GuardKind::Deletions,
        GuardKind::Shrink,
        GuardKind::Overwrite,
    ];
    let mut case = Case {
        direction: rng.pick(&[Direction::TwoWay, Direction::AToB, Direction::BToA]),
        deletions: [fate(rng), fate(rng)],
        guards: Guards {
            deletions_min: rng.below(8) as u32,
            deletions_percent: rng.below(20) as u32,
            shrink_percent: rng.below(30) as u32,
            overwrite_percent: rng.below(40) as u32,
        },
        links: rng.below(60) as u64,
        deleted: [small(rng), small(rng)],
        left: [small(rng), small(rng)],
        parting: [0, 1].map(|_| if rng.coin() { small(rng) } else { 0 }),
        day: small(rng),
        overwritten: [small(rng), small(rng)],
        agreed: (0..rng.below(4))
            .map(|_| (rng.below(2), rng.pick(&kinds), rng.below(24) as u64))
            .collect(),
        since: [small(rng) / 4, small(rng) / 4],
    };
    // At the limit and one beyond it the guards are decided.
    let limits = &case.guards;
    let at_limit = |percent: u32, of: u64| {
        let limit = (case.links * u64::from(percent) / 100).max(u64::from(limits.deletions_min));
        limit.saturating_sub(of)
    };
    let side = rng.below(2);
    let beyond = u64::from(rng.coin());
    match rng.below(6) {
        0 => case.deleted[side] = at_limit(limits.deletions_percent, case.day) + beyond,
        3 => {
            let others = case.day + case.deleted[side];
            case.parting[side] = at_limit(limits.deletions_percent, others) + beyond;
        }
        1 => case.left[side] = at_limit(limits.shrink_percent, case.deleted[side]) + beyond,
        2 => case.overwritten[side] = at_limit(limits.overwrite_percent, 0) + beyond,
        _ => {}
    }
    let what = guarded(|| check(&case)).err()?;
    Some((what, format!("{case:?}")))
}

/// A guard that is tripped: which, on which side, how many records of it are still to come.
type Tripped = (GuardKind, Side, u64, u64);

fn expected(case: &Case) -> Vec<Tripped> {
    let mut tripped = Vec::new();
    let limit = |percent: u32| {
        let share = case.links * u64::from(percent) / 100;
        share.max(u64::from(case.guards.deletions_min))
    };
    for side in [0, 1] {
        let flows = match case.direction {
            Direction::TwoWay => true,
            Direction::AToB => side == 0,
            Direction::BToA => side == 1,
        };
        let deleted = case.deleted[side];
        let carried = flows && case.deletions[side] != DeletionPolicy::Ignore;
        let taken = case.parting[side] + if carried { deleted } else { 0 };
        if taken > 0 && taken + case.day > limit(case.guards.deletions_percent) {
            tripped.push((GuardKind::Deletions, SIDES[side], taken + case.day, taken));
        }
        let missing = deleted + case.left[side];
        let all = case.links > 1 && missing >= case.links;
        if all || missing > limit(case.guards.shrink_percent) {
            tripped.push((GuardKind::Shrink, SIDES[side], missing, missing));
        }
    }
    for side in [0, 1] {
        let count = case.overwritten[side];
        if count > limit(case.guards.overwrite_percent) {
            tripped.push((GuardKind::Overwrite, SIDES[side], count, count));
        }
    }
    tripped
}

fn check(case: &Case) -> Result<(), String> {
    let mut policy = Setup::one_field()
        .with(|setup| {
            setup.direction = case.direction;
            setup.deletions = Deletions {
                a_to_b: case.deletions[0],
                b_to_a: case.deletions[1],
            };
        })
        .policy();
    policy.guards = case.guards;
    let key = policy.entries[0].key.clone();
    let both = |values: [u64; 2]| Sides {
        a: values[0],
        b: values[1],
    };
    let missing = [0, 1].map(|side| case.deleted[side] + case.left[side]);
    let totals = Totals {
        links: case.links,
        deleted: both(case.deleted),
        missing: both(missing),
        parting: both(case.parting),
        deletions_24h: case.day,
        overwrites: [0, 1]
            .map(|side| ((key.clone(), SIDES[side]), case.overwritten[side]))
            .into(),
    };
    let trips = guards(&totals, &policy);
    let short = |trip: &GuardTrip| (trip.kind, trip.from, trip.count, trip.count - trip.carried);
    let got: Vec<Tripped> = trips.iter().map(short).collect();
    let want = expected(case);
    ensure!(got == want, "trips {got:?}, not {want:?}");
    let agreed: Vec<GuardTrip> = case
        .agreed
        .iter()
        .map(|(side, kind, count)| GuardTrip {
            kind: *kind,
            from: SIDES[*side],
            entry: (*kind == GuardKind::Overwrite).then(|| key.as_str().to_owned()),
            count: *count,
            limit: 0,
            carried: 0,
        })
        .collect();
    let stands = |(kind, side, _, open): &Tripped| {
        let done = match kind {
            GuardKind::Overwrite => 0,
            _ => case.since[usize::from(*side == Side::B)],
        };
        !case
            .agreed
            .iter()
            .any(|(at, shown, count)| shown == kind && SIDES[*at] == *side && open + done <= *count)
    };
    let left: Vec<Tripped> = beyond(trips, &agreed, &both(case.since))
        .iter()
        .map(short)
        .collect();
    let want: Vec<Tripped> = want.into_iter().filter(stands).collect();
    ensure!(
        left == want,
        "beyond what was agreed {left:?}, not {want:?}"
    );
    Ok(())
}
