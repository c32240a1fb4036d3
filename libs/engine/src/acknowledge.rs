//! What a provider was sent is what is seen there now: what a link remembers of a write once it is known to be done.
//!
//! Not here: what else follows from an answer (`settle`).

use syncline_model::seeded::{Bug, seeded};
use syncline_model::{EntryKey, Fields, LinkBody, Side, Slots, Value};

use crate::{Policy, equal, is_blank, plan::read};

/// What was sent to a side is what is seen there now, in the provider's own spelling where `fields` shows it.
pub fn acknowledge(
    body: &mut LinkBody,
    side: Side,
    sent: &Slots,
    fields: Option<&Fields>,
    policy: &Policy,
) {
    let names = read::Names::of_link(policy, body);
    let shown = fields.map(|fields| read(policy, side, fields, names.as_ref()));
    for (index, entry) in policy.entries.iter().enumerate() {
        let Some(value) = sent.get(&entry.key) else {
            continue;
        };
        let mut seen = value.clone();
        if let Some(shown) = shown.as_ref().and_then(|shown| shown.get(index)) {
            let same = equal(entry.kind, entry.cardinality, shown, value);
            // Something shown where nothing was sent is news, not spelling: the next pull must see a change.
            // Nothing shown where something was sent is a provider that drops it: asking again changes nothing.
            if !same && !is_blank(entry.kind, value) {
                let meant = body.target.get(&entry.key);
                if meant.is_some_and(|t| equal(entry.kind, entry.cardinality, t, value))
                    && !seeded(Bug::SpellingForgotten)
                {
                    body.rendered
                        .get_mut(side)
                        .insert(entry.key.clone(), shown.clone());
                }
                seen = shown.clone();
            }
        }
        body.seen.get_mut(side).insert(entry.key.clone(), seen);
        body.cleared.get_mut(side).remove(&entry.key);
    }
}

/// As `acknowledge`, of a record found some time after it was sent: a person may have edited it meanwhile. Only what
/// could be the provider's way of writing down what was sent counts as that; anything else is left to be seen as news.
/// A blank could be either, and is filled again: that shows whether it was the provider who dropped the value.
pub fn acknowledge_found(
    body: &mut LinkBody,
    side: Side,
    sent: &Slots,
    fields: &Fields,
    policy: &Policy,
) {
    let names = read::Names::of_link(policy, body);
    let shown = read(policy, side, fields, names.as_ref());
    let open: Slots = policy
        .entries
        .iter()
        .zip(shown)
        .filter_map(|(entry, shown)| {
            let sent = sent.get(&entry.key)?;
            let blank = is_blank(entry.kind, &shown) && !is_blank(entry.kind, sent);
            let seen = match () {
                () if blank => shown,
                () if resembles(sent, &shown) => return None,
                () => sent.clone(),
            };
            Some((entry.key.clone(), seen))
        })
        .collect();
    acknowledge(body, side, sent, Some(fields), policy);
    for (key, seen) in open {
        body.rendered.get_mut(side).remove(&key);
        body.seen.get_mut(side).insert(key, seen);
    }
}

/// As `acknowledge`, of an update of which no answer came, by what its record shows now. What stands there as it did
/// before was not written, or not yet; what could be the provider's way of writing down what was sent was. Anything else
/// is left to be seen as news. Gives what was written: each entry with its value before and the one that was sent.
pub fn acknowledge_shown(
    body: &mut LinkBody,
    side: Side,
    sent: &Slots,
    fields: &Fields,
    policy: &Policy,
) -> Vec<(EntryKey, Value, Value)> {
    let names = read::Names::of_link(policy, body);
    let shown = read(policy, side, fields, names.as_ref());
    let landed: Slots = policy
        .entries
        .iter()
        .zip(shown)
        .filter_map(|(entry, shown)| {
            let sent = sent.get(&entry.key)?;
            let before = body.seen.get(side).get(&entry.key);
            let same = |other: &Value| equal(entry.kind, entry.cardinality, &shown, other);
            let written = !before.is_some_and(same) && !is_blank(entry.kind, &shown);
            (written && resembles(sent, &shown)).then(|| (entry.key.clone(), sent.clone()))
        })
        .collect();
    let before = body.seen.get(side);
    let written = landed.iter().map(|(key, sent)| {
        let before = before.get(key).cloned().unwrap_or_default();
        let said = |value| policy.said(side, key, value);
        (key.clone(), said(&before), said(sent))
    });
    let written = written.collect();
    acknowledge(body, side, &landed, Some(fields), policy);
    written
}

/// Whether a provider could have made `shown` of `sent`: other letters' case, other spaces and signs, an end cut off, or
/// nothing kept at all.
pub(crate) fn resembles(sent: &Value, shown: &Value) -> bool {
    let fold = |text: &str| -> String {
        let kept = text.chars().filter(|one| one.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    match (sent, shown) {
        (_, Value::Empty) => true,
        (Value::Text(sent), Value::Text(shown)) => fold(sent).starts_with(&fold(shown)),
        (Value::List(sent), Value::List(shown)) => shown
            .iter()
            .all(|item| sent.iter().any(|sent| resembles(sent, item))),
        (sent, shown) => sent == shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_is_told_from_an_edit() {
        let text = |text: &str| Value::text(text);
        let list =
            |items: &[&str]| Value::List(items.iter().map(|item| Value::text(*item)).collect());
        let cases = [
            (text(" Ann  Lee "), text("ann lee"), true),
            (text("+49 30 123"), text("+4930123"), true),
            (text("Managing Director"), text("Managing"), true),
            (text("Ann"), Value::Empty, true),
            (text("Ann"), text("Anna"), false),
            (text("first 19"), text("first 24"), false),
            (Value::Empty, text("Ann"), false),
            (Value::Empty, Value::Empty, true),
            (Value::Bool(true), Value::Bool(false), false),
            (list(&["A", "b"]), list(&["a"]), true),
            (list(&["a"]), list(&["a", "c"]), false),
        ];
        for (sent, shown, expect) in cases {
            assert_eq!(resembles(&sent, &shown), expect, "{sent:?} {shown:?}");
        }
    }
}
