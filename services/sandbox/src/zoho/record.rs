//! One contact as it is stored: what Zoho itself keeps is typed, what people write is a short list of values.
//! Printing is in `render`, checking in `values`.

use std::sync::Arc;

use serde_json::Value;

/// A contact.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Zoho's id: 19 digits.
    pub id: u64,
    /// Unix seconds of creation.
    pub created: i64,
    /// Unix seconds of the last change.
    pub modified: i64,
    /// User who created it.
    pub created_by: u64,
    /// User who changed it last.
    pub modified_by: u64,
    /// User who owns it.
    pub owner: u64,
    /// Ids of its tags, in the order they were added.
    pub tags: Vec<u64>,
    /// Locked: writes through the API are refused.
    pub locked: bool,
    /// The values, by API name; what is absent is null.
    pub values: Values,
}

/// Values by API name. A record has about fifteen of them, so a list is smaller and faster than a map.
#[derive(Debug, Clone, Default)]
pub struct Values(Vec<(Arc<str>, Value)>);

impl Values {
    /// The value of this field.
    pub fn get(&self, api_name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(name, _)| &**name == api_name)
            .map(|(_, value)| value)
    }

    /// The value of this field if it is text.
    pub fn text(&self, api_name: &str) -> Option<&str> {
        self.get(api_name).and_then(Value::as_str)
    }

    /// Sets the value, or takes it away.
    pub fn set(&mut self, api_name: &Arc<str>, value: Option<Value>) {
        let at = self.0.iter().position(|(name, _)| name == api_name);
        match (at, value) {
            (Some(at), Some(value)) => {
                if let Some(slot) = self.0.get_mut(at) {
                    slot.1 = value;
                }
            }
            (Some(at), None) => {
                self.0.remove(at);
            }
            (None, Some(value)) => self.0.push((Arc::clone(api_name), value)),
            (None, None) => {}
        }
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

impl Record {
    /// First and last name together, as Zoho shows the record.
    pub fn full_name(&self) -> String {
        let parts = [
            self.values.text("First_Name"),
            self.values.text("Last_Name"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}
