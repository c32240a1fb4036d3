//! One Creatio site: its rows, and what saving and deleting one does to others. Knows no HTTP.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::rules;
use super::schema::{self, Holds, NO_ID};

/// A row, by the names on the wire.
pub type Row = Map<String, Value>;

/// What can be set per site through the admin API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// Most rows of one answer (`MaxEntityRowCount`).
    pub max_rows: usize,
    /// Whether filters take flat names of lookups (`OwnerId`), as some versions do.
    pub flat_filters: bool,
    /// So many more inserts of contacts answer with an error although the row is written.
    pub failing_inserts: u32,
    /// The OData service is being rebuilt: it knows no collection.
    pub rebuilding: bool,
    /// Whether calls by cookie need the header `BPMCSRF`.
    pub csrf: bool,
    /// Whether an answer to an insert says who made the row.
    pub inserts_tell_who: bool,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            max_rows: 20_000,
            flat_filters: false,
            failing_inserts: 0,
            rebuilding: false,
            csrf: true,
            inserts_tell_who: true,
        }
    }
}

/// A column that a site's owner added.
pub struct OwnColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
    /// Whether the site computes it: nobody else writes it.
    pub computed: bool,
}

/// The site.
pub struct Site {
    /// Its name: the account's id.
    pub id: String,
    /// The login name of its user.
    pub email: String,
    /// What people call the user.
    pub name: String,
    /// Whether it runs on .NET: its service is at `/odata/`, not `/0/odata/`.
    pub is_core: bool,
    /// Knobs.
    pub knobs: Knobs,
    /// Who is logged in by cookie: session and CSRF token.
    pub sessions: BTreeMap<String, String>,
    /// Contacts that are gone, for the admin's dump.
    pub gone: BTreeMap<String, Row>,
    /// Columns of contacts that the site's owner added.
    pub columns: Vec<OwnColumn>,
    tables: BTreeMap<&'static str, BTreeMap<String, Row>>,
    /// Ids of rows, by entity, lookup column and what that leads to.
    children: BTreeMap<(&'static str, &'static str, String), BTreeSet<String>>,
    now: DateTime<Utc>,
    made: u64,
}

impl Site {
    /// A site with the user, a colleague and the lookups that all have.
    pub fn new(id: String, email: String, name: String, now: DateTime<Utc>) -> Self {
        let mut site = Self {
            id,
            email,
            name,
            is_core: false,
            knobs: Knobs::default(),
            sessions: BTreeMap::new(),
            gone: BTreeMap::new(),
            columns: Vec::new(),
            tables: BTreeMap::new(),
            children: BTreeMap::new(),
            now,
            made: 0,
        };
        for (entity, id, name) in schema::ROWS {
            site.put(entity, id, [("Name".to_owned(), json!(name))].into_iter());
        }
        site.put(
            "SysAdminUnit",
            "7f3b869f-34f3-4f20-ab4d-7480a5fdf647",
            [
                ("Name".to_owned(), json!(site.email.clone())),
                ("ContactId".to_owned(), json!(schema::ME)),
                ("Active".to_owned(), json!(true)),
                ("SysAdminUnitTypeValue".to_owned(), json!(4)),
            ]
            .into_iter(),
        );
        site
    }

    /// Sets the time of what follows.
    pub fn at(&mut self, now: DateTime<Utc>) -> &mut Self {
        self.now = now;
        self
    }

    /// A row of an entity.
    pub fn row(&self, entity: &str, id: &str) -> Option<&Row> {
        self.tables.get(entity)?.get(id)
    }

    /// The columns of an entity that the site's owner added.
    pub fn own(&self, entity: &str) -> impl Iterator<Item = &OwnColumn> {
        let all = self.columns.iter();
        all.filter(move |_| entity == "Contact")
    }

