//! Merge fields: what an audience keeps about its members, and which values it takes. Knows no members.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// Most bytes of a text.
const TEXT_BYTES: usize = 255;

/// The types that there are.
pub const TYPES: &[&str] = &[
    "text", "number", "address", "phone", "date", "url", "imageurl", "radio", "dropdown",
    "birthday", "zip",
];

/// A merge field.
#[derive(Debug, Clone)]
pub struct MergeField {
    /// Its number, which never changes.
    pub id: u64,
    /// Its name in members, such as `FNAME`.
    pub tag: String,
    /// What people read.
    pub name: String,
    /// One of [`TYPES`].
    pub kind: String,
    /// Whether a member needs it.
    pub required: bool,
    /// What new members get.
    pub default_value: String,
    /// `choices`, `phone_format`, `date_format`, `default_country`, `size`.
    pub options: Map<String, Value>,
}

impl MergeField {
    /// A field of a type.
    pub fn new(id: u64, tag: &str, name: &str, kind: &str) -> Self {
        Self {
            id,
            tag: tag.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            required: false,
            default_value: String::new(),
            options: Map::new(),
        }
    }

    /// As the API shows it.
    pub fn render(&self, list: &str) -> Value {
        json!({
            "merge_id": self.id, "tag": self.tag, "name": self.name, "type": self.kind,
            "required": self.required, "default_value": self.default_value, "public": true,
            "display_order": self.id + 1, "options": self.options, "help_text": "", "list_id": list,
            "_links": [],
        })
    }

    /// The value as it is kept, or why it is not taken.
    fn take(&self, value: &Value) -> Result<Value, &'static str> {
        let text = match value {
            Value::String(text) => text.trim(),
            Value::Null => "",
            Value::Number(_) if self.kind == "number" => return Ok(value.clone()),
            Value::Number(number) => return self.take(&number.to_string().into()),
            Value::Object(parts) if self.kind == "address" => return address(parts),
            _ => return Err("This value should be of type string"),
        };
        if text.is_empty() {
            return Ok("".into());
        }
        let kept = Ok(Value::from(text));
        match self.kind.as_str() {
            "number" => text
                .parse::<serde_json::Number>()
                .map(Value::Number)
                .map_err(|_| "Please enter a number"),
            "address" => Err("Please enter a complete address"),
            "date" => day(text).ok_or("Please enter the date"),
            "birthday" => {
                birthday(text).ok_or("Please enter the month (01-12) and the day (01-31)")
            }
            "radio" | "dropdown" if !self.choices().any(|choice| choice == text) => {
                Err("Value must be one of the choices")
            }
            "phone" if self.option("phone_format") == "US" && !is_us_phone(text) => {
                Err("Please enter a phone number in the format (###) ### - ####")
            }
            "url" | "imageurl" if !text.contains("://") => Err("Please enter a valid URL"),
            "zip" if !is_zip(text) => Err("Please enter a valid zip code"),
            _ if text.len() > TEXT_BYTES => Err("This value is too long"),
            _ => kept,
        }
    }

    fn option(&self, name: &str) -> &str {
        self.options.get(name).and_then(Value::as_str).unwrap_or("")
    }

    fn choices(&self) -> impl Iterator<Item = &str> {
        let choices = self.options.get("choices").and_then(Value::as_array);
        choices.into_iter().flatten().filter_map(Value::as_str)
    }
}

/// Puts values into a member's; names that the audience does not have are passed over in silence.
pub fn merge(
    fields: &[MergeField],
    kept: &mut Map<String, Value>,
    sent: &Map<String, Value>,
    is_new: bool,
    lenient: bool,
) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    for field in fields {
        let value = match sent.get(&field.tag) {
            Some(value) => value.clone(),
            None if is_new => field.default_value.clone().into(),
            None => continue,
        };
        match field.take(&value) {
            Ok(value) if value == "" && field.required && !lenient => {
                errors.push((field.tag.clone(), "Please enter a value".to_owned()));
            }
            Ok(value) => {
                kept.insert(field.tag.clone(), value);
            }
            Err(message) => errors.push((field.tag.clone(), message.to_owned())),
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Refusal::merge_fields(errors))
    }
}

fn address(parts: &Map<String, Value>) -> Result<Value, &'static str> {
    let part = |name: &str| parts.get(name).and_then(Value::as_str).unwrap_or("").trim();
    let needed = ["addr1", "city", "state", "zip"].map(part);
    if needed.iter().any(|part| part.is_empty()) {
        return Err("Please enter a complete address");
    }
    let country = if part("country").is_empty() {
        "US"
    } else {
        part("country")
    };
    let [addr1, city, state, zip] = needed;
    Ok(json!({
        "addr1": addr1, "addr2": part("addr2"), "city": city, "state": state, "zip": zip, "country": country,
    }))
}

/// A day, whether it comes as `2001-02-03` or as `02/03/2001`.
fn day(text: &str) -> Option<Value> {
    let read = |format| chrono::NaiveDate::parse_from_str(text, format).ok();
    let day = read("%Y-%m-%d").or_else(|| read("%m/%d/%Y"))?;
    Some(day.format("%Y-%m-%d").to_string().into())
}

fn birthday(text: &str) -> Option<Value> {
    let (month, day) = text.split_once('/')?;
    let (month, day) = (month.parse::<u32>().ok()?, day.parse::<u32>().ok()?);
    chrono::NaiveDate::from_ymd_opt(2000, month, day)?;
    Some(format!("{month:02}/{day:02}").into())
}

fn is_us_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits == 10 && !text.starts_with('+')
}

fn is_zip(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_takes_its_own() {
        let mut dropdown = MergeField::new(9, "C", "C", "dropdown");
        dropdown.options.insert("choices".into(), json!(["Red"]));
        let mut us = MergeField::new(9, "P", "P", "phone");
        us.options.insert("phone_format".into(), "US".into());
        let plain = |kind| MergeField::new(9, "T", "T", kind);
        let whole = json!({"addr1": "1 Road", "city": "Ely", "state": "CB", "zip": "7"});
        let check = |field: &MergeField, value: Value, good: bool| {
            assert_eq!(field.take(&value).is_ok(), good, "{} {value}", field.kind);
        };
        check(&plain("text"), "x".repeat(255).into(), true);
        check(&plain("text"), "\u{e9}".repeat(128).into(), false);
        check(&plain("birthday"), "02/29".into(), true);
        check(&plain("birthday"), "13/01".into(), false);
        check(&plain("date"), "2001-02-30".into(), false);
        check(&plain("number"), "12.5".into(), true);
        check(&plain("number"), "many".into(), false);
        check(&plain("address"), whole, true);
        check(&plain("address"), json!({"addr1": "1 Road"}), false);
        check(&dropdown, "Red".into(), true);
        check(&dropdown, "Blue".into(), false);
        check(&us, "404-555-0100".into(), true);
        check(&us, "+47 22 00 00 00".into(), false);
    }
}
