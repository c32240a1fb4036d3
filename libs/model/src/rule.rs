//! Rules: IF conditions THEN actions, for one direction. Data only; `engine` evaluates them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

use crate::{FieldPath, Side};

/// A condition or action that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(pub String);

/// What is asked of a field's value. Texts are compared in the normal form of the field's kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Equal to; for a multi-valued field, one of its values is.
    Is(Json),
    /// Not equal to, or empty.
    IsNot(Json),
    /// Equal to one of these.
    In(Vec<Json>),
    /// The text has this text in it, whatever the case.
    Contains(String),
    /// The text begins with this text, whatever the case.
    StartsWith(String),
    /// Has no value (`true`) or has one (`false`).
    Empty(bool),
}

/// One condition: a field and a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The field on the side that the rule is from.
    pub field: FieldPath,
    /// What is asked of it.
    #[serde(flatten)]
    pub test: Test,
}

const TESTS: &str = "is, is_not, in, contains, starts_with, empty";

impl TryFrom<Json> for Condition {
    type Error = RuleError;

    fn try_from(json: Json) -> Result<Self, RuleError> {
        let (field, test, argument) = split(json, "condition", TESTS)?;
        let wrong = |want: &str| RuleError(format!("the test `{test}` takes {want}"));
        let scalar = |json: Json| match json {
            Json::String(_) | Json::Bool(_) | Json::Number(_) => Ok(json),
            _ => Err(wrong("a text, a number or true/false")),
        };
        let text = |json: Json| match json {
            Json::String(text) if !text.is_empty() => Ok(text),
            _ => Err(wrong("a text")),
        };
        let test = match test.as_str() {
            "is" => Test::Is(scalar(argument)?),
            "is_not" => Test::IsNot(scalar(argument)?),
            "in" => match argument {
                Json::Array(items) if (1..=100).contains(&items.len()) => {
                    Test::In(items.into_iter().map(scalar).collect::<Result<_, _>>()?)
                }
                _ => return Err(wrong("a list of 1 to 100 values")),
            },
            "contains" => Test::Contains(text(argument)?),
            "starts_with" => Test::StartsWith(text(argument)?),
            "empty" => match argument {
                Json::Bool(yes) => Test::Empty(yes),
                _ => return Err(wrong("true or false")),
            },
            other => {
                return Err(RuleError(format!(
                    "unknown test `{other}`: expected one of {TESTS}"
                )));
            }
        };
        Ok(Self { field, test })
    }
}

/// Splits `{"field": F, "<word>": argument}`.
fn split(json: Json, what: &str, words: &str) -> Result<(FieldPath, String, Json), RuleError> {
    let Json::Object(mut map) = json else {
        return Err(RuleError(format!("a {what} is an object")));
    };
    let field = match map.remove("field") {
        Some(Json::String(text)) => text
            .parse()
            .map_err(|error: crate::PathError| RuleError(error.to_string()))?,
        _ => return Err(RuleError(format!("a {what} needs `field`"))),
    };
    let mut rest = map.into_iter();
    match (rest.next(), rest.next()) {
        (Some((word, argument)), None) => Ok((field, word, argument)),
        _ => Err(RuleError(format!(
            "a {what} has `field` and exactly one of {words}"
        ))),
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::try_from(Json::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// When an action applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Only when the record is created on the other side.
    Create,
    /// On creation and whenever a change is carried over.
    #[default]
    Always,
}

/// What happens to the record on the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The field on the other side to set. Opting in or out and the lead source are fields like any other.
    pub set: FieldPath,
    /// The constant to set it to.
    pub to: Json,
    /// When.
    #[serde(default)]
    pub when: When,
}

/// IF all conditions hold for a record of side `from`, it takes part in that direction, THEN the actions apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The side whose records it looks at.
    pub from: Side,
    /// All must hold; none means every record.
    #[serde(default, rename = "if")]
    pub conditions: Vec<Condition>,
    /// Applied to the other side, in order.
    #[serde(default, rename = "then")]
    pub actions: Vec<Action>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, good: bool) {
        let parsed = serde_json::from_str::<Rule>(text);
        assert_eq!(parsed.is_ok(), good, "{text}: {parsed:?}");
        if let Ok(rule) = parsed {
            let again = serde_json::to_string(&rule).expect("json");
            assert_eq!(serde_json::from_str::<Rule>(&again).expect("rule"), rule);
        }
    }

    #[test]
    fn rules_as_the_api_speaks_of_them() {
        check(r#"{"from":"a"}"#, true);
        check(
            r#"{"from":"a","if":[{"field":"Owner","is":"Ann"},{"field":"Lead_Source","in":["Chat"]},
               {"field":"Email_Opt_Out","is":false},{"field":"Region__c","contains":"EMEA"}],
               "then":[{"set":"userDefined.source","to":"CRM","when":"create"}]}"#,
            true,
        );
        check(r#"{"from":"c"}"#, false);
        check(r#"{"from":"a","if":[{"field":"Owner"}]}"#, false);
        check(
            r#"{"from":"a","if":[{"field":"Owner","is":"x","in":["y"]}]}"#,
            false,
        );
        check(
            r#"{"from":"a","if":[{"field":"Owner","resembles":"x"}]}"#,
            false,
        );
        check(r#"{"from":"a","if":[{"is":"x"}]}"#, false);
        check(r#"{"from":"a","then":[{"add_to":"group:Zoho"}]}"#, false);
        check(r#"{"from":"a","colour":"red"}"#, false);
    }
}
