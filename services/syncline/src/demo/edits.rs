//! What people do in the two apps between two syncs.

use std::collections::HashMap;

use anyhow::Context;
use serde_json::{Value, json};
use syncline_sandbox::RunningSandbox;
use syncline_sandbox::core::provider::DumpRecord;

use super::audit::Audit;
use super::{GOOGLE, ZOHO};

/// Fewest contacts with which there is something to edit.
pub const FEWEST: u64 = 10;

/// Edits records on both sides. Says in words what was done.
pub fn make(sandbox: &RunningSandbox, audit: &Audit) -> anyhow::Result<Vec<String>> {
    let zoho = sandbox.state().provider(ZOHO).context("no CRM")?;
    let google = sandbox.state().provider(GOOGLE).context("no Google")?;
    let pairs = pairs(
        audit.records(sandbox, ZOHO)?,
        audit.records(sandbox, GOOGLE)?,
    );
    let mut pairs = pairs.into_iter();
    let mut next = || {
        pairs
            .next()
            .context("too few contacts with an e-mail address of their own")
    };
    let mut done = Vec::new();

    let (crm, book) = next()?;
    zoho.patch_contact(audit.a(), &crm.id, &json!({"Title": "Head of Purchasing"}))?;
    let mut phones = list(&book.native, "phoneNumbers");
    phones.retain(|phone| phone.get("type") != Some(&json!("mobile")));
    phones.push(json!({"value": "+44 20 7946 0958", "type": "mobile"}));
    google.patch_contact(audit.b(), &book.id, &json!({"phoneNumbers": phones}))?;
    done.push("one contact: a new job title in Zoho CRM, a new mobile number at Google".into());

    let (crm, book) = next()?;
    zoho.patch_contact(audit.a(), &crm.id, &json!({"Title": "Director"}))?;
    google.patch_contact(
        audit.b(),
        &book.id,
        &retitled(&book.native, "Managing Director"),
    )?;
    done.push("another contact: the job title in both, differently".into());

    let (crm, _) = next()?;
    zoho.delete_contact(audit.a(), &crm.id)?;
    done.push("a third contact: deleted in Zoho CRM".into());

    zoho.create_contact(
        audit.a(),
        &json!({"First_Name": "Noor", "Last_Name": "Haddad", "Email": "noor.haddad@fresh.example", "Phone": "+31 20 794 0001"}),
    )?;
    google.create_contact(
        audit.b(),
        &json!({
            "names": [{"givenName": "Teo", "familyName": "Lindqvist"}],
            "emailAddresses": [{"value": "teo.lindqvist@fresh.example", "type": "work"}],
        }),
    )?;
    done.push("a new contact on each side".into());
    Ok(done)
}

/// Records of the two sides that share an e-mail address which nobody else has.
fn pairs(a: Vec<DumpRecord>, b: Vec<DumpRecord>) -> Vec<(DumpRecord, DumpRecord)> {
    let mut there: HashMap<String, Vec<DumpRecord>> = HashMap::new();
    for record in b {
        if let Some(email) = first_email(&record) {
            there.entry(email).or_default().push(record);
        }
    }
    let mut here: HashMap<String, usize> = HashMap::new();
    for email in a.iter().filter_map(first_email) {
        *here.entry(email).or_default() += 1;
    }
    a.into_iter()
        .filter_map(|record| {
            let email = first_email(&record)?;
            let alone = here.get(&email) == Some(&1) && there.get(&email)?.len() == 1;
            let partner = alone.then(|| there.remove(&email))??.pop()?;
            Some((record, partner))
        })
        .collect()
}

fn first_email(record: &DumpRecord) -> Option<String> {
    Some(record.neutral.emails.first()?.value.trim().to_lowercase())
}

fn list(native: &Value, field: &str) -> Vec<Value> {
    native
        .get(field)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn retitled(native: &Value, title: &str) -> Value {
    let mut organisations = list(native, "organizations");
    if organisations.is_empty() {
        organisations.push(json!({}));
    }
    if let Some(Value::Object(first)) = organisations.first_mut() {
        first.insert("title".into(), json!(title));
    }
    json!({"organizations": organisations})
}
