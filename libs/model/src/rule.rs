//! Rules: IF conditions THEN actions, for one direction. Data only; `engine` evaluates them.

use chrono::{DateTime, NaiveDate, Utc};
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
    /// A date or time before this one.
    Before(Moment),
    /// A date or time after this one.
    After(Moment),
    /// A date or time of the last so many days, 1 to 3650, today among them, when the record is looked at.
    WithinDays(u16),
    /// A number greater than this one.
    Greater(serde_json::Number),
    /// A number less than this one.
    Less(serde_json::Number),
}

/// A day, which in UTC lasts from midnight to midnight, or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A day.
    Day(NaiveDate),
    /// An instant.
    Instant(DateTime<Utc>),
}

impl std::str::FromStr for Moment {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if let Ok(day) = text.parse() {
            return Ok(Self::Day(day));
        }
        let instant = DateTime::parse_from_rfc3339(text).map_err(drop)?;
        Ok(Self::Instant(instant.to_utc()))
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::Instant(instant) => f.write_str(&instant.to_rfc3339()),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
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

const TESTS: &str =
    "is, is_not, in, contains, starts_with, empty, before, after, within_days, greater, less";

/// Longest time that `within_days` looks back, in days.
const LONGEST_DAYS: u16 = 3650;

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
        let moment = |json: Json| {
            let moment = json.as_str().and_then(|text| text.parse().ok());
            moment.ok_or_else(|| {
                wrong("a day such as 2026-01-31 or a time such as 2026-01-31T09:30:00Z")
            })
        };
        let number = |json: Json| match json {
            Json::Number(number) => Ok(number),
            _ => Err(wrong("a number")),
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
            "before" => Test::Before(moment(argument)?),
            "after" => Test::After(moment(argument)?),
            "within_days" => match argument.as_u64().and_then(|days| u16::try_from(days).ok()) {
                Some(days @ 1..=LONGEST_DAYS) => Test::WithinDays(days),
                _ => return Err(wrong("a whole number of days from 1 to 3650")),
            },
            "greater" => Test::Greater(number(argument)?),
            "less" => Test::Less(number(argument)?),
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

/// What an action does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A field is set to a constant. Opting in or out, the owner and the lead source are fields like any other.
    Set {
        /// The field on the other side.
        field: FieldPath,
        /// The constant.
        to: Json,
    },
    /// A field is set to what stands in a field of the record that the rule looks at.
    Copy {
        /// The field on the other side.
        field: FieldPath,
        /// The field on the rule's side.
        from: FieldPath,
    },
    /// The record is put into a container besides those that it is in.
    Add(Container),
}

/// A group, tag or list, as `kind:name`: one choice of the field that holds a record's places in containers of that kind
/// (`membership` of its descriptor).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its kind: `group`, `tag`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

/// What happens to the record on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What.
    pub effect: Effect,
    /// When.
    pub when: When,
}

/// An action as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set: Option<FieldPath>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "given"
    )]
    to: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<FieldPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    add_to: Option<String>,
    #[serde(default)]
    when: When,
}

/// A value that is written, be it `null`.
fn given<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(d).map(Some)
}

impl Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut text = ActionText {
            set: None,
            to: None,
            from: None,
            add_to: None,
            when: self.when,
        };
        match &self.effect {
            Effect::Set { field, to } => {
                (text.set, text.to) = (Some(field.clone()), Some(to.clone()));
            }
            Effect::Copy { field, from } => {
                (text.set, text.from) = (Some(field.clone()), Some(from.clone()));
            }
            Effect::Add(container) => text.add_to = Some(container.to_string()),
        }
        text.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let ActionText {
            set,
            to,
            from,
            add_to,
            when,
        } = ActionText::deserialize(d)?;
        let effect = match (set, to, from, add_to) {
            (Some(field), Some(to), None, None) => Effect::Set { field, to },
            (Some(field), None, Some(from), None) => Effect::Copy { field, from },
            (None, None, None, Some(text)) => match text.split_once(':') {
                Some((kind, name)) if !kind.is_empty() && !name.is_empty() => {
                    Effect::Add(Container {
                        kind: kind.to_owned(),
                        name: name.to_owned(),
                    })
                }
                _ => {
                    return Err(serde::de::Error::custom(format!(
                        "`{text}` is no container: expected its kind and name, such as `group:Customers` or `tag:VIP`"
                    )));
                }
            },
            _ => {
                return Err(serde::de::Error::custom(
                    "an action is {\"set\": field, \"to\": constant}, {\"set\": field, \"from\": field} or {\"add_to\": container}",
                ));
            }
        };
        Ok(Self { effect, when })
    }
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
    /// Whether the actions are undone on a record that stops matching, as far as nobody changed it since.
    #[serde(default)]
    pub reverse_on_exit: bool,
}

impl Rule {
    /// Whether a record may begin or cease to pass although nothing of it changes, because time goes on.
    pub fn ages(&self) -> bool {
        let mut tests = self.conditions.iter().map(|condition| &condition.test);
        tests.any(|test| matches!(test, Test::WithinDays(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_rule_about_the_last_days_ages() {
        let ages = |conditions: &str| {
            let rule = format!(r#"{{"from":"a","if":[{conditions}]}}"#);
            serde_json::from_str::<Rule>(&rule).expect("a rule").ages()
        };
        assert!(ages(
            r#"{"field":"x","is":1},{"field":"day","within_days":30}"#
        ));
        assert!(!ages(r#"{"field":"day","before":"2026-01-31"}"#));
        assert!(!ages(""));
    }

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
        check(
            r#"{"from":"a","then":[{"add_to":"group:Zoho"},{"set":"Source","from":"Lead_Source"}],"reverse_on_exit":true}"#,
            true,
        );
        check(r#"{"from":"a","then":[{"set":"Source","to":null}]}"#, true);
        for bad in [
            r#"{"add_to":"Zoho"}"#,
            r#"{"add_to":"group:"}"#,
            r#"{"set":"Source"}"#,
            r#"{"set":"Source","to":"x","from":"y"}"#,
            r#"{"set":"Source","add_to":"group:x"}"#,
            r#"{"to":"x"}"#,
        ] {
            check(&format!(r#"{{"from":"a","then":[{bad}]}}"#), false);
        }
        for (test, good) in [
            (r#""before":"2026-01-31""#, true),
            (r#""after":"2026-01-31T09:30:00+02:00""#, true),
            (r#""before":"soon""#, false),
            (r#""within_days":30"#, true),
            (r#""within_days":0"#, false),
            (r#""within_days":1.5"#, false),
            (r#""greater":10"#, true),
            (r#""less":-0.5"#, true),
            (r#""less":"10""#, false),
        ] {
            check(
                &format!(r#"{{"from":"a","if":[{{"field":"F",{test}}}]}}"#),
                good,
            );
        }
        check(r#"{"from":"a","colour":"red"}"#, false);
    }
}
