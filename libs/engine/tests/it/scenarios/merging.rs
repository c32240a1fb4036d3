//! Edits, conflicts, half-done writes and providers with a spelling of their own.

use syncline_engine::{Held, LinkWrite, Operation, Totals, guards, overwrites, plan};
use syncline_model::{
    Blank, ClockSkew, ConflictPolicy, DeletionPolicy, Direction, Flow, GuardKind, LinkState,
    RemoteId, Side, Value,
};

use super::{holds, linked_x, only, quiet};
use crate::{
    fixture::{Setup, book, crm, fields, key, text},
    sim::{Fate, World},
};

#[test]
fn bogus_version_change_writes_nothing() {
    let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
    world.touch(Side::A, &a);
    world.touch(Side::B, &b);
    assert_eq!(world.run(), 0);
    assert!(world.conflicts.is_empty());
}

/// F-04, finding 1: the target is ours, so the merge is finished without taking it for an edit.
#[test]
fn half_applied_merge_is_finished() {
    let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.run_with(&mut only(Side::B, Fate::Later));
    holds(&world, "x", (&a, "a1"), (&b, "x"));
    assert_eq!(world.run(), 1);
    holds(&world, "x", (&a, "a1"), (&b, "a1"));
    assert!(world.conflicts.is_empty());
    quiet(&mut world);
}

/// How two edits of which neither knew the other end: who wins under each policy, `None` where a person is asked.
const ENDS: [(ConflictPolicy, Option<Side>); 5] = [
    (ConflictPolicy::AWins, Some(Side::A)),
    (ConflictPolicy::BWins, Some(Side::B)),
    (ConflictPolicy::MostRecent, Some(Side::B)),
    (ConflictPolicy::MostRecentOrB, Some(Side::B)),
    (ConflictPolicy::Ask, None),
];

/// The two edits are a conflict, decided by the policy; an answer of a person's decides what was left open.
#[track_caller]
fn contested(world: &mut World, ids: (&RemoteId, &RemoteId), winner: Option<Side>) {
    let value = |side: Side| if side == Side::A { "a1" } else { "b1" };
    let [conflict] = world.conflicts.as_slice() else {
        panic!("{:?}", world.conflicts);
    };
    assert_eq!(conflict.winner, winner);
    assert_eq!(
        [&conflict.values.a, &conflict.values.b],
        [&Value::text("a1"), &Value::text("b1")]
    );
    if let Some(winner) = winner {
        holds(world, "x", (ids.0, value(winner)), (ids.1, value(winner)));
        quiet(world);
        return;
    }
    holds(world, "x", (ids.0, "a1"), (ids.1, "b1"));
    quiet(world);
    for answer in Side::BOTH {
        let mut world = world.clone();
        for link in world.links.values_mut() {
            link.body.resolutions.insert(key("x", "x"), answer);
        }
        world.run();
        holds(&world, "x", (ids.0, value(answer)), (ids.1, value(answer)));
        let told: Vec<_> = world.conflicts.iter().map(|c| c.winner).collect();
        assert_eq!(told, [None, Some(answer)], "asked once, answered once");
        quiet(&mut world);
    }
}

fn under(policy: ConflictPolicy) -> (World, RemoteId, RemoteId) {
    linked_x(&Setup::one_field().with(|s| s.conflict = policy), "x")
}

fn edited_at(world: &mut World, side: Side, id: &RemoteId, value: &str, at: i64) {
    world.edit(side, id, &[("x", value.into())]);
    let record = world.sides.get_mut(side).records.get_mut(id).expect("it");
    record.modified_at = chrono::DateTime::from_timestamp(at, 0);
}

