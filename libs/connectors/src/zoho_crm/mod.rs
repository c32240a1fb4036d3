//! Zoho CRM contacts, REST API v8.
//!
//! What is here: the trait, and the small calls (who the account is, its list views, its fields). Listings are
//! `pull.rs`, reading by id `read.rs`, writing `write.rs`, recovery of lost creations `find.rs`, who may own a contact
//! `owners.rs`; `map.rs`, `fields.rs`, `answer.rs` and `cursor.rs` are pure; `wire.rs` is Zoho's JSON.
//!
//! Not here: other modules than Contacts, notifications, attachments, and writing of lookups other than the owner.

mod answer;
mod cursor;
mod fields;
mod find;
mod map;
mod owners;
mod permissions;
mod pull;
mod read;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use syncline_connector::{
    Connector, Create, Definition, DefinitionError, Error, Kind, Page, Pull, Request, Session,
    Update, Written,
};
use syncline_model::{
    Collection, FieldDescriptor, FieldName, Identity, Permissions, Record, RemoteId,
};

use fields::Lists;
use wire::{OrgList, ProfileList, TagList, UserList, View, ViewList};

/// List views a page, and pages that are read.
const VIEW_PAGES: u32 = 10;

/// The connector for Zoho CRM.
#[derive(Debug)]
pub struct ZohoCrm {
    definition: Definition,
}

impl ZohoCrm {
    /// Reads the definition that stands beside the code.
    pub fn new() -> Result<Self, DefinitionError> {
        Ok(Self {
            definition: Definition::parse(include_str!("provider.toml"))?,
        })
    }
}

inventory::submit!(crate::Listed(|| Ok(Box::new(ZohoCrm::new()?))));

#[async_trait]
impl Connector for ZohoCrm {
    fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Partners sell it under names of their own ("Vertical CRM").
    fn defined_as(&self, definition: Definition) -> Option<Arc<dyn Connector>> {
        Some(Arc::new(Self { definition }))
    }

    async fn identity(&self, session: &Session) -> Result<Identity, Error> {
        let users: UserList = ask(session, "/users", "GET /users", &[("type", "CurrentUser")])
            .await?
            .ok_or_else(|| {
                session.error(Kind::Malformed, "Zoho CRM does not say who the user is")
            })?;
        let orgs: OrgList = ask(session, "/org", "GET /org", &[])
            .await?
            .ok_or_else(|| {
                session.error(
                    Kind::Malformed,
                    "Zoho CRM does not say which organisation it is",
                )
            })?;
        let (Some(user), Some(org)) = (users.users.into_iter().next(), orgs.org.into_iter().next())
        else {
            return Err(session.error(Kind::Malformed, "Zoho CRM does not say who the user is"));
        };
        let who = user
            .email
            .or(user.full_name)
            .unwrap_or_else(|| user.id.clone());
        Ok(Identity {
            subject: format!("{}:{}", org.zgid.unwrap_or(org.id), user.id),
            label: match org.company_name {
                Some(company) => format!("{who} ({company})"),
                None => who,
            },
        })
    }

    async fn permissions(&self, session: &Session) -> Result<Permissions, Error> {
        let query = [("type", "CurrentUser")];
        let users: Option<UserList> = ask(session, "/users", "GET /users", &query).await?;
        let user = users.and_then(|list| list.users.into_iter().next());
        let Some(profile) = user.and_then(|user| user.profile) else {
            return Ok(Permissions::default());
        };
        let path = format!("/settings/profiles/{}", profile.id);
        let route = "GET /settings/profiles/{id}";
        match ask::<ProfileList>(session, &path, route, &[]).await {
            Ok(list) => Ok(permissions::of(list)),
            // Authorised before this was asked for.
            Err(error) if error.kind == Kind::Forbidden => Ok(Permissions::default()),
            Err(error) => Err(error),
        }
    }

