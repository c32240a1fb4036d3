//! What a written value becomes: stored as it is, cleared, or refused in the vendor's words (v7 "Insert records").
//! It looks things up in the organisation and changes nothing.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::errors::ItemError;
use super::fields::{Field, Kind, NONE};
use super::org::Org;
use super::time;

/// A checked value, ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Checked {
    /// The field becomes empty.
    Clear,
    /// The field holds this.
    Value(Value),
    /// The record changes hands.
    Owner(u64),
    /// The record has these tags.
    Tags(Vec<TagRef>),
}

/// A tag in a write: known, or to be created by name.
#[derive(Debug, Clone, PartialEq)]
pub enum TagRef {
    /// A tag which exists.
    Known(u64),
    /// A new name.
    New(String),
}

/// Checks one value of the record at `index` of `data[]`.
pub fn check(org: &Org, field: &Field, value: &Value, index: usize) -> Result<Checked, ItemError> {
    let path = format!("$.data[{index}].{}", field.api_name);
    let empty = value.is_null() || value.as_str() == Some("");
    if empty && field.mandatory {
        let details = json!({"api_name": &*field.api_name, "json_path": path});
        return Err(ItemError::new(
            "MANDATORY_NOT_FOUND",
            "required field not found",
            details,
        ));
    }
    if empty {
        return Ok(match field.kind {
            Kind::Boolean => Checked::Value(json!(false)),
            Kind::Tags => Checked::Tags(Vec::new()),
            _ => Checked::Clear,
        });
    }
    let wrong = || {
        let expected = match field.kind {
            Kind::Email
            | Kind::Phone
            | Kind::Website
            | Kind::Date
            | Kind::DateTime
            | Kind::Percent
            | Kind::Currency => field.kind.data_type(),
            _ => field.kind.json_type(),
        };
        let details = json!({"expected_data_type": expected, "api_name": &*field.api_name, "json_path": path});
        ItemError::invalid(details)
    };
    let stored = |found: Option<Value>| found.map(Checked::Value).ok_or_else(wrong);
    match field.kind {
        Kind::Text | Kind::TextArea | Kind::AutoNumber | Kind::Formula | Kind::Image => {
            let text = value.as_str().ok_or_else(wrong)?;
            within(field, text, &path)?;
            stored(Some(json!(text)))
        }
        Kind::Email => {
            let text = value.as_str().ok_or_else(wrong)?;
            within(field, text, &path)?;
            stored(is_email(text).then(|| json!(text)))
        }
        Kind::Phone => {
            let text = value.as_str().ok_or_else(wrong)?;
            within(field, text, &path)?;
            stored(is_phone(text).then(|| json!(text)))
        }
        Kind::Website => {
            let text = value.as_str().ok_or_else(wrong)?;
            within(field, text, &path)?;
            stored((!text.contains(char::is_whitespace)).then(|| json!(text)))
        }
        Kind::Picklist => picked(field, value, &path, &wrong),
        Kind::MultiPicklist => {
            let items = value.as_array().ok_or_else(wrong)?;
            let mut kept: Vec<Value> = Vec::new();
            for item in items {
                if let Checked::Value(one) = picked(field, item, &path, &wrong)?
                    && !kept.contains(&one)
                {
                    kept.push(one);
                }
            }
            Ok(if kept.is_empty() {
                Checked::Clear
            } else {
                Checked::Value(Value::Array(kept))
            })
        }
        Kind::Boolean => stored(value.as_bool().map(Value::Bool)),
        Kind::Integer => {
            let number = value.as_i64().filter(|n| digits(*n) <= field.length);
            stored(number.map(|n| json!(n)))
        }
        Kind::BigInt => stored(
            whole(value)
                .filter(|n| digits(*n) <= field.length)
                .map(|n| json!(n.to_string())),
        ),
        Kind::Double | Kind::Currency | Kind::Percent => stored(value.as_f64().map(|n| json!(n))),
        Kind::Date => stored(
            value
                .as_str()
                .filter(|text| time::parse_date(text).is_some())
                .map(|text| json!(text)),
        ),
        Kind::DateTime => {
            let seconds = value
                .as_str()
                .and_then(time::parse_instant)
                .ok_or_else(wrong)?;
            stored(Some(json!(time::show(seconds, time::zone(0)))))
        }
        Kind::Owner | Kind::User => {
            let user = user_of(org, value).ok_or_else(wrong)?;
            Ok(if field.kind == Kind::Owner {
                Checked::Owner(user)
            } else {
                Checked::Value(json!(user))
            })
        }
        Kind::AccountLookup | Kind::ContactLookup => {
            let id = id_of(value).ok_or_else(wrong)?;
            let known = match field.kind {
                Kind::AccountLookup => org.companies.contains_key(&id),
                _ => org.table.get(id).is_some(),
            };
            if !known {
                let details =
                    json!({"api_name": &*field.api_name, "json_path": format!("{path}.id")});
                return Err(ItemError::new(
                    "INVALID_DATA",
                    "the id given seems to be invalid",
                    details,
                ));
            }
            stored(Some(json!(id)))
        }
        Kind::Tags => tags(org, value, &path).map(Checked::Tags),
    }
}