/// An edit became the target and its write failed; before it is written again, the other side is edited.
#[test]
fn edit_on_its_way_and_a_newer_edit_of_the_other_side_are_a_conflict() {
    for (policy, winner) in ENDS {
        for fate in [Fate::Later, Fate::UnknownNot, Fate::Refused] {
            let (mut world, a, b) = under(policy);
            edited_at(&mut world, Side::A, &a, "a1", 100);
            world.run_with(&mut |_| fate);
            edited_at(&mut world, Side::B, &b, "b1", 200);
            world.run();
            contested(&mut world, (&a, &b), winner);

            // The same the other way round: b's edit is on its way.
            let (mut world, a, b) = under(policy);
            edited_at(&mut world, Side::B, &b, "b1", 200);
            world.run_with(&mut |_| fate);
            edited_at(&mut world, Side::A, &a, "a1", 100);
            world.run();
            contested(&mut world, (&a, &b), winner);
        }
    }
}

/// The pull did not show one side's edit; the other one's is written there, is refused for its stale version, and the
/// record is read and planned again in the same run.
#[test]
fn edit_that_the_pull_missed_is_found_by_the_refused_write_and_is_a_conflict() {
    for (policy, winner) in ENDS {
        for missed in Side::BOTH {
            let (mut world, a, b) = under(policy);
            edited_at(&mut world, Side::A, &a, "a1", 100);
            edited_at(&mut world, Side::B, &b, "b1", 200);
            *world.hears.get_mut(missed) = false;
            world.run();
            assert_eq!(world.calls[0].side(), missed, "written unseen");
            contested(&mut world, (&a, &b), winner);
        }
    }
}

/// Only an edit of the same field is contested: the other fields of both records go their way.
#[test]
fn other_fields_of_a_missed_record_are_no_conflict() {
    let both = || vec![text("x"), text("y")];
    let setup = Setup::new(both(), both()).with(|s| s.conflict = ConflictPolicy::AWins);
    let (mut world, a, b) = linked_x(&setup, "x");
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.edit(Side::B, &b, &[("x", "b1".into()), ("y", "b2".into())]);
    world.hears.a = false;
    world.run();
    contested(&mut world, (&a, &b), Some(Side::A));
    holds(&world, "y", (&a, "b2"), (&b, "b2"));
}

/// An edit that lost is not brought back by a deletion, but one that stays with its record beats the deletion of the
/// other record, whoever would have won the field.
#[test]
fn edit_of_the_record_that_stays_beats_a_deletion_whatever_was_on_its_way() {
    let setup = Setup::one_field().deleting(DeletionPolicy::Delete);
    let (mut world, a, b) = linked_x(&setup, "x");
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.run_with(&mut |_| Fate::Later);
    world.edit(Side::B, &b, &[("x", "b1".into())]);
    world.delete(Side::A, &a);
    world.run();
    let link = world.link_of(Side::B, &b).expect("a link");
    assert_eq!(link.state, LinkState::Live);
    let again = link.remote.a.clone();
    holds(&world, "x", (&again, "b1"), (&b, "b1"));
    quiet(&mut world);
}

/// A blank that is never sent stands against nothing: the other side's edit fills it.
#[test]
fn blank_that_keeps_is_no_edit_on_its_way() {
    let setup = Setup::new(crm(), book()).with(|s| s.conflict = ConflictPolicy::BWins);
    let mut world = World::new(setup.policy());
    let b = world.add(Side::B, fields(&[("org", "Acme")]));
    world.run();
    let a = world.link_of(Side::B, &b).expect("a link").remote.a.clone();
    assert_eq!(world.value(Side::A, &a, "Last_Name"), "Acme".into());
    quiet(&mut world);
    // A person replaces the stand-in by a name.
    world.edit(Side::A, &a, &[("Last_Name", "Lee".into())]);
    world.run();
    assert_eq!(world.value(Side::A, &a, "Last_Name"), "Lee".into());
    assert_eq!(world.value(Side::B, &b, "family"), "Lee".into());
    assert!(world.conflicts.is_empty(), "{:?}", world.conflicts);
    quiet(&mut world);
}

