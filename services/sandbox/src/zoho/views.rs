//! Custom views ("list views") of Contacts: the standard ones and those an administrator makes from Zoho's criteria JSON.
//! The public API only reads them; making one is an action of the sandbox's administrator.

use serde_json::{Value, json};

use super::fields::{Catalogue, Kind};
use super::filter::{Atom, Filter, Op, Path, Test};
use super::org::Org;

/// A view.
#[derive(Debug, Clone)]
pub struct View {
    /// Zoho id.
    pub id: u64,
    /// Name people see.
    pub name: String,
    /// Name of a standard view, such as `ALLVIEWS`; none for those people made.
    pub system_name: Option<String>,
    /// `public_views`, `created_by_me`, `shared_with_me` or `other_users_views`.
    pub category: String,
    /// Criteria as the vendor writes them; none selects every contact.
    pub criteria: Option<Value>,
    /// API names of the columns.
    pub fields: Vec<String>,
    /// Unix seconds of the last change; none for standard views.
    pub modified: Option<i64>,
    /// User who made it; none for standard views.
    pub created_by: Option<u64>,
}

/// The views every organisation has.
pub fn standard(fields: &Catalogue, mut next_id: impl FnMut() -> u64) -> Vec<View> {
    let test = |name: &str, comparator: &str, value: Value| {
        let id = fields.get(name).map(|field| field.id.to_string());
        json!({"comparator": comparator, "field": {"api_name": name, "id": id}, "value": value})
    };
    let rows = [
        ("All Contacts", Some("ALLVIEWS"), None),
        (
            "My Contacts",
            Some("OWNEDBYME"),
            Some(test("Owner", "equal", json!("${CURRENTUSER}"))),
        ),
        (
            "Unsubscribed Contacts",
            Some("UNSUBSCRIBED"),
            Some(test("Email_Opt_Out", "equal", json!(true))),
        ),
        (
            "Mailing Labels",
            Some("MAILINGLABELS"),
            Some(test("Mailing_Street", "not_equal", json!("${EMPTY}"))),
        ),
        (
            "Trade Show Contacts",
            None,
            Some(test("Lead_Source", "equal", json!("Trade Show"))),
        ),
        (
            "Newsletter",
            None,
            Some(json!({"group_operator": "and", "group": [
            test("Email_Opt_Out", "equal", json!(false)), test("Email", "not_equal", json!("${EMPTY}"))]})),
        ),
    ];
    rows.into_iter()
        .map(|(name, system_name, criteria)| View {
            id: next_id(),
            name: name.to_owned(),
            system_name: system_name.map(str::to_owned),
            category: "public_views".to_owned(),
            criteria,
            fields: ["Full_Name", "Account_Name", "Email", "Phone", "Owner"]
                .map(str::to_owned)
                .to_vec(),
            modified: None,
            created_by: None,
        })
        .collect()
}

const MAX_GROUP: usize = 25;

/// Reads criteria JSON; the error names what is wrong with them.
pub fn filter(org: &Org, criteria: Option<&Value>) -> Result<Filter, String> {
    let Some(criteria) = criteria.filter(|value| !value.is_null()) else {
        return Ok(Filter::always());
    };
    if let Some(group) = criteria.get("group").and_then(Value::as_array) {
        if group.is_empty() || group.len() > MAX_GROUP {
            return Err(format!("a group has 1 to {MAX_GROUP} criteria"));
        }
        let parts = group
            .iter()
            .map(|part| filter(org, Some(part)))
            .collect::<Result<Vec<_>, _>>()?;
        return match criteria.get("group_operator").and_then(Value::as_str) {
            Some(op) if op.eq_ignore_ascii_case("or") => Ok(Filter::Any(parts)),
            Some(op) if op.eq_ignore_ascii_case("and") => Ok(Filter::All(parts)),
            _ => Err("group_operator is and or or".to_owned()),
        };
    }
    let name = criteria
        .get("field")
        .and_then(|field| field.get("api_name").or(Some(field)))
        .and_then(Value::as_str);
    let name = name.ok_or("a criterion has a field with an api_name")?;
    let path = Path::parse(org, name).ok_or_else(|| format!("no field {name}"))?;
    let comparator = criteria
        .get("comparator")
        .and_then(Value::as_str)
        .ok_or("a criterion has a comparator")?;
    let value = criteria.get("value").unwrap_or(&Value::Null);
    test(org, path, comparator, value).map(Filter::Test)
}

