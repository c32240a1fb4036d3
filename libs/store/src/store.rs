//! The two handles.
use syncline_model::TenantId;

/// The store: a database and the key ring. Cheap to clone.
#[derive(Clone)]
pub struct Store(());

/// One tenant's part of the store. Cheap to clone.
#[derive(Clone)]
pub struct Scope(pub(crate) TenantId);