#[test]
fn overruled_value_does_not_come_back_after_a_failed_write() {
    for fate in [
        Fate::Later,
        Fate::UnknownDone,
        Fate::UnknownNot,
        Fate::Refused,
    ] {
        let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
        world.edit(Side::A, &a, &[("x", "a1".into())]);
        world.edit(Side::B, &b, &[("x", "b1".into())]);
        world.run_with(&mut |_| fate);
        assert_eq!(world.conflicts.len(), 1);
        world.run();
        holds(&world, "x", (&a, "a1"), (&b, "a1"));
        assert_eq!(world.conflicts.len(), 1, "named once");
        quiet(&mut world);
    }
}

/// One side was written, the other was not, and the plan is made again from the rows that are still there: they must
/// not tell of the values from before the write as if they were new edits.
#[test]
fn stale_row_is_no_edit_when_only_one_of_two_writes_was_done() {
    for (late, fate) in [
        (Side::A, Fate::Later),
        (Side::B, Fate::Later),
        (Side::A, Fate::Refused),
        (Side::B, Fate::Refused),
    ] {
        let setup = Setup::new(vec![text("x"), text("y")], vec![text("x"), text("y")]);
        let (mut world, a, b) = linked_x(&setup, "x");
        world.edit(Side::A, &a, &[("x", "a1".into())]);
        world.edit(Side::B, &b, &[("y", "b1".into())]);
        world.run_with(&mut only(late, fate));
        // The echo does not come: only what is staged is planned.
        world.replan();
        let again = plan(&world.observe(), &world.policy);
        world.carry_out(&again, &mut |_| Fate::Done);
        holds(&world, "x", (&a, "a1"), (&b, "a1"));
        holds(&world, "y", (&a, "b1"), (&b, "b1"));
        quiet(&mut world);
    }
}

#[test]
fn row_that_waits_for_an_answer_does_not_undo_what_was_written_meanwhile() {
    let setup = Setup::new(vec![text("x"), text("y")], vec![text("x"), text("y")])
        .with(|s| s.mapping.entries[0].winner = Some(ConflictPolicy::Ask));
    let (mut world, a, b) = linked_x(&setup, "x");
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.edit(Side::B, &b, &[("x", "b1".into()), ("y", "b2".into())]);
    // One plan, without the pull that would show the echo.
    for side in Side::BOTH {
        world.pull(side);
    }
    for _ in 0..2 {
        let plan = plan(&world.observe(), &world.policy);
        world.carry_out(&plan, &mut |_| Fate::Done);
        world.replan();
    }
    holds(&world, "y", (&a, "b2"), (&b, "b2"));
    holds(&world, "x", (&a, "a1"), (&b, "b1"));
    assert_eq!(world.calls.len(), 1, "written once");
}

#[test]
fn ask_waits_and_the_answer_is_used_once() {
    let setup = Setup::one_field().with(|s| s.conflict = ConflictPolicy::Ask);
    let (mut world, a, b) = linked_x(&setup, "x");
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.edit(Side::B, &b, &[("x", "b1".into())]);
    for _ in 0..3 {
        assert_eq!(world.run(), 0);
        holds(&world, "x", (&a, "a1"), (&b, "b1"));
        assert_eq!(world.conflicts.len(), 1, "reported once");
        assert_eq!(world.conflicts[0].winner, None);
    }
    for link in world.links.values_mut() {
        link.body.resolutions.insert(key("x", "x"), Side::B);
    }
    assert_eq!(world.run(), 1);
    holds(&world, "x", (&a, "b1"), (&b, "b1"));
    quiet(&mut world);
    assert!(
        world
            .links
            .values()
            .all(|l| l.body.resolutions.is_empty() && l.body.open.is_empty())
    );
    world.edit(Side::A, &a, &[("x", "a2".into())]);
    world.edit(Side::B, &b, &[("x", "b2".into())]);
    assert_eq!(world.run(), 0, "a new conflict is asked about anew");
}