    /// The rows of an entity, by id.
    pub fn rows(&self, entity: &str) -> impl Iterator<Item = &Row> {
        self.tables
            .get(entity)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// Ids of the rows of an entity that a lookup leads from to one row.
    pub fn children(&self, entity: &str, by: &str, parent: &str) -> Vec<String> {
        let entity = schema::entity(entity).unwrap_or_default();
        let by = schema::column(entity, by).map_or("", |(name, _)| name);
        let found = self.children.get(&(entity, by, parent.to_owned()));
        found.into_iter().flatten().cloned().collect()
    }

    /// Those rows themselves.
    pub fn children_rows(&self, entity: &str, by: &str, parent: &str) -> Vec<Row> {
        let ids = self.children(entity, by, parent);
        let rows = ids.iter().filter_map(|id| self.row(entity, id));
        rows.cloned().collect()
    }

    /// An id that no row has yet.
    pub fn fresh(&mut self) -> String {
        self.made += 1;
        let salt = crate::core::ids::digest(&self.id);
        let mixed = crate::core::ids::mix(salt ^ self.made);
        schema::guid(&format!(
            "{mixed:016x}{:016x}",
            crate::core::ids::mix(mixed)
        ))
    }

    /// A person's or a client's insert; answers the id.
    pub fn insert(
        &mut self,
        entity: &'static str,
        body: &Row,
        by: &str,
    ) -> Result<String, Refusal> {
        let mut row = self.checked(entity, body)?;
        let id = match row.get("Id").and_then(Value::as_str) {
            Some(id) if id != NO_ID => id.to_lowercase(),
            _ => self.fresh(),
        };
        if self.row(entity, &id).is_some() {
            let message = format!("Violation of PRIMARY KEY constraint 'PK_{entity}_Id'.");
            return Err(Refusal::bad(message));
        }
        row.insert("Id".into(), json!(id));
        row.insert("CreatedById".into(), json!(by));
        row.insert("ModifiedById".into(), json!(by));
        if entity == "ContactTag" && !row.contains_key("TypeId") {
            row.insert("TypeId".into(), json!(schema::PRIVATE));
        }
        if entity == "Contact" {
            rules::name_new(&mut row);
            row.entry("OwnerId").or_insert(json!(by));
        }
        self.complete(entity, &row)?;
        self.put(entity, &id, row.into_iter());
        rules::after_insert(self, entity, &id);
        Ok(id)
    }

    /// Changes columns of a row.
    pub fn update(&mut self, entity: &'static str, id: &str, body: &Row) -> Result<(), Refusal> {
        let mut changes = self.checked(entity, body)?;
        changes.remove("Id");
        let Some(before) = self.row(entity, id).cloned() else {
            return Err(Refusal::no_record());
        };
        if entity == "Contact" {
            rules::name_changed(&before, &mut changes);
        }
        let mut whole = before.clone();
        whole.extend(changes.clone());
        self.complete(entity, &whole)?;
        self.set(entity, id, changes);
        rules::after_update(self, entity, id, &before);
        Ok(())
    }

    /// Removes a row, and what belongs to it; false when there is none.
    pub fn delete(&mut self, entity: &'static str, id: &str) -> bool {
        let Some(row) = self.remove(entity, id) else {
            return false;
        };
        for (child, columns) in schema::ENTITIES {
            for (by, holds) in *columns {
                if *holds == Holds::Parent(entity) {
                    for id in self.children(child, by, id) {
                        self.remove(child, &id);
                    }
                }
            }
        }
        rules::after_delete(self, entity, &row);
        if entity == "Contact" {
            self.gone.insert(id.to_owned(), row);
        }
        true
    }

    /// Sets columns without any rule, and says that the row was changed.
    pub fn set(&mut self, entity: &'static str, id: &str, changes: Row) {
        let Some(mut row) = self.remove(entity, id) else {
            return;
        };
        row.extend(changes);
        let before = text(&row, "ModifiedOn").parse().unwrap_or(self.now);
        // No two changes of a row have the same time.
        let now = self.now.max(before + Duration::microseconds(1));
        row.insert("ModifiedOn".into(), json!(time(now)));
        self.keep(entity, id, row);
    }

    /// Removes a row without any rule.
    pub fn remove(&mut self, entity: &'static str, id: &str) -> Option<Row> {
        let row = self.tables.get_mut(entity)?.remove(id)?;
        for (column, holds) in schema::columns(entity) {
            if holds.target().is_some() {
                let key = (
                    entity,
                    column,
                    text(&row, &format!("{column}Id")).to_owned(),
                );
                if let Some(ids) = self.children.get_mut(&key) {
                    ids.remove(id);
                }
            }
        }
        Some(row)
    }

    /// Adds a row without any rule, made now.
    pub fn put(&mut self, entity: &str, id: &str, values: impl Iterator<Item = (String, Value)>) {
        let Some(entity) = schema::entity(entity) else {
            return;
        };
        let mut row: Row = values.collect();
        row.insert("Id".into(), json!(id));
        for name in ["CreatedOn", "ModifiedOn"] {
            row.insert(name.into(), json!(time(self.now)));
        }
        self.keep(entity, id, row);
    }

    /// Puts a row where it belongs, as it is.
    pub fn keep(&mut self, entity: &'static str, id: &str, row: Row) {
        for (column, holds) in schema::columns(entity) {
            let to = text(&row, &format!("{column}Id"));
            if holds.target().is_some() && !to.is_empty() {
                let key = (entity, column, to.to_owned());
                self.children.entry(key).or_default().insert(id.to_owned());
            }
        }
        let table = self.tables.entry(entity).or_default();
        table.insert(id.to_owned(), row);
    }

    /// What a row must have, and whether what it names is there.
    fn complete(&self, entity: &str, row: &Row) -> Result<(), Refusal> {
        for (column, holds) in schema::columns(entity) {
            let required = holds == Holds::Required || entity == "Contact" && column == "Name";
            if required && text(row, column).trim().is_empty() {
                let message = format!("Column \"{column}\" is required and has no value.");
                return Err(Refusal::bad(message));
            }
            let Some(target) = holds.target() else {
                continue;
            };
            let id = text(row, &format!("{column}Id"));
            if matches!(holds, Holds::Parent(_)) && id.is_empty() {
                let message = format!("Column \"{column}\" is required and has no value.");
                return Err(Refusal::bad(message));
            }
            let is_user = [schema::ME, schema::COLLEAGUE].contains(&id);
            if !id.is_empty() && !is_user && self.row(target, id).is_none() {
                let message = format!(
                    "The INSERT statement conflicted with the FOREIGN KEY constraint \"FK_{entity}_{column}Id\"."
                );
                return Err(Refusal::exception("DbOperationException", &message));
            }
        }
        Ok(())
    }

    /// A body's columns in the form that they are kept in. A navigation path is passed over, as Creatio does.
    fn checked(&self, entity: &str, body: &Row) -> Result<Row, Refusal> {
        let mut row = Row::new();
        for (name, value) in body {
            let column = schema::column(entity, name).filter(|(_, holds)| holds.target().is_none());
            if let Some((name, holds)) = column {
                row.insert(name.to_owned(), plain(name, holds, value)?);
            } else if schema::lookup(entity, name).is_some() {
                row.insert(name.clone(), json!(reference(name, value)?));
            } else if let Some(own) = self.own(entity).find(|own| own.name == *name) {
                if own.computed {
                    let message =
                        format!("The property '{name}' is computed and cannot be written.");
                    return Err(Refusal::bad(message));
                }
                row.insert(name.clone(), plain(name, own.holds, value)?);
            } else if !name.contains('/') && schema::column(entity, name).is_none() {
                let message = format!(
                    "The property '{name}' does not exist on type 'Terrasoft.Configuration.OData.{entity}'. Make sure to only use property names that are defined by the type."
                );
                return Err(Refusal::bad(message));
            }
        }
        Ok(row)
    }
}

/// A value of a column that is no lookup.
fn plain(name: &str, holds: Holds, value: &Value) -> Result<Value, Refusal> {
    let wrong = || Refusal::bad(format!("Cannot convert a value of the property '{name}'."));
    match (holds, value) {
        (Holds::Bool, Value::Null) => Ok(json!(false)),
        (Holds::Bool, Value::Bool(_))
        | (Holds::Int | Holds::Decimal, Value::Number(_))
        | (Holds::Text | Holds::Required, Value::String(_)) => Ok(value.clone()),
        (Holds::Int | Holds::Decimal, Value::Null) => Ok(json!(0)),
        (Holds::Time, Value::String(text)) => {
            let at: DateTime<Utc> = text.parse().map_err(|_| wrong())?;
            Ok(json!(time(at)))
        }
        (Holds::Text | Holds::Required | Holds::Time, Value::Null) => Ok(json!("")),
        _ => Err(wrong()),
    }
}

/// The id that a lookup leads to; nothing is the empty text.
fn reference(name: &str, value: &Value) -> Result<String, Refusal> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) if text == NO_ID => Ok(String::new()),
        Value::String(text) if schema::is_guid(text) => Ok(text.to_lowercase()),
        _ => Err(Refusal::bad(format!(
            "Cannot convert a value of the property '{name}' to 'Edm.Guid'."
        ))),
    }
}

/// A row's text; the empty one where there is none.
pub fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a row says yes.
pub fn is(row: &Row, name: &str) -> bool {
    row.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A time as it is kept, with seven digits after the second.
pub fn time(at: DateTime<Utc>) -> String {
    let text = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    format!("{}0Z", text.trim_end_matches('Z'))
}
