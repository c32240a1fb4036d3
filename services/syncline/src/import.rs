//! Loading a person's own exports into the sandbox's accounts. What a file held and an account could not take is named.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};
use syncline_sandbox::RunningSandbox;
use syncline_sandbox::core::provider::Provider;
use syncline_sandbox::import::{
    self, COMPANY_FIELD, Fate, Import, ImportedContact, LoadReport, Loss, Losses, Photo,
};

/// Files read and not loaded yet.
#[derive(Default)]
pub struct Files {
    a: Option<(String, Import)>,
    b: Option<(String, Import)>,
}

/// What one file brought.
pub struct Loaded(LoadReport);

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loaded {}", self.0)
    }
}

/// Reads both files before anything is started.
pub fn read_all(a: Option<&Path>, b: Option<&Path>) -> anyhow::Result<Files> {
    Ok(Files {
        a: a.map(read).transpose()?,
        b: b.map(read).transpose()?,
    })
}

fn read(path: &Path) -> anyhow::Result<(String, Import)> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let import = import::read(&bytes, &name)?;
    Ok((name, import))
}

impl Files {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.a.is_none() && self.b.is_none()
    }

    /// Loads them into the accounts: a into the CRM, b into Google.
    pub fn load(self, sandbox: &RunningSandbox) -> anyhow::Result<Vec<Loaded>> {
        let mut loaded = Vec::new();
        if let Some((file, import)) = self.a {
            loaded.push(load(sandbox, "zoho", file, import, into_crm)?);
        }
        if let Some((file, import)) = self.b {
            loaded.push(load(sandbox, "google", file, import, into_google)?);
        }
        Ok(loaded)
    }
}

/// Puts one contact into an account.
type Put = fn(&mut Target<'_>, &ImportedContact, &mut Losses) -> Result<(), String>;

struct Target<'a> {
    provider: &'a dyn Provider,
    account: String,
    groups: BTreeMap<String, String>,
}

fn load(
    sandbox: &RunningSandbox,
    provider: &str,
    file: String,
    import: Import,
    put: Put,
) -> anyhow::Result<Loaded> {
    let provider = sandbox
        .state()
        .provider(provider)
        .context("no such provider")?;
    let account = provider
        .accounts()
        .first()
        .context("no account")?
        .id
        .clone();
    let mut target = Target {
        provider: provider.as_ref(),
        account,
        groups: BTreeMap::new(),
    };
    if provider.id() == "zoho" {
        let field = json!({"api_name": COMPANY_FIELD, "data_type": "text"});
        provider.action(&target.account, "add_field", &field)?;
    }
    let mut losses = Losses::default();
    let mut refused = Vec::new();
    let mut contacts = 0;
    for contact in &import.contacts {
        match put(&mut target, contact, &mut losses) {
            Ok(()) => contacts += 1,
            Err(why) => refused.push(Loss {
                contact: contact.display(),
                line: contact.line,
                what: "the whole contact".into(),
                value: String::new(),
                why,
                fate: Fate::Lost,
            }),
        }
    }
    let mut all = import.losses;
    all.extend(losses.into_vec());
    all.extend(refused);
    Ok(Loaded(LoadReport {
        file,
        contacts,
        losses: all,
    }))
}

fn into_crm(
    target: &mut Target<'_>,
    contact: &ImportedContact,
    losses: &mut Losses,
) -> Result<(), String> {
    let record = import::to_zoho(contact, losses);
    let made = target.provider.create_contact(&target.account, &record);
    made.map(drop).map_err(|error| error.to_string())
}

fn into_google(
    target: &mut Target<'_>,
    contact: &ImportedContact,
    losses: &mut Losses,
) -> Result<(), String> {
    let google = import::to_google(contact, losses);
    // Of an address alone it was said already that no picture comes of it.
    let photo = matches!(google.photo, Some(Photo::Bytes { .. }));
    let mut person = google.person;
    let mut memberships = vec![membership("contactGroups/myContacts")];
    for label in &google.labels {
        match target.group(label) {
            Ok(group) => memberships.push(membership(&group)),
            Err(why) => losses.lost("label", label, &why),
        }
    }
    if let Some(fields) = person.as_object_mut() {
        fields.insert("memberships".into(), Value::Array(memberships));
    }
    let made = target.provider.create_contact(&target.account, &person);
    made.map_err(|error| error.to_string())?;
    if photo {
        losses.lost(
            "photo",
            "",
            "contact photos are not synced, so it was not loaded",
        );
    }
    Ok(())
}

fn membership(group: &str) -> Value {
    json!({"contactGroupMembership": {"contactGroupResourceName": group}})
}

impl Target<'_> {
    /// The group of a label, made when it is met first; one of Google's own if it has that name and takes contacts.
    fn group(&mut self, label: &str) -> Result<String, String> {
        if let Some(group) = self.groups.get(label) {
            return Ok(group.clone());
        }
        let made = self
            .provider
            .action(
                &self.account,
                "group",
                &json!({"name": label, "reuse": true}),
            )
            .map_err(|error| error.to_string())?;
        let name = made
            .get("resourceName")
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned();
        self.groups.insert(label.to_owned(), name.clone());
        Ok(name)
    }
}
