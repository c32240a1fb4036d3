//! Who acts for a tenant.

use std::fmt;
use std::str::FromStr;

use crate::{ApiKeyId, IdError, MemberId};

/// A person or a program. Its text is the id, whose prefix tells which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, signed in.
    Member(MemberId),
    /// A program, with an API key.
    ApiKey(ApiKeyId),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(id) => id.fmt(f),
            Self::ApiKey(id) => id.fmt(f),
        }
    }
}

impl FromStr for Actor {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse()
            .map(Self::ApiKey)
            .or_else(|_| text.parse().map(Self::Member))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn its_text_says_what_it_is() {
        let id = Uuid::from_u128(7);
        for actor in [
            Actor::Member(MemberId::from_uuid(id)),
            Actor::ApiKey(ApiKeyId::from_uuid(id)),
        ] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        assert!(
            "acc_00000000000000000000000000000007"
                .parse::<Actor>()
                .is_err()
        );
    }
}
