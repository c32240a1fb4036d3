//! Typed ids: a UUID with a prefix that says what it names, so that one can never stand in for another.
//!
//! Ids are made in `platform` (chance is an argument); this module only parses and prints them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what} id: expected `{prefix}_` followed by 32 hexadecimal digits")]
pub struct IdError {
    text: String,
    what: &'static str,
    prefix: &'static str,
}

fn parse(text: &str, prefix: &'static str, what: &'static str) -> Result<Uuid, IdError> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|hex| hex.len() == 32)
        .and_then(|hex| Uuid::try_parse(hex).ok())
        .ok_or_else(|| IdError {
            text: text.chars().take(64).collect(),
            what,
            prefix,
        })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// What the printed form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Names nothing: stands in for an id that is given only on storing.
            pub const NIL: Self = Self(Uuid::nil());

            /// Wraps a UUID.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare UUID, as stored.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text, $prefix, $what).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A customer organisation.
    TenantId = "ten", "tenant";
    /// A person of a tenant.
    MemberId = "mem", "member";
    /// An invitation to become a member.
    InvitationId = "inv", "invitation";
    /// A key with which a program acts for a tenant.
    ApiKeyId = "key", "API key";
    /// A tenant's authorised access to one login at a provider.
    AccountId = "acc", "account";
    /// Two accounts' collections kept in step.
    ConnectionId = "con", "connection";
    /// Two accounts and an object type: what links belong to, so that they outlive a connection.
    PairId = "pai", "pair";
    /// "a's x is b's y".
    LinkId = "lnk", "link";
    /// One sync of one connection.
    RunId = "run", "run";
    /// One step of a plan, as recorded before the provider is called.
    OperationId = "opn", "operation";
    /// A record that could not be synced.
    ProblemId = "prb", "problem";
    /// A field that both sides changed, differently.
    ConflictId = "cfl", "conflict";
    /// What a person said about who a record is.
    ReviewId = "rev", "review";
    /// What somebody did, as the audit log has it.
    AuditId = "aud", "audit entry";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_and_parse_and_refuse_one_another() {
        let id = TenantId::from_uuid(Uuid::from_u128(7));
        let text = id.to_string();
        assert_eq!(text, "ten_00000000000000000000000000000007");
        assert_eq!(text.parse::<TenantId>(), Ok(id));
        assert!(text.parse::<AccountId>().is_err());
        for bad in [
            "",
            "ten_",
            "ten",
            "ten_xyz",
            "ten_0000000000000000000000000000000",
        ] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }
}