/// Reads the tags of a write: `[{"name"}|{"id"}]` or plain names.
pub fn tags(org: &Org, value: &Value, path: &str) -> Result<Vec<TagRef>, ItemError> {
    let wrong = |at: usize| {
        let details = json!({"expected_data_type": "jsonobject", "api_name": "Tag", "json_path": format!("{path}[{at}]")});
        ItemError::invalid(details)
    };
    let items = value.as_array().ok_or_else(|| {
        ItemError::invalid(
            json!({"expected_data_type": "jsonarray", "api_name": "Tag", "json_path": path}),
        )
    })?;
    let mut found = Vec::with_capacity(items.len());
    let mut seen = HashSet::new();
    for (at, item) in items.iter().enumerate() {
        let name = item
            .as_str()
            .or_else(|| item.get("name").and_then(Value::as_str));
        let by_id = id_of(item).and_then(|id| org.tags.get(id));
        let one = match (by_id, name) {
            (Some(tag), _) => TagRef::Known(tag.id),
            (None, Some(name)) => {
                super::tags::check_name(name, &format!("{path}[{at}].name"))?;
                org.tags
                    .named(name)
                    .map_or_else(|| TagRef::New(name.to_owned()), |tag| TagRef::Known(tag.id))
            }
            (None, None) => return Err(wrong(at)),
        };
        let key = match &one {
            TagRef::Known(id) => id.to_string(),
            TagRef::New(name) => name.to_lowercase(),
        };
        if seen.insert(key) {
            found.push(one);
        }
    }
    Ok(found)
}

/// The id in `{"id": "…"}`, a string or a number.
pub fn id_of(value: &Value) -> Option<u64> {
    let id = value.get("id")?;
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

fn user_of(org: &Org, value: &Value) -> Option<u64> {
    let by_id = id_of(value).and_then(|id| org.user(id));
    let by_email = || {
        let email = value.get("email")?.as_str()?;
        org.users
            .iter()
            .find(|user| user.email.eq_ignore_ascii_case(email))
    };
    by_id
        .or_else(by_email)
        .filter(|user| user.active)
        .map(|user| user.id)
}

fn picked(
    field: &Field,
    value: &Value,
    path: &str,
    wrong: &dyn Fn() -> ItemError,
) -> Result<Checked, ItemError> {
    let text = value.as_str().ok_or_else(wrong)?;
    if text == NONE || text.is_empty() {
        return Ok(Checked::Clear);
    }
    within(field, text, path)?;
    if field.restricted
        && !field
            .options
            .iter()
            .any(|option| option.used && option.actual == text)
    {
        return Err(wrong());
    }
    Ok(Checked::Value(json!(text)))
}

fn within(field: &Field, text: &str, path: &str) -> Result<(), ItemError> {
    if text.chars().count() <= field.length as usize {
        return Ok(());
    }
    let details =
        json!({"maximum_length": field.length, "api_name": &*field.api_name, "json_path": path});
    Err(ItemError::invalid(details))
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn digits(number: i64) -> u32 {
    number
        .unsigned_abs()
        .checked_ilog10()
        .map_or(1, |log| log + 1)
}

/// Digits plus `+ - ( ) . ; space`.
fn is_phone(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | '.' | ';' | ' '))
}