#[test]
fn ask_at_first_contact_writes_nothing() {
    let setup = Setup::new(
        vec![
            text("x"),
            crate::fixture::field("email.work", syncline_model::Kind::Email),
        ],
        vec![
            text("x"),
            crate::fixture::field("email.work", syncline_model::Kind::Email),
        ],
    )
    .with(|s| s.conflict = ConflictPolicy::Ask);
    let mut world = World::new(setup.policy());
    let mail = ("email.work", "ann@example.com");
    world.add(Side::A, fields(&[("x", "a"), mail]));
    world.add(Side::B, fields(&[("x", "b"), mail]));
    assert_eq!(world.run(), 0);
    assert_eq!(world.links.len(), 1);
    quiet(&mut world);
}

/// F-42: the second run writes nothing, whatever the provider makes of a value.
#[test]
fn provider_respelling_is_written_once() {
    type Spelling = fn(&syncline_model::FieldName, &Value) -> Value;
    let spellings: [Spelling; 4] = [
        |_, value| Value::text(format!(" {}", value.as_text().unwrap_or("").to_uppercase())),
        |_, value| value.as_text().unwrap_or("").get(..2).unwrap_or("").into(),
        |_, _| Value::Empty,
        |_, _| "constant".into(),
    ];
    for (index, spelling) in spellings.into_iter().enumerate() {
        for blank in [Blank::Keep, Blank::Sync] {
            let setup = Setup::one_field().with(|s| s.mapping.entries[0].blank = blank);
            let (mut world, a, b) = linked_x(&setup, "x");
            world.sides.b.spelling = Some(spelling);
            world.edit(Side::A, &a, &[("x", "abcd".into())]);
            assert_eq!(world.run(), 1, "spelling {index}");
            quiet(&mut world);
            assert_eq!(
                world.value(Side::A, &a, "x"),
                "abcd".into(),
                "spelling {index}"
            );
            // A person's edit there is an edit all the same.
            world.edit(Side::B, &b, &[("x", "new".into())]);
            world.run();
            holds(&world, "x", (&a, "new"), (&b, "new"));
        }
    }
}

#[test]
fn blank_is_filled_again_or_carried_over_as_the_mapping_says() {
    let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
    world.edit(Side::A, &a, &[("x", Value::Empty)]);
    assert_eq!(world.run(), 1);
    holds(&world, "x", (&a, "x"), (&b, "x"));
    quiet(&mut world);

    let sync = Setup::one_field().with(|s| s.mapping.entries[0].blank = Blank::Sync);
    let (mut world, a, b) = linked_x(&sync, "x");
    world.edit(Side::A, &a, &[("x", Value::Empty)]);
    assert_eq!(world.run(), 1);
    holds(&world, "x", (&a, ""), (&b, ""));
    quiet(&mut world);
}

/// The value that a field is to be filled with again had been there: an edit made before that replaces it, and is not
/// one that did not know of it.
#[test]
fn edit_of_a_cleared_field_is_no_conflict_with_its_filling() {
    for fate in [Fate::Later, Fate::UnknownNot, Fate::Refused] {
        let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
        for _ in 0..2 {
            world.edit(Side::B, &b, &[("x", Value::Empty)]);
            world.run_with(&mut |_| fate);
        }
        world.edit(Side::B, &b, &[("x", "b1".into())]);
        world.run();
        holds(&world, "x", (&a, "b1"), (&b, "b1"));
        assert!(world.conflicts.is_empty(), "{:?}", world.conflicts);
        quiet(&mut world);
    }
}

/// A newer value than the one that was cleared is on its way there: that one the edit did not know of.
#[test]
fn edit_of_a_cleared_field_stands_against_a_newer_value() {
    let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
    world.edit(Side::B, &b, &[("x", Value::Empty)]);
    world.run_with(&mut |_| Fate::Later);
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.run_with(&mut |_| Fate::Later);
    world.edit(Side::B, &b, &[("x", "b1".into())]);
    world.run();
    holds(&world, "x", (&a, "a1"), (&b, "a1"));
    assert_eq!(world.conflicts.len(), 1, "the edit is named");
    quiet(&mut world);
}

