//! The modules beside Contacts that hold people and companies, as far as somebody could read them: Leads, which have much of
//! what a contact has and are none, and Accounts, which contacts name as their companies. Neither is written over the API.

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::org::Org;
use super::params::Params;

/// A lead.
#[derive(Debug, Clone)]
pub struct Lead {
    /// Its id.
    pub id: u64,
    /// Unix seconds of its entry.
    pub created: i64,
    /// What stands in it, by API name.
    pub fields: Map<String, Value>,
}

/// Every lead as the API shows it, oldest first.
pub fn leads(org: &Org) -> Vec<Value> {
    org.leads.iter().map(|lead| whole(org, lead)).collect()
}

fn whole(org: &Org, lead: &Lead) -> Value {
    let mut shown = lead.fields.clone();
    let (id, time) = (lead.id.to_string(), org.show(lead.created));
    shown.insert("id".into(), json!(id));
    shown.insert("Created_Time".into(), json!(time));
    shown.insert("Modified_Time".into(), json!(time));
    Value::Object(shown)
}

/// Every company as the API shows it, oldest first.
pub fn accounts(org: &Org) -> Vec<Value> {
    let shown = |(id, name): (&u64, &String)| json!({"id": id.to_string(), "Account_Name": name});
    org.companies.iter().map(shown).collect()
}

/// A page of a module with the fields that were asked for; `None` when nothing is on it.
pub fn page(rows: &[Value], params: &Params) -> Result<Option<Value>, Refusal> {
    let fields = params.list("fields");
    let fields = fields.ok_or_else(|| Refusal::missing_param("fields"))?;
    let (per_page, page) = (params.per_page()?, params.page()?);
    let mut rest = rows.iter().skip((page - 1).saturating_mul(per_page));
    let shown: Vec<Value> = rest
        .by_ref()
        .take(per_page)
        .map(|row| only(row, &fields))
        .collect();
    let info = json!({"per_page": per_page, "count": shown.len(), "page": page, "more_records": rest.next().is_some()});
    Ok((!shown.is_empty()).then(|| json!({"data": shown, "info": info})))
}

fn only(row: &Value, fields: &[&str]) -> Value {
    let named = fields.iter().copied().chain(["id"]);
    let shown = named.map(|name| (name.to_owned(), row.get(name).cloned().unwrap_or_default()));
    Value::Object(shown.collect())
}
