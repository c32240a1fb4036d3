//! The connectors that this program has, by provider id. Which ones these are is said in `libs/connectors`.

use std::collections::BTreeMap;
use std::sync::Arc;

use syncline_model::ProviderId;

use crate::Connector;

/// Two connectors claim one provider id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two connectors have the id `{0}`")]
pub struct DuplicateProvider(pub ProviderId);

/// The connectors, by provider id.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<ProviderId, Arc<dyn Connector>>);

impl Registry {
    /// A registry of these; two of one id are refused.
    pub fn new(
        connectors: impl IntoIterator<Item = Arc<dyn Connector>>,
    ) -> Result<Self, DuplicateProvider> {
        let mut all = BTreeMap::new();
        for connector in connectors {
            let id = connector.definition().id.clone();
            if all.insert(id.clone(), connector).is_some() {
                return Err(DuplicateProvider(id));
            }
        }
        Ok(Self(all))
    }

    /// The connector of a provider.
    pub fn get(&self, id: &ProviderId) -> Option<&Arc<dyn Connector>> {
        self.0.get(id)
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Connector>> {
        self.0.values()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