#[test]
fn field_cleared_on_both_sides_stays_cleared() {
    let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
    world.edit(Side::A, &a, &[("x", Value::Empty)]);
    world.edit(Side::B, &b, &[("x", Value::Empty)]);
    assert_eq!(world.run(), 0);
    holds(&world, "x", (&a, ""), (&b, ""));
    quiet(&mut world);
}

#[test]
fn receiving_side_keeps_its_own_edit_until_the_source_changes() {
    let setup = Setup::one_field().with(|s| s.direction = Direction::AToB);
    let (mut world, a, b) = linked_x(&setup, "x");
    world.edit(Side::B, &b, &[("x", "own".into())]);
    assert_eq!(world.run(), 0);
    quiet(&mut world);
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    assert_eq!(world.run(), 1);
    holds(&world, "x", (&a, "a1"), (&b, "a1"));
    assert_eq!(world.conflicts.len(), 1, "the receiver's edit is named");
    quiet(&mut world);
}

#[test]
fn delivery_is_finished_though_the_receiving_side_was_edited_meanwhile() {
    let setup = Setup::one_field().with(|s| s.direction = Direction::AToB);
    let (mut world, a, b) = linked_x(&setup, "x");
    world.edit(Side::A, &a, &[("x", "a1".into())]);
    world.run_with(&mut |_| Fate::Later);
    world.edit(Side::B, &b, &[("x", "own".into())]);
    world.run();
    holds(&world, "x", (&a, "a1"), (&b, "a1"));
    assert_eq!(world.conflicts.len(), 1);
    quiet(&mut world);
}

/// Times in seconds; how far b's clock is ahead, and how far that may be wrong. Inside the doubt the side wins that the
/// policy names.
#[test]
fn most_recent_edit_wins_outside_the_doubt() {
    for (a_at, b_at, (ahead, doubt), winner) in [
        (100, 90, (0, 0), Some(Side::A)),
        (90, 100, (0, 0), Some(Side::B)),
        (100, 101, (0, 0), None),
        (100, 102, (0, 0), None),
        (100, 103, (0, 0), Some(Side::B)),
        // By its clock b was later; truly a was, or nobody knows.
        (100, 390, (300, 1), Some(Side::A)),
        (100, 400, (300, 1), None),
        (100, 403, (300, 1), None),
        (100, 404, (300, 1), Some(Side::B)),
        // By its clock b was earlier; truly it was later, or nobody knows, or a was.
        (400, 200, (-300, 1), Some(Side::B)),
        (400, 102, (-300, 1), None),
        (400, 90, (-300, 1), Some(Side::A)),
    ] {
        for (policy, in_doubt) in [
            (ConflictPolicy::MostRecent, Side::A),
            (ConflictPolicy::MostRecentOrB, Side::B),
        ] {
            let (mut world, a, b) = under(policy);
            let micros = |seconds: i64| seconds * 1_000_000;
            world.clocks.b = ClockSkew {
                ahead: micros(ahead),
                doubt: micros(doubt),
            };
            edited_at(&mut world, Side::A, &a, "a1", a_at);
            edited_at(&mut world, Side::B, &b, "b1", b_at);
            world.run();
            contested(&mut world, (&a, &b), Some(winner.unwrap_or(in_doubt)));
        }
    }
}

/// An entry added to the mapping later meets the values that both sides have, also when their news comes one by one.
#[test]
fn entry_added_later_is_first_contact_for_that_field_alone() {
    let both = || vec![text("x"), text("y")];
    let narrow = Setup::new(both(), both()).with(|s| {
        s.mapping.entries.pop();
    });
    let (mut world, a, b) = linked_x(&narrow, "x");
    world.edit(Side::A, &a, &[("y", "ya".into())]);
    assert_eq!(world.run(), 0);
    world.policy = Setup::new(both(), both()).policy();
    world.echo(Side::A, &a);
    assert_eq!(world.run(), 0, "b was never looked at");
    world.echo(Side::B, &b);
    assert_eq!(world.run(), 1);
    holds(&world, "y", (&a, "ya"), (&b, "ya"));
    quiet(&mut world);
}

