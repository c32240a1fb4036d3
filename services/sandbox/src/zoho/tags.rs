//! The tags of Contacts: shared by the whole module. Routes are in `http::tags`.

use super::errors::ItemError;
use serde_json::{Value, json};

/// Tags a module may have.
pub const TAGS_PER_MODULE: usize = 100;
/// Tags a record may have.
pub const TAGS_PER_RECORD: usize = 10;
const NAME_LENGTH: usize = 25;

/// The colours Zoho offers.
pub const COLOURS: &[&str] = &[
    "#F17574", "#F48435", "#E7A826", "#A8C026", "#63C57E", "#1DB9B4", "#57B1FD", "#879BFC",
    "#D297EE", "#FD87BD", "#969696", "#658BA8", "#B88562",
];

/// A tag.
#[derive(Debug, Clone)]
pub struct Tag {
    /// Zoho id.
    pub id: u64,
    /// Name, unique without regard to case.
    pub name: String,
    /// One of [`COLOURS`], or none.
    pub colour: Option<String>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub modified: i64,
    /// User.
    pub created_by: u64,
    /// User.
    pub modified_by: u64,
}

/// All tags of the module, in order of creation.
#[derive(Debug, Default)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// The tag of this id.
    pub fn get(&self, id: u64) -> Option<&Tag> {
        self.0.iter().find(|tag| tag.id == id)
    }

    /// The tag of this id, to be changed.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut Tag> {
        self.0.iter_mut().find(|tag| tag.id == id)
    }

    /// The tag of this name, whatever the case.
    pub fn named(&self, name: &str) -> Option<&Tag> {
        let name = name.to_lowercase();
        self.0.iter().find(|tag| tag.name.to_lowercase() == name)
    }

    /// All tags.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a tag.
    pub fn push(&mut self, tag: Tag) {
        self.0.push(tag);
    }

    /// Removes a tag; records that have it show it no more.
    pub fn remove(&mut self, id: u64) -> Option<Tag> {
        let at = self.0.iter().position(|tag| tag.id == id)?;
        Some(self.0.remove(at))
    }
}

/// Checks the name of a tag; `path` is its JSON path.
pub fn check_name(name: &str, path: &str) -> Result<(), ItemError> {
    let length = name.chars().count();
    if length == 0 || length > NAME_LENGTH {
        return Err(ItemError::invalid(
            json!({"maximum_length": NAME_LENGTH, "api_name": "name", "json_path": path}),
        ));
    }
    if name
        .chars()
        .any(|c| matches!(c, '<' | '>' | ',') || u32::from(c) >= 0x1_F000)
    {
        return Err(ItemError::invalid(
            json!({"api_name": "name", "json_path": path}),
        ));
    }
    Ok(())
}

/// Checks a colour; `path` is its JSON path.
pub fn check_colour(colour: Option<&Value>, path: &str) -> Result<Option<String>, ItemError> {
    let Some(colour) = colour.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let known = colour.as_str().and_then(|text| {
        COLOURS
            .iter()
            .find(|known| known.eq_ignore_ascii_case(text))
    });
    match known {
        Some(known) => Ok(Some((*known).to_owned())),
        None => Err(ItemError::invalid(
            json!({"api_name": "color_code", "json_path": path}),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        let check =
            |name: &str, expect: bool| assert_eq!(check_name(name, "$").is_ok(), expect, "{name}");
        check("Newsletter", true);
        check("Kunde Süd", true);
        check("", false);
        check("a,b", false);
        check("<b>", false);
        check("party 🎉", false);
        check(&"x".repeat(25), true);
        check(&"x".repeat(26), false);
    }

    #[test]
    fn colours_are_those_offered() {
        let check = |colour: Value, expect: Option<&str>| {
            assert_eq!(
                check_colour(Some(&colour), "$").ok().flatten().as_deref(),
                expect,
                "{colour}"
            );
        };
        check(json!("#57b1fd"), Some("#57B1FD"));
        check(json!("#000000"), None);
        check(Value::Null, None);
    }
}
