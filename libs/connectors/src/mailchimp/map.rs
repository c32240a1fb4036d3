//! Mailchimp's members <-> fields. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use syncline_model::{Address, FieldName, Fields, PartialDate, Record, RemoteId, Value, Version};

use super::fields::{EMAIL, OPT_OUT, STATUS, Shape, Shapes, TAGS, TEXT_BYTES};
use super::wire::Member;

/// A value that cannot be sent, in words for a customer.
pub(super) type Unfit = String;

/// A contact's id: its audience's, and its own there, which stays when the address changes.
pub(super) fn id(list: &str, contact: &str) -> RemoteId {
    RemoteId::new(format!("{list}:{contact}"))
}

/// The audience and the contact of an id; `None` for what is no id of Mailchimp's.
pub(super) fn parts(id: &RemoteId) -> Option<(&str, &str)> {
    let is_id = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let (list, contact) = id.as_str().split_once(':')?;
    (is_id(list) && is_id(contact)).then_some((list, contact))
}

/// Whether a status keeps mail from the contact.
pub(super) fn is_out(status: &str) -> bool {
    matches!(status, "unsubscribed" | "cleaned")
}

/// A member as a record.
pub(super) fn record(list: &str, member: &Member, shapes: &Shapes) -> Record {
    Record {
        id: id(list, &member.contact_id),
        version: version(member),
        modified_at: modified_at(member),
        fields: fields(member, shapes),
    }
}

/// When the member was last changed.
pub(super) fn modified_at(member: &Member) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(&member.last_changed).ok()?;
    Some(at.to_utc())
}

/// Mailchimp's times are whole seconds, and do not tell of every change: the version is also what the member looks like.
pub(super) fn version(member: &Member) -> Version {
    let tags: BTreeSet<&str> = member.tags.iter().map(|tag| tag.name.as_str()).collect();
    let looks = json!([
        member.email_address,
        member.status,
        member.merge_fields,
        tags
    ])
    .to_string();
    let digest = Sha256::digest(looks.as_bytes());
    let short = digest.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Version::new(format!("{} {short}", member.last_changed))
}

/// The filled fields of a member.
pub(super) fn fields(member: &Member, shapes: &Shapes) -> Fields {
    let tags: BTreeSet<&str> = member.tags.iter().map(|tag| tag.name.as_str()).collect();
    let tags: Vec<Value> = tags.into_iter().map(Value::from).collect();
    let mut found = Fields::from([
        (EMAIL.into(), Value::text(&member.email_address)),
        (STATUS.into(), Value::text(&member.status)),
        (TAGS.into(), Value::List(tags)),
    ]);
    // Neither of `pending` and `transactional` says that the person wants mail or not.
    match member.status.as_str() {
        "subscribed" => found.insert(OPT_OUT.into(), Value::Bool(false)),
        status if is_out(status) => found.insert(OPT_OUT.into(), Value::Bool(true)),
        _ => None,
    };
    for (tag, value) in &member.merge_fields {
        if let Some(shape) = shapes.get(tag) {
            found.insert(FieldName::new(tag), read(*shape, value));
        }
    }
    found.retain(|_, value| !value.is_empty());
    found
}

fn read(shape: Shape, value: &Json) -> Value {
    match (shape, value) {
        (Shape::Address, Json::Object(parts)) => address(parts),
        (Shape::Number, Json::Number(number)) => Value::Number(number.to_string()),
        (Shape::Number, Json::String(text)) if !text.trim().is_empty() => {
            Value::Number(text.trim().to_owned())
        }
        (Shape::Date, Json::String(text)) => text.parse().map_or(Value::Empty, Value::Date),
        (Shape::Birthday, Json::String(text)) => birthday(text).map_or(Value::Empty, Value::Date),
        (Shape::Text, Json::String(text)) => Value::text(text),
        (Shape::Text, Json::Number(number)) => Value::text(number.to_string()),
        _ => Value::Empty,
    }
}

fn birthday(text: &str) -> Option<PartialDate> {
    let (month, day) = text.split_once('/')?;
    PartialDate::new(None, month.parse().ok()?, day.parse().ok()?)
}

