//! Match keys that a customer chose, and what people decide about those who could be several.

use syncline_model::{Answer, FieldPath, Kind, MatchKey, ProblemReason, RemoteId, Side};

use super::quiet;
use crate::{
    fixture::{Setup, field, fields, text},
    sim::World,
};

/// Two address books with the same fields.
fn setup(keys: &[MatchKey]) -> Setup {
    let book = || {
        vec![
            text("given_name"),
            text("family_name"),
            text("company"),
            text("number"),
            field("email.home", Kind::Email),
            field("email.work", Kind::Email),
            field("phone.work", Kind::Phone),
            field("phone.mobile", Kind::Phone),
            field("phone.fax", Kind::Phone),
        ]
    };
    Setup::new(book(), book()).with(|setup| setup.matching = keys.to_vec())
}

fn world(keys: &[MatchKey]) -> World {
    World::new(setup(keys).policy())
}

fn put(world: &mut World, side: Side, pairs: &[(&str, &str)]) -> RemoteId {
    world.add(side, fields(pairs))
}

fn partner(world: &World, a: &RemoteId) -> Option<RemoteId> {
    world.link_of(Side::A, a).map(|link| link.remote.b.clone())
}

fn ambiguous(world: &World, side: Side, id: &RemoteId) -> bool {
    world.problems.iter().any(|problem| {
        problem.reason == ProblemReason::Ambiguous && (problem.side, &problem.remote) == (side, id)
    })
}

#[test]
fn work_address_alone_is_asked_for() {
    let mut world = world(&[MatchKey::WorkEmail]);
    let a = put(
        &mut world,
        Side::A,
        &[("family_name", "Lee"), ("email.work", "ann@example.com")],
    );
    let same = put(
        &mut world,
        Side::B,
        &[("family_name", "Lee"), ("email.work", "Ann@Example.com")],
    );
    let home = put(
        &mut world,
        Side::B,
        &[("family_name", "Lee"), ("email.home", "ann@example.com")],
    );
    world.run();
    assert_eq!(partner(&world, &a), Some(same));
    assert!(world.link_of(Side::B, &home).is_some(), "made on side a");
    assert_eq!(world.sides.a.records.len(), 2);
    quiet(&mut world);
}

#[test]
fn telephone_number_matches_whatever_its_label_and_spelling() {
    let mut world = world(&[MatchKey::Email, MatchKey::Phone]);
    let a = put(
        &mut world,
        Side::A,
        &[("family_name", "Lee"), ("phone.mobile", "+49 30 123456")],
    );
    let b = put(
        &mut world,
        Side::B,
        &[
            ("family_name", "Lee-Stone"),
            ("phone.work", "+49 (30) 12 34 56"),
            ("email.work", "ann@example.com"),
        ],
    );
    world.run();
    assert_eq!(partner(&world, &a), Some(b));
    quiet(&mut world);
}

#[test]
fn fax_and_short_numbers_match_nobody() {
    let mut world = world(&[MatchKey::Phone]);
    for side in Side::BOTH {
        let name = format!("From {side}");
        put(
            &mut world,
            side,
            &[
                ("family_name", &name),
                ("phone.fax", "+49 30 123456"),
                ("phone.work", "12345"),
                ("email.work", "x@example.com"),
            ],
        );
    }
    world.run();
    assert_eq!(world.links.len(), 2);
    quiet(&mut world);
}

/// Whom the first key ties to two records, the second may only choose among these.
#[test]
fn weaker_key_chooses_only_among_those_that_a_stronger_one_left() {
    let mut world = world(&[MatchKey::Email, MatchKey::Phone]);
    let mail = ("email.work", "info@example.com");
    let a = put(
        &mut world,
        Side::A,
        &[("family_name", "Lee"), mail, ("phone.work", "+4930111111")],
    );
    let first = put(
        &mut world,
        Side::B,
        &[("family_name", "Ash"), mail, ("phone.work", "+4930222222")],
    );
    let second = put(&mut world, Side::B, &[("family_name", "Oak"), mail]);
    let stranger = put(
        &mut world,
        Side::B,
        &[("family_name", "Elm"), ("phone.work", "+4930111111")],
    );
    world.run();
    assert_eq!(partner(&world, &a), None);
    for id in [&first, &second] {
        assert!(ambiguous(&world, Side::B, id));
    }
    assert!(!ambiguous(&world, Side::B, &stranger));
    // The number of one of the two says which it is.
    world.edit(
        Side::B,
        &second,
        &[("phone.work", "+49 30 11 11 11".into())],
    );
    world.edit(Side::B, &stranger, &[("phone.work", "+4930333333".into())]);
    world.run();
    assert_eq!(partner(&world, &a), Some(second));
}

#[test]
fn name_and_company_match_only_together() {
    let mut world = world(&[MatchKey::NameAndCompany]);
    let who = |name, company, mail| {
        [
            ("given_name", "Ann"),
            ("family_name", name),
            ("company", company),
            ("email.work", mail),
        ]
    };
    let a = put(&mut world, Side::A, &who("Lee", "Acme", "a@example.com"));
    let same = put(&mut world, Side::B, &who("LEE", "acme", "b@example.com"));
    put(&mut world, Side::B, &who("Lee", "Zeta", "c@example.com"));
    put(&mut world, Side::B, &who("Oak", "Acme", "d@example.com"));
    world.run();
    assert_eq!(partner(&world, &a), Some(same));
    assert_eq!(world.sides.a.records.len(), 3);
    quiet(&mut world);
}

