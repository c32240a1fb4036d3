//! Field masks and sources: reading, checking, saying what is wrong (providers/google.md 2.1, 2.5).

use super::fields::{FIELDS, position};
use super::refusal::Refusal;
use crate::core::oauth::params::Params;

/// The place of `metadata` in the field table.
pub fn metadata_place() -> u8 {
    position("metadata").unwrap_or(0)
}

/// What a reader asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Places in the field table, ascending.
    pub fields: Vec<u8>,
    /// Numbers of the sources, for the etag: 2 is CONTACT, 1 is PROFILE, 7 is OTHER_CONTACT.
    pub sources: Vec<u8>,
}

impl Mask {
    /// Every field.
    pub fn all() -> Self {
        Self {
            fields: (0..FIELDS.len() as u8).collect(),
            sources: vec![1, 2],
        }
    }

    /// Whether a field is wanted.
    pub fn has(&self, place: u8) -> bool {
        self.fields.binary_search(&place).is_ok()
    }

    /// A mandatory read mask from the query.
    pub fn required(query: &Params, name: &str, method: &str) -> Result<Self, Refusal> {
        match Self::optional(query, name, method)? {
            Some(mask) => Ok(mask),
            None => Err(missing(name, method)),
        }
    }

    /// A read mask from the query, if it is there.
    pub fn optional(query: &Params, name: &str, method: &str) -> Result<Option<Self>, Refusal> {
        let mut text = query.all(name).join(",");
        if text.is_empty() {
            // The legacy spelling: person.names,person.phoneNumbers
            text = query
                .all("requestMask.includeField")
                .join(",")
                .replace("person.", "");
        }
        if text.is_empty() {
            return Ok(None);
        }
        let sources: Vec<&str> = query.all("sources").iter().map(String::as_str).collect();
        Self::parse(&text, &sources, name, method).map(Some)
    }

    /// A read mask from text.
    pub fn parse(text: &str, sources: &[&str], name: &str, method: &str) -> Result<Self, Refusal> {
        let fields = paths(text, name, method, false)?;
        let mut numbers = Vec::new();
        for source in sources {
            numbers.push(match *source {
                "READ_SOURCE_TYPE_PROFILE" => 1,
                "READ_SOURCE_TYPE_CONTACT" => 2,
                "READ_SOURCE_TYPE_DOMAIN_CONTACT" => 4,
                "READ_SOURCE_TYPE_OTHER_CONTACT" => 7,
                other => {
                    let what = format!("Invalid value at 'sources' (type.googleapis.com/google.people.v1.ReadSourceType), \"{other}\"");
                    return Err(Refusal::bad_payload("sources", &what));
                }
            });
        }
        if numbers.is_empty() {
            numbers = vec![1, 2];
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(Self {
            fields,
            sources: numbers,
        })
    }
}

/// An update mask.
pub fn update_mask(text: &str, name: &str, method: &str) -> Result<Vec<u8>, Refusal> {
    if text.is_empty() {
        return Err(missing(name, method));
    }
    paths(text, name, method, true)
}

fn paths(text: &str, name: &str, method: &str, write: bool) -> Result<Vec<u8>, Refusal> {
    let mut places = Vec::new();
    for path in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let place = position(path)
            .filter(|p| !write || FIELDS.get(usize::from(*p)).is_some_and(|f| f.writable));
        places.push(place.ok_or_else(|| {
            let what = format!(
                "Invalid {name} mask path: \"{path}\". Valid paths are documented at {}.",
                documented(method)
            );
            Refusal::bad_payload(name, &what)
        })?);
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

fn missing(name: &str, method: &str) -> Refusal {
    Refusal::invalid(format!(
        "{name} mask is required. Please specify one or more valid paths. Valid paths are documented at {}.",
        documented(method)
    ))
}

fn documented(method: &str) -> String {
    format!(
        "https://developers.google.com/people/api/rest/v1/{}",
        method.replace('.', "/")
    )
}