/// Zoho's rule for addresses, in short: one `@`, a local part of letters, digits and `_-.'+&!#$%*/=?^{|}~` and backtick,
/// a domain of dotted labels whose last one has at least two letters.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let local_char = |c: char| c.is_alphanumeric() || "_-.'+&!#$%*/=?^{|}~`".contains(c);
    let label = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    !local.is_empty()
        && !local.starts_with('.')
        && local.chars().all(local_char)
        && domain.contains('.')
        && domain.split('.').all(label)
        && last.chars().count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing;

    #[test]
    fn addresses() {
        let check = |input: &str, expect: bool| assert_eq!(is_email(input), expect, "{input}");
        check("a.b+c@x.example", true);
        check("jörg@müller.example", true);
        check("o'hara@x.co", true);
        check("a@b", false);
        check("a@@b.co", false);
        check("a b@x.example", false);
        check("a@x..example", false);
        check("a@x.e", false);
        check(".a@x.example", false);
    }

    #[test]
    fn values_are_stored_cleared_or_refused() {
        let org = testing::org();
        let check = |name: &str, value: Value, expect: Result<Checked, &str>| {
            let field = org.fields.get(name).unwrap();
            let got = check(&org, field, &value, 0).map_err(|e| {
                let key = if e.code == "MANDATORY_NOT_FOUND" {
                    "api_name"
                } else {
                    "expected_data_type"
                };
                e.details
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or("length")
                    .to_owned()
            });
            assert_eq!(got, expect.map_err(str::to_owned), "{name} {value}");
        };
        check(
            "First_Name",
            json!("Jörg"),
            Ok(Checked::Value(json!("Jörg"))),
        );
        check("First_Name", json!("x".repeat(41)), Err("length"));
        check("First_Name", json!(5), Err("string"));
        check("First_Name", json!(""), Ok(Checked::Clear));
        check("Last_Name", json!(null), Err("Last_Name"));
        check("Email", json!("no address"), Err("email"));
        check(
            "Phone",
            json!("+49 (221) 123-4.5;6"),
            Ok(Checked::Value(json!("+49 (221) 123-4.5;6"))),
        );
        check("Phone", json!("call me"), Err("phone"));
        check("Lead_Source", json!("-None-"), Ok(Checked::Clear));
        check(
            "Lead_Source",
            json!("Never seen"),
            Ok(Checked::Value(json!("Never seen"))),
        );
        check(
            "Email_Opt_Out",
            json!(null),
            Ok(Checked::Value(json!(false))),
        );
        check("Email_Opt_Out", json!("true"), Err("boolean"));
        check(
            "Date_of_Birth",
            json!("1980-02-29"),
            Ok(Checked::Value(json!("1980-02-29"))),
        );
        check("Date_of_Birth", json!("29.02.1980"), Err("date"));
        check(
            "Owner",
            json!({"id": org.me().to_string()}),
            Ok(Checked::Owner(org.me())),
        );
        check("Owner", json!({"id": "1"}), Err("jsonobject"));
        check(
            "Tag",
            json!([{"name": "A"}, {"name": "a"}]),
            Ok(Checked::Tags(vec![TagRef::New("A".into())])),
        );
    }
}
