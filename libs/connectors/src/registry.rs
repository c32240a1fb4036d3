//! The connectors that there are.

use std::sync::Arc;

use syncline_connector::{Connector, DefinitionError, DuplicateProvider, Registry};

/// The registry cannot be made: a definition is broken. A test holds that it is not.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A `provider.toml` does not fit its shape.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// Two connectors claim one id.
    #[error(transparent)]
    Duplicate(#[from] DuplicateProvider),
}

/// A connector that there is, as its folder lists it.
pub(crate) struct Listed(pub(crate) fn() -> Result<Box<dyn Connector>, DefinitionError>);

inventory::collect!(Listed);

/// Every connector of this program.
pub fn registry() -> Result<Registry, RegistryError> {
    let connectors = inventory::iter::<Listed>().map(|listed| listed.0().map(Arc::from));
    let connectors: Vec<Arc<dyn Connector>> = connectors.collect::<Result<_, _>>()?;
    Ok(Registry::new(connectors)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each folder is one connector of the same name, and the other way round.
    #[test]
    fn folders_and_registry_agree() {
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders: Vec<String> = std::fs::read_dir(source)
            .expect("the source folder")
            .map(|entry| entry.expect("an entry"))
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        folders.sort();
        let registry = registry().expect("a registry");
        let ids: Vec<String> = registry
            .iter()
            .map(|one| one.definition().id.to_string())
            .collect();
        assert_eq!(ids, folders);
    }
}