fn test(org: &Org, path: Path, comparator: &str, value: &Value) -> Result<Test, String> {
    let texts = texts(value);
    if texts.is_empty() || texts.iter().any(|text| text == "${EMPTY}") {
        let op = match comparator {
            "equal" => Op::Empty,
            "not_equal" => Op::Present,
            _ => return Err(format!("{comparator} needs a value")),
        };
        return Ok(Test {
            path,
            op,
            against: Vec::new(),
        });
    }
    let op = match comparator {
        "equal" | "in" | "include_any" => Op::In,
        "not_equal" | "not_in" | "exclude_any" => Op::NotIn,
        "like" => Op::Like,
        "not_like" => Op::NotLike,
        "starts_with" => Op::StartsWith,
        "ends_with" => Op::EndsWith,
        "contains" => Op::Contains,
        "not_contains" => Op::NotContains,
        "include_all" => Op::IncludesAll,
        "exclude_all" => Op::ExcludesAll,
        "greater_than" => Op::Greater,
        "greater_equal" => Op::AtLeast,
        "less_than" => Op::Less,
        "less_equal" => Op::AtMost,
        "between" => Op::Between,
        _ => return Err(format!("no comparator {comparator}")),
    };
    let bad = || format!("{} cannot be compared with {value}", path.name());
    let against: Option<Vec<Atom>> = texts.iter().map(|text| path.literal(org, text)).collect();
    let against = against.ok_or_else(bad)?;
    if path.kind() == Some(Kind::Boolean) && !matches!(op, Op::In | Op::NotIn) {
        return Err(bad());
    }
    Ok(Test { path, op, against })
}

/// The texts of a criterion's value: one, several, or those within `{name, id}` objects.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(map) => map
            .get("id")
            .or_else(|| map.get("name"))
            .map(texts)
            .unwrap_or_default(),
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing;

    #[test]
    fn criteria_select_contacts() {
        let mut org = testing::org();
        let ann = testing::add(
            &mut org,
            json!({"Last_Name": "Ann", "Lead_Source": "Trade Show", "Tag": [{"name": "A"}]}),
        );
        let bob = testing::add(&mut org, json!({"Last_Name": "Bob", "Email_Opt_Out": true}));
        let check = |criteria: Value, expect: &[u64]| {
            let filter = filter(&org, Some(&criteria)).unwrap();
            let ids: Vec<u64> = org
                .table
                .iter()
                .filter(|r| filter.holds(&org, r))
                .map(|r| r.id)
                .collect();
            assert_eq!(ids, expect, "{criteria}");
        };
        let one = |name: &str, comparator: &str, value: Value| json!({"comparator": comparator, "field": {"api_name": name}, "value": value});
        check(one("Lead_Source", "equal", json!("Trade Show")), &[ann]);
        check(one("Lead_Source", "not_equal", json!("Trade Show")), &[bob]);
        check(one("Lead_Source", "equal", json!("${EMPTY}")), &[bob]);
        check(one("Email_Opt_Out", "equal", json!(true)), &[bob]);
        check(one("Owner", "equal", json!("${CURRENTUSER}")), &[ann, bob]);
        check(one("Tag", "include_any", json!([{"name": "A"}])), &[ann]);
        check(one("Last_Name", "in", json!(["ann", "bob"])), &[ann, bob]);
        check(
            json!({"group_operator": "or", "group": [one("Last_Name", "starts_with", json!("an")),
                one("Last_Name", "ends_with", json!("b"))]}),
            &[ann, bob],
        );
    }

    #[test]
    fn bad_criteria_are_named() {
        let org = testing::org();
        let check = |criteria: Value, expect: &str| {
            assert_eq!(
                filter(&org, Some(&criteria)).err().as_deref(),
                Some(expect),
                "{criteria}"
            );
        };
        check(
            json!({"comparator": "equal", "field": {"api_name": "Nope"}, "value": 1}),
            "no field Nope",
        );
        check(
            json!({"comparator": "near", "field": {"api_name": "Email"}, "value": "x"}),
            "no comparator near",
        );
        check(
            json!({"group": [], "group_operator": "and"}),
            "a group has 1 to 25 criteria",
        );
    }
}
