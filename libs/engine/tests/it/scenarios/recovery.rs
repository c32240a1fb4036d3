//! What a record that was written without an answer says when it is looked at.

use syncline_engine::{acknowledge_found, acknowledge_shown, shows_edit};
use syncline_model::{
    EntryKey, Link, LinkBody, LinkId, LinkState, PairId, RemoteId, Side, Sides, Slots, Value,
};

use crate::fixture::{Setup, fields, key, record, slots, text};

/// Of what stands there instead of what was sent, only another spelling is the provider's. A blank may be a person's or
/// the provider's: it is looked at, and as the target is not reached, filled once more.
#[test]
fn found_record_shows_spellings_edits_and_blanks() {
    let policy = Setup::new(vec![text("x")], vec![text("x")]).policy();
    let key = policy.entries[0].key.clone();
    let one = |value: &Value| Slots::from([(key.clone(), value.clone())]);
    let sent: Value = "Head Chef".into();
    // What is found, what counts as seen, and as written down in the provider's way.
    let cases: [(Value, Value, Option<Value>); 5] = [
        ("Head Chef".into(), "Head Chef".into(), None),
        (
            "HEADCHEF".into(),
            "HEADCHEF".into(),
            Some("HEADCHEF".into()),
        ),
        ("Head".into(), "Head".into(), Some("Head".into())),
        ("Owner".into(), "Head Chef".into(), None),
        (Value::Empty, Value::Empty, None),
    ];
    for (found, seen, rendered) in cases {
        let mut body = LinkBody {
            target: one(&sent),
            ..LinkBody::default()
        };
        let said = found.as_text().map(|said| ("x", said));
        let record = fields(said.as_slice());
        acknowledge_found(&mut body, Side::B, &one(&sent), &record, &policy);
        let of = |slots: &Slots, key: &EntryKey| slots.get(key).cloned();
        assert_eq!(of(&body.seen.b, &key), Some(seen), "{found:?}");
        assert_eq!(of(&body.rendered.b, &key), rendered, "{found:?}");
    }
}

/// An update of which no answer came: what stood there before tells whether it was done. What neither is, is news.
#[test]
fn an_update_without_an_answer_is_told_by_what_is_there() {
    let both = || vec![text("x"), text("y")];
    let policy = Setup::new(both(), both()).policy();
    let x = |value: &str| slots(&[(key("x", "x"), Value::text(value))]);
    // What was seen before, what is shown; whether it was written, what is remembered, and whether it is news.
    for (before, shown, written, seen, rendered, news) in [
        (Some("x"), "x", false, "x", None, false),
        (Some("x"), " x", false, "x", None, false),
        (Some("x"), "a one", true, "a one", None, false),
        (Some("x"), "A ONE", true, "A ONE", Some("A ONE"), false),
        (Some("x"), "b one", false, "x", None, true),
        (Some("x"), "", false, "x", None, true),
        (None, "a one", true, "a one", None, false),
    ] {
        let mut body = LinkBody {
            target: x("a one"),
            ..LinkBody::default()
        };
        body.seen.b = before.map(x).unwrap_or_default();
        // Nothing was sent to y.
        body.target.insert(key("y", "y"), "y".into());
        let there = fields(&[("x", shown), ("y", "y")]);
        let told = acknowledge_shown(&mut body, Side::B, &x("a one"), &there, &policy);
        let change = (
            key("x", "x"),
            Value::text(before.unwrap_or_default()),
            "a one".into(),
        );
        assert_eq!(
            told,
            Vec::from_iter(written.then_some(change)),
            "{before:?} {shown}"
        );
        assert_eq!(body.seen.b, x(seen), "{before:?} {shown}");
        assert_eq!(
            body.rendered.b,
            rendered.map(x).unwrap_or_default(),
            "{before:?} {shown}"
        );
        let link = Link {
            id: LinkId::NIL,
            pair: PairId::NIL,
            remote: Sides::of(|side| RemoteId::new(side.as_str())),
            version: Sides::default(),
            modified_at: Sides::default(),
            state: LinkState::Live,
            body,
        };
        let shows = record("b", "v2", there);
        assert_eq!(
            shows_edit(&policy, &link, Side::B, &shows),
            news,
            "{before:?} {shown}"
        );
    }
}
