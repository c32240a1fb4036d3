//! What a record that was created without an answer says when it is found.

use syncline_engine::acknowledge_found;
use syncline_model::{EntryKey, LinkBody, Side, Slots, Value};

use crate::fixture::{Setup, fields, text};

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
