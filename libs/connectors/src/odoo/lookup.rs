//! Names that stand for ids of other records: tags, users, countries and their parts. Asked for only as far as a write names
//! some.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use syncline_connector::Error;
use syncline_model::{Fields, Value};

use super::call::Odoo;
use super::fields::{Choices, Shape, system_shape};
use super::map::tag_names;
use super::wire::{Land, Named, User};

/// What names stand for.
#[derive(Debug, Default)]
pub(super) struct Names {
    tags: BTreeMap<String, i64>,
    users: Vec<User>,
    countries: Vec<Land>,
    /// By country.
    regions: BTreeMap<i64, Vec<Land>>,
    choices: Choices,
}

impl Names {
    /// The same with the values of selections.
    pub(super) fn choosing(self, choices: Choices) -> Self {
        Self { choices, ..self }
    }

    /// Whether a selection has a value.
    pub(super) fn has_choice(&self, field: &str, value: &str) -> bool {
        let mut values = self.choices.get(field).into_iter().flatten();
        values.any(|own| own == value)
    }

    /// The tag of a name.
    pub(super) fn tag(&self, name: &str) -> Option<i64> {
        self.tags.get(name).copied()
    }

    /// The user who logs in so.
    pub(super) fn user(&self, login: &str) -> Option<i64> {
        let mut users = self.users.iter();
        let user = users.find(|user| user.login.eq_ignore_ascii_case(login.trim()))?;
        Some(user.id)
    }

    /// The country of a name or a code.
    pub(super) fn country(&self, text: &str) -> Option<i64> {
        land(&self.countries, text)
    }

    /// The part of a country that has this name or code.
    pub(super) fn region(&self, country: i64, text: &str) -> Option<i64> {
        land(self.regions.get(&country)?, text)
    }

    #[cfg(test)]
    pub(super) fn of(
        tags: BTreeMap<String, i64>,
        users: Vec<User>,
        countries: Vec<Land>,
        regions: BTreeMap<i64, Vec<Land>>,
    ) -> Self {
        Self {
            tags,
            users,
            countries,
            regions,
            choices: Choices::new(),
        }
    }
}

fn land(lands: &[Land], text: &str) -> Option<i64> {
    let wanted = text.trim().to_lowercase();
    let is = |own: &Option<String>| own.as_ref().is_some_and(|own| own.to_lowercase() == wanted);
    let mut lands = lands.iter().filter(|_| !wanted.is_empty());
    let land = lands.find(|land| is(&land.name.0) || is(&land.code.0))?;
    Some(land.id)
}

/// Looks up what these writes name. Tags that do not exist yet are made.
pub(super) async fn names<'f>(
    odoo: &Odoo<'_>,
    writes: impl Iterator<Item = &'f Fields>,
) -> Result<Names, Error> {
    let (mut tags, mut countries, mut owned) = (BTreeSet::new(), BTreeSet::new(), false);
    for (name, value) in writes.flatten() {
        match system_shape(name.as_str()) {
            Some(Shape::Tags) => tags.extend(tag_names(value).unwrap_or_default()),
            Some(Shape::User) => owned |= !value.is_empty(),
            Some(Shape::Address) => {
                if let Value::Address(address) = value
                    && !address.country.trim().is_empty()
                {
                    countries.insert(address.country.as_str());
                }
            }
            _ => {}
        }
    }
    let mut names = Names::default();
    if !tags.is_empty() {
        names.tags = tags_of(odoo, &tags).await?;
    }
    if owned {
        names.users = users(odoo).await?;
    }
    if !countries.is_empty() {
        (names.countries, names.regions) = places(odoo, &countries).await?;
    }
    Ok(names)
}

/// The users who can have contacts.
pub(super) async fn users(odoo: &Odoo<'_>) -> Result<Vec<User>, Error> {
    let inside =
        json!({"domain": [["share", "=", false]], "fields": ["login", "name"], "order": "id"});
    odoo.ask("res.users", "search_read", inside).await
}

/// The ids of tags by their names; of several the first.
async fn tags_of(odoo: &Odoo<'_>, wanted: &BTreeSet<&str>) -> Result<BTreeMap<String, i64>, Error> {
    let model = "res.partner.category";
    let asked = json!({"domain": [["name", "in", wanted]], "fields": ["name"], "order": "id desc"});
    let found: Vec<Named> = odoo.ask(model, "search_read", asked).await?;
    let mut tags: BTreeMap<String, i64> = found.into_iter().map(|tag| (tag.name, tag.id)).collect();
    let missing: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|name| !tags.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        let made: Vec<_> = missing.iter().map(|name| json!({ "name": name })).collect();
        let ids: Vec<i64> = odoo
            .act(model, "create", json!({ "vals_list": made }))
            .await?;
        tags.extend(missing.into_iter().map(str::to_owned).zip(ids));
    }
    Ok(tags)
}

/// The countries, by the user's language, and the parts of those that are wanted. What has no such name there may have it in
/// English, which every Odoo speaks.
async fn places(
    odoo: &Odoo<'_>,
    wanted: &BTreeSet<&str>,
) -> Result<(Vec<Land>, BTreeMap<i64, Vec<Land>>), Error> {
    let mut asked = json!({"domain": [], "fields": ["name", "code"], "order": "id"});
    let mut countries: Vec<Land> = odoo
        .ask("res.country", "search_read", asked.clone())
        .await?;
    if wanted.iter().any(|name| land(&countries, name).is_none())
        && let Some(asked) = asked.as_object_mut()
    {
        asked.insert("context".into(), json!({"lang": "en_US"}));
        let english = json!(asked);
        countries.extend(
            odoo.ask::<Vec<Land>>("res.country", "search_read", english)
                .await?,
        );
    }
    let ids: BTreeSet<i64> = wanted
        .iter()
        .filter_map(|name| land(&countries, name))
        .collect();
    let mut regions = BTreeMap::new();
    for id in ids {
        let parts =
            json!({"domain": [["country_id", "=", id]], "fields": ["name", "code"], "order": "id"});
        regions.insert(
            id,
            odoo.ask("res.country.state", "search_read", parts).await?,
        );
    }
    Ok((countries, regions))
}