fn address(parts: &Map<String, Json>) -> Value {
    let part = |name: &str| {
        parts
            .get(name)
            .and_then(Json::as_str)
            .unwrap_or("")
            .to_owned()
    };
    let lines = [part("addr1"), part("addr2")];
    let lines: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.is_empty())
        .collect();
    Value::Address(Address {
        street: lines.join("\n"),
        city: part("city"),
        region: part("state"),
        postal_code: part("zip"),
        country: part("country"),
    })
}

/// What a write is made of.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Payload {
    /// The address, if it is set.
    pub email: Option<String>,
    /// Merge fields by tag.
    pub merge_fields: Map<String, Json>,
    /// The tags to be left with, if they are set.
    pub tags: Option<BTreeSet<String>>,
    /// Whether the contact is to be kept from mail, if that is set.
    pub opt_out: Option<bool>,
    /// Fields that cannot be sent as they are, and are left out beside others.
    pub left_out: Vec<Unfit>,
}

impl Payload {
    /// Reads the fields of a write to an audience with these merge fields.
    pub(super) fn of(fields: &Fields, shapes: &Shapes) -> Result<Self, Unfit> {
        let mut payload = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                EMAIL => payload.email = Some(value.as_text().unwrap_or("").trim().to_owned()),
                OPT_OUT => payload.opt_out = Some(*value == Value::Bool(true)),
                TAGS => payload.tags = Some(tags(value)),
                STATUS => return Err(format!("`{STATUS}` cannot be written; `{OPT_OUT}` can")),
                tag => payload.put(tag, value, shapes)?,
            }
        }
        Ok(payload)
    }

    fn put(&mut self, tag: &str, value: &Value, shapes: &Shapes) -> Result<(), Unfit> {
        let shape = shapes
            .get(tag)
            .ok_or_else(|| format!("the audience has no field `{tag}`"))?;
        if let Value::Address(address) = value
            && !value.is_empty()
            && !is_whole(address)
        {
            self.left_out.push(format!(
                "`{tag}` needs a street, a city, a region and a postal code"
            ));
            return Ok(());
        }
        self.merge_fields
            .insert(tag.to_owned(), write(tag, *shape, value)?);
        Ok(())
    }

    /// What only merge fields and the address of the contact make: nothing to send is `None`.
    pub(super) fn body(&self) -> Option<Map<String, Json>> {
        let mut body = Map::new();
        if let Some(email) = &self.email {
            body.insert(EMAIL.into(), email.as_str().into());
        }
        if !self.merge_fields.is_empty() {
            body.insert("merge_fields".into(), self.merge_fields.clone().into());
        }
        (!body.is_empty()).then_some(body)
    }
}

fn tags(value: &Value) -> BTreeSet<String> {
    let items = match value {
        Value::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let names = items.iter().filter_map(Value::as_text);
    names
        .filter(|name| !name.trim().is_empty())
        .map(str::to_owned)
        .collect()
}

fn is_whole(address: &Address) -> bool {
    let needed = [
        &address.street,
        &address.city,
        &address.region,
        &address.postal_code,
    ];
    needed.iter().all(|part| !part.trim().is_empty())
}

fn write(tag: &str, shape: Shape, value: &Value) -> Result<Json, Unfit> {
    if value.is_empty() {
        return Ok("".into());
    }
    let unfit = || format!("`{tag}` cannot hold this kind of value");
    match (shape, value) {
        (Shape::Text, Value::Text(text)) if text.len() > TEXT_BYTES => {
            Err(format!("`{tag}` holds at most {TEXT_BYTES} bytes"))
        }
        (Shape::Text, Value::Text(text) | Value::Number(text)) => Ok(text.as_str().into()),
        (Shape::Number, Value::Number(text) | Value::Text(text)) => {
            let number = text.parse::<serde_json::Number>();
            number.map(Json::Number).map_err(|_| unfit())
        }
        (Shape::Date, Value::Date(date)) if date.year.is_some() => Ok(date.to_string().into()),
        (Shape::Birthday, Value::Date(date)) => {
            Ok(format!("{:02}/{:02}", date.month, date.day).into())
        }
        (Shape::Address, Value::Address(address)) => {
            let mut lines = address
                .street
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty());
            let first = lines.next().unwrap_or("");
            let rest: Vec<&str> = lines.collect();
            Ok(json!({
                "addr1": first, "addr2": rest.join(", "), "city": address.city, "state": address.region,
                "zip": address.postal_code, "country": address.country,
            }))
        }
        _ => Err(unfit()),
    }
}
