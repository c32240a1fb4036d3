//! An account as the API shows it: never with credentials.

use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_model::{Account, AccountId, AccountStatus, Identity, ProviderId};
use utoipa::ToSchema;

use crate::schema;

/// A tenant's authorised access to one login at a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountJson {
    /// Its id.
    #[schema(value_type = schema::AccountId)]
    pub id: AccountId,
    /// The provider.
    #[schema(value_type = schema::ProviderId)]
    pub provider: ProviderId,
    /// Who it is there; null until authorised.
    #[schema(value_type = Option<schema::Identity>, required)]
    pub identity: Option<Identity>,
    /// Whether it can be used.
    #[schema(value_type = schema::AccountStatus)]
    pub status: AccountStatus,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<Account> for AccountJson {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            provider: account.provider,
            identity: account.identity,
            status: account.status,
            created_at: account.created_at,
        }
    }
}