#[test]
fn mapped_field_matches_as_an_external_id() {
    let number = MatchKey::Field(FieldPath::whole("number"));
    let mut world = world(&[number, MatchKey::Email]);
    let mail = ("email.work", "info@example.com");
    let a = put(
        &mut world,
        Side::A,
        &[("family_name", "Lee"), mail, ("number", "K-17")],
    );
    let by_mail = put(&mut world, Side::B, &[("family_name", "Lee"), mail]);
    let by_number = put(
        &mut world,
        Side::B,
        &[("family_name", "Ash"), ("number", "k-17")],
    );
    world.run();
    assert_eq!(partner(&world, &a), Some(by_number));
    assert!(
        world
            .link_of(Side::B, &by_mail)
            .is_some_and(|link| link.remote.a != a)
    );
}

/// A switchboard's number tells nobody from anybody, and ties nobody to a crowd.
#[test]
fn number_that_many_share_is_no_key() {
    let mut world = world(&[MatchKey::Email, MatchKey::Phone]);
    let number = ("phone.work", "+49 30 100000");
    for index in 0..11 {
        let mail = format!("p{index}@example.com");
        let name = format!("N{index}");
        let pairs = [
            ("family_name", name.as_str()),
            ("email.work", &mail),
            number,
        ];
        put(&mut world, Side::A, &pairs);
        put(&mut world, Side::B, &pairs);
    }
    let lone = put(&mut world, Side::A, &[("family_name", "Lone"), number]);
    world.run();
    assert!(world.problems.is_empty());
    assert_eq!(world.links.len(), 12);
    assert!(partner(&world, &lone).is_some(), "made on side b");
    quiet(&mut world);
}

#[test]
fn keys_that_cannot_be_are_refused() {
    let refusal = |keys: &[MatchKey]| {
        let errors = setup(keys).compile().expect_err("refused");
        let error = errors.into_iter().next().expect("one");
        (error.path, error.message)
    };
    let field = |name: &str| MatchKey::Field(FieldPath::whole(name));
    let (path, message) = refusal(&[MatchKey::Email, field("nowhere")]);
    assert_eq!(path, "/match/1");
    assert!(message.contains("`nowhere` is not mapped"), "{message}");
    assert!(message.contains("number"), "{message}");
    let (path, message) = refusal(&[MatchKey::Phone, MatchKey::Phone]);
    assert_eq!(
        (path.as_str(), message.as_str()),
        ("/match/1", "this key is there already")
    );
    let bare = Setup::new(vec![text("x")], vec![text("x")]);
    let refused = |key| {
        let setup = bare.clone().with(|setup| setup.matching = vec![key]);
        setup.compile().is_err()
    };
    assert!(refused(MatchKey::Phone));
    assert!(refused(MatchKey::NameAndCompany));
    assert!(!refused(MatchKey::WorkEmail));
}

/// One record on side a that may be either of two on side b.
fn tied() -> (World, RemoteId, [RemoteId; 2]) {
    let mut world = world(&[MatchKey::Email]);
    let mail = ("email.work", "info@example.com");
    let a = put(&mut world, Side::A, &[("family_name", "Lee"), mail]);
    let b = [
        put(&mut world, Side::B, &[("family_name", "Ash"), mail]),
        put(&mut world, Side::B, &[("family_name", "Oak"), mail]),
    ];
    world.run();
    assert!(ambiguous(&world, Side::A, &a));
    assert!(world.links.is_empty());
    (world, a, b)
}

#[test]
fn person_links_one_of_several() {
    let (mut world, a, [first, second]) = tied();
    world.answer(Side::A, &a, &[], Some(Answer::Link(second.clone())));
    world.run();
    assert_eq!(partner(&world, &a), Some(second.clone()));
    assert_eq!(world.value(Side::B, &second, "family_name"), "Lee".into());
    assert_eq!(world.value(Side::B, &first, "family_name"), "Ash".into());
    quiet(&mut world);
}

#[test]
fn person_keeps_a_record_apart() {
    let (mut world, a, both) = tied();
    world.answer(Side::A, &a, &both, Some(Answer::KeepApart));
    for id in &both {
        world.echo(Side::B, id);
    }
    world.run();
    assert_eq!(partner(&world, &a), None);
    assert!(!ambiguous(&world, Side::A, &a));
    assert_eq!(world.sides.b.records.len(), 2, "it is not made there");
    assert_eq!(world.links.len(), 2, "the others are people of their own");
    quiet(&mut world);
}

#[test]
fn person_has_a_record_made() {
    let (mut world, a, both) = tied();
    world.answer(Side::A, &a, &both, Some(Answer::Create));
    world.run();
    let made = partner(&world, &a).expect("a partner");
    assert!(!both.contains(&made));
    assert_eq!(world.sides.b.records.len(), 3);
    quiet(&mut world);
}

/// Even if by now one of them alone would match: whoever took a decision back wants to be asked.
#[test]
fn decision_taken_back_is_asked_again() {
    let (mut world, a, [first, second]) = tied();
    world.delete(Side::B, &second);
    world.answer(Side::A, &a, &[first.clone(), second], None);
    world.run();
    assert!(ambiguous(&world, Side::A, &a));
    assert!(
        ambiguous(&world, Side::B, &first),
        "nor is it made on side a"
    );
    assert!(world.links.is_empty());
    assert_eq!(world.sides.a.records.len(), 1);
    world.answer(Side::A, &a, &[], Some(Answer::Link(first.clone())));
    world.run();
    assert_eq!(partner(&world, &a), Some(first));
}

/// Whom a person chose is not there any more: keys decide again.
#[test]
fn decision_for_a_record_that_is_gone_decides_nothing() {
    let (mut world, a, [first, second]) = tied();
    world.delete(Side::B, &second);
    world.answer(Side::A, &a, &[], Some(Answer::Link(second)));
    world.run();
    assert_eq!(partner(&world, &a), Some(first));
}