    async fn collections(&self, session: &Session) -> Result<Vec<Collection>, Error> {
        let mut found = Vec::new();
        for page in 1..=VIEW_PAGES {
            let page = page.to_string();
            let query = [
                ("module", "Contacts"),
                ("page", page.as_str()),
                ("per_page", "200"),
            ];
            let list: Option<ViewList> = ask(
                session,
                "/settings/custom_views",
                "GET /settings/custom_views",
                &query,
            )
            .await?;
            let Some(list) = list else { break };
            found.extend(list.custom_views.into_iter().map(collection));
            if !list.info.more_records {
                break;
            }
        }
        if !found.iter().any(|collection| collection.default) {
            found.insert(0, all_contacts("All Contacts".into()));
        }
        Ok(found)
    }

    async fn fields(&self, session: &Session) -> Result<Vec<FieldDescriptor>, Error> {
        let metadata = read::metadata(session).await?;
        let lists = Lists {
            users: owners::users(session).await?.unwrap_or_default(),
            tags: tags(session).await?,
        };
        Ok(fields::descriptors(&metadata, &lists))
    }

    async fn pull(&self, session: &Session, pull: &Pull) -> Result<Page, Error> {
        pull::pull(session, pull).await
    }

    async fn get(
        &self,
        session: &Session,
        ids: &[RemoteId],
        fields: &[FieldName],
    ) -> Result<Vec<Option<Record>>, Error> {
        read::get(session, ids, fields).await
    }

    /// A contact is made in the module; which list views it is in follows from their criteria.
    async fn create(
        &self,
        session: &Session,
        _collection: &str,
        items: &[Create],
    ) -> Vec<Result<Written, Error>> {
        write::create(session, items).await
    }

    async fn find_created(
        &self,
        session: &Session,
        _collection: &str,
        items: &[Create],
        known: &[RemoteId],
    ) -> Result<Vec<Option<Record>>, Error> {
        find::find_created(session, items, known).await
    }

    async fn update(&self, session: &Session, items: &[Update]) -> Vec<Result<Written, Error>> {
        write::update(session, items).await
    }

    async fn delete(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        write::delete(session, ids).await
    }

    async fn mark(&self, session: &Session, ids: &[RemoteId]) -> Vec<Result<(), Error>> {
        write::mark(session, ids).await
    }
}

/// A list view as a collection. The view of all contacts has an id of its own, since pulling it needs no view.
fn collection(view: View) -> Collection {
    let name = view.display_value.unwrap_or(view.name);
    if view.system_name.as_deref() == Some("ALLVIEWS") {
        return all_contacts(name);
    }
    Collection {
        id: format!("view:{}", view.id),
        name,
        default: false,
        membership_writable: false,
    }
}

fn all_contacts(name: String) -> Collection {
    Collection {
        id: cursor::ALL.into(),
        name,
        default: true,
        membership_writable: false,
    }
}

/// The names of the module's tags; none when this user may not see them.
async fn tags(session: &Session) -> Result<Vec<String>, Error> {
    let list: Option<TagList> = match ask(
        session,
        "/settings/tags",
        "GET /settings/tags",
        &[("module", "Contacts")],
    )
    .await
    {
        Err(error) if error.kind == Kind::Forbidden => None,
        list => list?,
    };
    let tags = list.into_iter().flat_map(|list| list.tags);
    Ok(tags.map(|tag| tag.name).collect())
}

/// Asks for one small thing; `None` when there is none (204).
async fn ask<T: DeserializeOwned>(
    session: &Session,
    path: &str,
    route: &'static str,
    query: &[(&str, &str)],
) -> Result<Option<T>, Error> {
    let request = Request::get(path).route(route).take("credits", 1);
    let request = query
        .iter()
        .fold(request, |request, (key, value)| request.query(*key, *value));
    let response = session.send(request).await?;
    match response.status {
        200 => response.json().map(Some),
        204 => Ok(None),
        _ => Err(answer::refused(&response)),
    }
}