#[test]
fn mass_overwrite_is_held_and_the_rest_goes_on() {
    let both = || vec![text("x"), text("y")];
    let mut world = World::new(Setup::new(both(), both()).policy());
    let ids: Vec<_> = (0..12)
        .map(|n| {
            world.add(
                Side::A,
                fields(&[("x", &format!("x{n}")), ("y", &format!("y{n}"))]),
            )
        })
        .collect();
    world.run();
    quiet(&mut world);
    for (n, id) in ids.iter().enumerate() {
        world.edit(Side::A, id, &[("x", "same".into())]);
        if n == 0 {
            world.edit(Side::A, id, &[("y", "new".into())]);
        }
    }
    world.pull(Side::A);
    let planned = plan(&world.observe(), &world.policy);
    let mut totals = Totals {
        links: 12,
        ..Totals::default()
    };
    overwrites(&planned, &world.policy, &mut totals);
    let trips = guards(&totals, &world.policy);
    assert_eq!(trips.len(), 1);
    assert_eq!(
        (trips[0].kind, trips[0].from, trips[0].count),
        (GuardKind::Overwrite, Side::A, 12)
    );
    world.held = Held::by(&trips, &world.policy);
    let before = world.calls.len();
    for _ in 0..3 {
        world.run();
    }
    let calls = &world.calls[before..];
    assert_eq!(calls.len(), 1, "only the other field goes on");
    let Operation::Update { sent, .. } = &calls[0] else {
        panic!("{calls:?}");
    };
    assert_eq!(sent.len(), 1);
    world.agree();
    assert_eq!(world.run(), 12, "agreed: all go");
    quiet(&mut world);
}

/// Two connections of a pair share what their link remembers. An edit that one of them leaves standing, since nothing
/// flows that way, is still news to the other.
#[test]
fn an_edit_left_standing_by_one_connection_goes_over_by_the_other() {
    let of = |flow| {
        let setup = Setup::one_field().with(|s| s.mapping.entries[0].flow = flow);
        setup.policy()
    };
    for other in [Flow::Both, Flow::BToA] {
        let (mut world, a, b) = linked_x(&Setup::one_field(), "x");
        world.policy = of(Flow::AToB);
        world.edit(Side::B, &b, &[("x", "b1".into())]);
        assert_eq!(world.run(), 0);
        holds(&world, "x", (&a, "x"), (&b, "b1"));
        quiet(&mut world);
        for (policy, written) in [(of(other), 1), (of(Flow::AToB), 0)] {
            world.policy = policy;
            world.echo(Side::B, &b);
            assert_eq!(world.run(), written, "{other:?}");
            holds(&world, "x", (&a, "b1"), (&b, "b1"));
            quiet(&mut world);
        }
        assert_eq!(world.conflicts, []);
    }
}

/// A version that rose without a change is noted, since a later one is told from it; and what is as it was writes nothing.
#[test]
fn a_version_is_noted_when_it_rises_and_only_then() {
    let (mut world, a, _) = linked_x(&Setup::one_field(), "x");
    world.touch(Side::A, &a);
    world.run();
    let now = world.sides.a.records.get(&a).expect("it").version.clone();
    let noted = world
        .link_of(Side::A, &a)
        .expect("a link")
        .version
        .a
        .clone();
    assert_eq!(noted, Some(now));
    world.echo(Side::A, &a);
    world.run();
    let writes: Vec<_> = world.settled.iter().map(|done| &done.link).collect();
    assert_eq!(writes, [&LinkWrite::Keep]);
}
