//! Who may own a contact: the organisation's active users, as choices of the owner's fields and as what a write of one
//! means. Pure but for reading the list.

use syncline_connector::{Error, Kind, Session};
use syncline_model::{Choice, FieldName, Fields, Value};

use super::ask;
use super::fields::OWNER;
use super::wire::{User, UserList};

/// Pages of users that are read; each has up to 200.
const PAGES: u32 = 50;

/// The active users.
#[derive(Debug, Default)]
pub(super) struct Users(pub Vec<User>);

/// Why a value cannot be written as a contact's owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("a contact in Zoho CRM always has an owner: `{0}` cannot be emptied")]
    Nobody(FieldName),
    #[error("the owner in `{0}` is not an active user of Zoho CRM")]
    Unknown(FieldName),
    #[error(
        "Zoho CRM has several active users by the name in `{0}`: their addresses tell them apart"
    )]
    Several(FieldName),
    #[error("the fields of the owner name different users of Zoho CRM")]
    Contradiction,
}

impl Users {
    /// What a field of the owner can be set to, each value once.
    pub(super) fn choices(&self, field: &str) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::with_capacity(self.0.len());
        for user in &self.0 {
            let Some(value) = part(user, field).filter(|value| !value.is_empty()) else {
                continue;
            };
            match choices.iter_mut().find(|choice| choice.value == value) {
                // Users of one name: the label must not speak of one of them.
                Some(twin) => value.clone_into(&mut twin.label),
                None => choices.push(Choice {
                    value: value.to_owned(),
                    label: label(user),
                }),
            }
        }
        choices
    }

    /// The user that a write gives the contact to; `None` when it names no field of the owner. In a creation an empty
    /// one says nothing.
    pub(super) fn owner(&self, fields: &Fields, creation: bool) -> Result<Option<&str>, Unfit> {
        let mut found: Option<&str> = None;
        for (name, value) in fields.iter().filter(|(name, _)| is_owner(name)) {
            if value.is_empty() && creation {
                continue;
            }
            let user = self.named(name, value)?;
            if found.is_some_and(|other| other != user) {
                return Err(Unfit::Contradiction);
            }
            found = Some(user);
        }
        Ok(found)
    }

    fn named(&self, field: &FieldName, value: &Value) -> Result<&str, Unfit> {
        if value.is_empty() {
            return Err(Unfit::Nobody(field.clone()));
        }
        let unknown = || Unfit::Unknown(field.clone());
        let wanted = value.as_text().ok_or_else(unknown)?.trim();
        let is_it = |user: &&User| {
            part(user, field.as_str()).is_some_and(|own| {
                own == wanted
                    || (field.as_str() == "Owner.email" && own.eq_ignore_ascii_case(wanted))
            })
        };
        let mut named = self.0.iter().filter(is_it);
        let user = named.next().ok_or_else(unknown)?;
        if named.next().is_some() {
            return Err(Unfit::Several(field.clone()));
        }
        Ok(&user.id)
    }
}

/// Whether a field is one of the owner's.
pub(super) fn is_owner(name: &FieldName) -> bool {
    OWNER.iter().any(|(field, ..)| *field == name.as_str())
}

/// What a contact of this user's reads as in a field of the owner.
fn part<'a>(user: &'a User, field: &str) -> Option<&'a str> {
    match field {
        "Owner" => user.full_name.as_deref(),
        "Owner.email" => user.email.as_deref(),
        "Owner.id" => Some(&user.id),
        _ => None,
    }
}

fn label(user: &User) -> String {
    match (&user.full_name, &user.email) {
        (Some(name), Some(email)) => format!("{name} <{email}>"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => user.id.clone(),
    }
}

/// The active users; `None` when this user may not see them.
pub(super) async fn users(session: &Session) -> Result<Option<Users>, Error> {
    let mut all = Vec::new();
    for page in 1..=PAGES {
        let page = page.to_string();
        let query = [
            ("type", "ActiveUsers"),
            ("page", page.as_str()),
            ("per_page", "200"),
        ];
        let list: Option<UserList> = match ask(session, "/users", "GET /users", &query).await {
            Err(error) if error.kind == Kind::Forbidden => return Ok(None),
            list => list?,
        };
        let Some(list) = list else { break };
        all.extend(list.users);
        if !list.info.more_records {
            break;
        }
    }
    Ok(Some(Users(all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let user = |id: &str, name: &str, email: &str| User {
            id: id.into(),
            full_name: Some(name.into()),
            email: Some(email.into()),
            profile: None,
        };
        Users(vec![
            user("1", "Ann Lee", "ann@zylker.example"),
            user("2", "Bo Ek", "bo@zylker.example"),
            user("3", "Bo Ek", "bo.ek@zylker.example"),
        ])
    }

    #[test]
    fn each_field_of_the_owner_lists_what_it_reads_as() {
        let check = |field: &str, expect: &[(&str, &str)]| {
            let choices = users().choices(field);
            let found: Vec<_> = choices
                .iter()
                .map(|choice| (choice.value.as_str(), choice.label.as_str()))
                .collect();
            assert_eq!(found, expect, "{field}");
        };
        let (ann, bo, ek) = (
            "Ann Lee <ann@zylker.example>",
            "Bo Ek <bo@zylker.example>",
            "Bo Ek <bo.ek@zylker.example>",
        );
        check("Owner", &[("Ann Lee", ann), ("Bo Ek", "Bo Ek")]);
        check(
            "Owner.email",
            &[
                ("ann@zylker.example", ann),
                ("bo@zylker.example", bo),
                ("bo.ek@zylker.example", ek),
            ],
        );
        check("Owner.id", &[("1", ann), ("2", bo), ("3", ek)]);
        check("Created_By", &[]);
    }

    #[test]
    fn a_write_names_one_active_user() {
        let check = |pairs: &[(&str, &str)], creation, expect: Result<Option<&str>, Unfit>| {
            let fields: Fields = pairs
                .iter()
                .map(|(name, text)| (FieldName::new(*name), Value::text(*text)))
                .collect();
            assert_eq!(users().owner(&fields, creation), expect, "{pairs:?}");
        };
        let name = |field: &str| FieldName::new(field);
        check(&[("Title", "CEO")], false, Ok(None));
        check(
            &[("Owner.email", "ANN@zylker.example")],
            false,
            Ok(Some("1")),
        );
        check(&[("Owner.id", "3")], true, Ok(Some("3")));
        check(
            &[("Owner", "Ann Lee"), ("Owner.id", "1")],
            true,
            Ok(Some("1")),
        );
        check(
            &[("Owner", "Ann Lee"), ("Owner.id", "2")],
            true,
            Err(Unfit::Contradiction),
        );
        check(
            &[("Owner", "Bo Ek")],
            false,
            Err(Unfit::Several(name("Owner"))),
        );
        check(
            &[("Owner.id", "9")],
            false,
            Err(Unfit::Unknown(name("Owner.id"))),
        );
        check(&[("Owner.email", "")], true, Ok(None));
        check(
            &[("Owner.email", "")],
            false,
            Err(Unfit::Nobody(name("Owner.email"))),
        );
    }
}
