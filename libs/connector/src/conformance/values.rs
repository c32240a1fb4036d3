//! The checks of what a write leaves behind: any text comes back as it was, an empty value clears, and what a write does
//! not name, or may not change, stays as it is.

use syncline_model::{Cardinality, FieldDescriptor, FieldName, Fields, Kind as Holds, Value};

use super::reads::get_one;
use super::updates::update;
use super::writes::{has, make};
use super::{Check, Failure, Proof, Subject, Verdict};
use crate::Kind;

/// Letters of several scripts, an accent of its own, and one beyond 16 bits.
const UNICODE: &str =
    "Zo\u{eb} \u{674e}\u{5c0f}\u{9f8d} \u{5e9}\u{5dc}\u{5d5}\u{5dd} e\u{301} \u{1f98a}";
/// A long text where no limit is described, in characters.
const LONG: usize = 500;

/// The descriptors of the sample's fields.
async fn described(subject: Subject<'_>, check: Check) -> Result<Vec<FieldDescriptor>, Failure> {
    let mut fields = check.ok(subject.connector.fields(subject.session).await)?;
    let sample = subject.probe.sample(0);
    fields.retain(|field| sample.contains_key(&field.name));
    Ok(fields)
}

/// Texts in any script and up to the described length come back as they were; longer ones are refused.
pub(super) async fn texts(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let id = make(subject, check, 90).await?;
    let mut want = probe.sample(90);
    let mut tried = false;
    for field in described(subject, check).await? {
        let plain = matches!(field.kind, Holds::Text | Holds::LongText);
        if !plain || field.cardinality == Cardinality::Many {
            continue;
        }
        tried = true;
        let most = field.max_length.unwrap_or(LONG);
        let long = if probe.counts_bytes() { most / 2 } else { most };
        let unicode: String = UNICODE.chars().take(most).collect();
        let mut texts = vec![unicode.trim_end().to_owned(), "\u{e9}".repeat(long)];
        if field.kind == Holds::LongText {
            texts.push("one\ntwo\n\nfour".into());
        }
        for text in texts {
            want.insert(field.name.clone(), Value::text(text.as_str()));
            let change: Fields = [(field.name.clone(), Value::text(text.as_str()))].into();
            check.ok(update(subject, check, &id, None, change).await?)?;
            let record = get_one(subject, check, &id).await?;
            check.that(record.is_some_and(|record| has(&record, &want)), || {
                format!("`{}` does not give back what it took", field.name)
            })?;
        }
        if let Some(most) = field.max_length {
            let change: Fields = [(field.name.clone(), Value::text("x".repeat(most + 1)))].into();
            let refused = update(subject, check, &id, None, change).await?;
            check.that(
                matches!(&refused, Err(error) if error.kind == Kind::Rejected),
                || format!("a text too long for `{}` gives {refused:?}", field.name),
            )?;
            let record = get_one(subject, check, &id).await?;
            check.that(record.is_some_and(|record| has(&record, &want)), || {
                format!("a refused text changed `{}`", field.name)
            })?;
        }
    }
    Ok(if tried {
        Verdict::Held
    } else {
        Verdict::Skipped("the samples have no plain text")
    })
}

/// Each field can be cleared alone, unless it is required: then that is refused.
pub(super) async fn empty(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let id = make(subject, check, 91).await?;
    let want = probe.sample(91);
    for field in described(subject, check).await? {
        let clear: Fields = [(field.name.clone(), Value::Empty)].into();
        let outcome = update(subject, check, &id, None, clear).await?;
        let record = get_one(subject, check, &id).await?;
        if field.required {
            check.that(
                matches!(&outcome, Err(error) if error.kind == Kind::Rejected)
                    && record.is_some_and(|record| has(&record, &want)),
                || {
                    format!(
                        "clearing `{}`, which is required, gives {outcome:?}",
                        field.name
                    )
                },
            )?;
            continue;
        }
        check.ok(outcome)?;
        let mut others = want.clone();
        others.remove(&field.name);
        check.that(
            record.is_some_and(|record| {
                // Where there is no empty, no or zero is as good.
                let left = record.value(&field.name);
                let is_none = [Value::Bool(false), Value::Number("0".into())].contains(left);
                (left.is_empty() || is_none) && has(&record, &others)
            }),
            || format!("clearing `{}` did something else", field.name),
        )?;
        let back = want.iter().filter(|(name, _)| **name == field.name);
        let back: Fields = back
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        check.ok(update(subject, check, &id, None, back).await?)?;
    }
    let record = get_one(subject, check, &id).await?;
    check.that(record.is_some_and(|record| has(&record, &want)), || {
        "what was cleared could not be filled again".into()
    })?;
    Ok(Verdict::Held)
}

/// What a record has beside the fields that are written stays to the byte: set one by one, all at once, cleared.
pub(super) async fn untouched(subject: Subject<'_>, check: Check) -> Proof {
    let probe = subject.probe;
    let id = probe.add_rich(92).await;
    let before = probe.rest(&id).await;
    let mut changes: Vec<Fields> = probe
        .sample(93)
        .into_iter()
        .map(|one| Fields::from([one]))
        .collect();
    changes.push(probe.sample(94));
    let fields = described(subject, check).await?;
    let optional = fields.into_iter().filter(|field| !field.required);
    changes.push(optional.map(|field| (field.name, Value::Empty)).collect());
    for change in changes {
        let names: Vec<FieldName> = change.keys().cloned().collect();
        check.ok(update(subject, check, &id, None, change).await?)?;
        let after = probe.rest(&id).await;
        check.that(before == after, || {
            format!("writing {names:?} changed more: {before} became {after}")
        })?;
    }
    Ok(Verdict::Held)
}

/// A field that is not writable keeps its value, whatever is written, and alone it is refused or left out.
pub(super) async fn read_only(subject: Subject<'_>, check: Check) -> Proof {
    let (connector, session) = (subject.connector, subject.session);
    let fields = check.ok(connector.fields(session).await)?;
    let fixed: Vec<FieldName> = fields
        .into_iter()
        .filter(|field| !field.writable)
        .map(|field| field.name)
        .collect();
    let id = make(subject, check, 95).await?;
    let ids = std::slice::from_ref(&id);
    let read = async || -> Result<Fields, Failure> {
        let found = check.ok(connector.get(session, ids, &fixed).await)?;
        let fields = found.into_iter().flatten().map(|record| record.fields);
        Ok(fields
            .flatten()
            .filter(|(name, _)| fixed.contains(name))
            .collect())
    };
    let before = read().await?;
    if before.is_empty() {
        return Ok(Verdict::Skipped("every field is writable"));
    }
    for name in before.keys() {
        let change: Fields = [(name.clone(), Value::text("x"))].into();
        let outcome = update(subject, check, &id, None, change).await?;
        check.that(
            outcome
                .as_ref()
                .err()
                .is_none_or(|error| error.kind == Kind::Rejected),
            || format!("writing `{name}`, which is read-only, gives {outcome:?}"),
        )?;
        check.that(read().await? == before, || {
            format!("writing `{name}`, which is read-only, changed something")
        })?;
    }
    Ok(Verdict::Held)
}
