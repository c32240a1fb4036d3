//! `/v1/members`: the people of a tenant and what each may do.

pub mod change;
pub mod list;
pub mod remove;

use actix_web::http::Method;
use actix_web::web;
use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_model::{MemberId, Role};
use syncline_store::{Decider, Member, Standing};
use utoipa::ToSchema;

use crate::auth::{Caller, Scope};
use crate::problem::{Code, Problem};
use crate::schema;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/members",
        [(Method::GET, web::to(list::handle))],
    ))
    .service(super::at(
        "/v1/members/{id}",
        [
            (Method::PATCH, web::to(change::handle)),
            (Method::DELETE, web::to(remove::handle)),
        ],
    ));
}

/// A person of an organisation.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub struct MemberJson {
    /// Their id.
    #[schema(value_type = schema::MemberId)]
    pub id: MemberId,
    /// Their e-mail address.
    pub email: String,
    /// What they may do.
    #[schema(value_type = schema::Role)]
    pub role: Role,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

impl From<Member> for MemberJson {
    fn from(member: Member) -> Self {
        Self {
            id: member.id,
            email: member.email,
            role: member.role,
            created_at: member.created_at,
        }
    }
}

/// Nobody gives a role, or takes one away, that may do more than they may; and owners are made and unmade by owners alone.
pub fn may_decide(standing: &Standing, role: Role) -> bool {
    let scopes = match standing {
        Standing::Member(own) => Scope::of(*own).to_vec(),
        Standing::ApiKey(words) => words.iter().filter_map(|word| Scope::parse(word)).collect(),
    };
    let least = [Scope::Admin];
    let mut needs = least.iter().chain(Scope::of(role));
    needs.all(|scope| scopes.contains(scope))
        && (role != Role::Owner || *standing == Standing::Member(Role::Owner))
}

/// The caller, as one who decides about members.
pub const fn decider(caller: &Caller) -> Decider {
    Decider {
        who: caller.who,
        may: may_decide,
    }
}

/// A tenant always has an owner.
fn last_owner() -> Problem {
    Problem::new(
        Code::LastOwner,
        "This is the only owner. Make another member an owner first.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_more_than_they_have() {
        let key =
            |scopes: &[&str]| Standing::ApiKey(scopes.iter().map(|&s| s.to_owned()).collect());
        let check = |standing: &Standing, gives: &[Role]| {
            let all: Vec<Role> = Role::ALL
                .into_iter()
                .filter(|role| may_decide(standing, *role))
                .collect();
            assert_eq!(all, gives, "{standing:?}");
        };
        let [owner, admin, editor, viewer] = Role::ALL;
        check(&Standing::Member(owner), &Role::ALL);
        check(&Standing::Member(admin), &[admin, editor, viewer]);
        check(&Standing::Member(editor), &[]);
        check(&Standing::Member(viewer), &[]);
        check(&key(&["admin", "read", "write"]), &[admin, editor, viewer]);
        check(&key(&["admin", "read"]), &[viewer]);
        check(&key(&["admin"]), &[]);
        check(&key(&["read", "write"]), &[]);
    }
}
