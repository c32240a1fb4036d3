//! Provider profiles: providers that an operator defines in configuration, each as another provider under a name and
//! addresses of its own, such as a partner's white-label edition. Data only: the code is the other provider's.

use syncline_model::ProviderId;

use crate::{Auth, Definition, DuplicateProvider, Registry};

/// A provider that is another one at other addresses.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its id.
    pub id: ProviderId,
    /// The provider whose connector it has.
    pub of: ProviderId,
    /// What people call it.
    pub name: String,
    /// Its API. Whatever a token answer says, calls go there.
    pub api_base: String,
    /// What stands between that and the path of every call, where it is another one (an older version).
    pub api_path: Option<String>,
    /// Its consent page.
    pub authorize_url: String,
    /// Its token endpoint.
    pub token_url: String,
    /// Its revocation endpoint, if it has one.
    pub revoke_url: Option<String>,
    /// Whether only tenants on a paid plan may connect accounts of it.
    pub paid_plans_only: bool,
    /// Its edition, if that has limits of its own.
    pub edition: Option<String>,
}

/// A profile that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// There is no such provider.
    #[error("`{id}` is a profile of `{of}`, which is no provider; there are: {known}")]
    Unknown {
        /// The profile.
        id: ProviderId,
        /// What it names.
        of: ProviderId,
        /// What there is.
        known: String,
    },
    /// That provider's connector knows one definition only.
    #[error("`{id}` is a profile of `{of}`, of which there are no profiles")]
    Unsupported {
        /// The profile.
        id: ProviderId,
        /// What it names.
        of: ProviderId,
    },
    /// Its id is a provider's.
    #[error(transparent)]
    Duplicate(#[from] DuplicateProvider),
}

impl Profile {
    /// The definition of the other provider, as this one.
    fn define(&self, of: &Definition) -> Definition {
        let mut definition = of.clone();
        definition.id = self.id.clone();
        definition.name.clone_from(&self.name);
        definition.api_base.clone_from(&self.api_base);
        if let Some(path) = &self.api_path {
            definition.api_path.clone_from(path);
        }
        definition.allowed_hosts.clear();
        if let Auth::Oauth2(oauth) = &mut definition.auth {
            oauth.authorize_url.clone_from(&self.authorize_url);
            oauth.token_url.clone_from(&self.token_url);
            oauth.revoke_url.clone_from(&self.revoke_url);
        }
        definition.paid_plans_only |= self.paid_plans_only;
        definition.edition.clone_from(&self.edition);
        definition
    }
}

impl Registry {
    /// The same with more providers.
    pub fn with_profiles(self, profiles: &[Profile]) -> Result<Self, ProfileError> {
        let mut all: Vec<_> = self.iter().cloned().collect();
        for profile in profiles {
            let (id, of) = (profile.id.clone(), profile.of.clone());
            let Some(connector) = self.get(&of) else {
                let known: Vec<&str> = self
                    .iter()
                    .map(|one| one.definition().id.as_str())
                    .collect();
                let known = known.join(", ");
                return Err(ProfileError::Unknown { id, of, known });
            };
            let definition = profile.define(connector.definition());
            let made = connector.defined_as(definition);
            all.push(made.ok_or(ProfileError::Unsupported { id, of })?);
        }
        Ok(Self::new(all)?)
    }
}
