//! What a user's profile allows with contacts. Zoho's own sync asks for all four of these to sync both ways.

use syncline_model::{Permission, Permissions};

use super::wire::ProfileList;

/// The permissions that a profile lacks. One that it does not name is taken as given.
pub(super) fn of(list: Option<ProfileList>) -> Permissions {
    let profile = list.and_then(|list| list.profiles.into_iter().next());
    let details = profile.map_or_else(Vec::new, |profile| profile.permissions_details);
    let missing = Permission::ALL.into_iter().filter_map(|permission| {
        let name = match permission {
            Permission::View => "Crm_Implied_View_Contacts",
            Permission::Create => "Crm_Implied_Create_Contacts",
            Permission::Edit => "Crm_Implied_Edit_Contacts",
            Permission::Delete => "Crm_Implied_Delete_Contacts",
        };
        let denied = details.iter().any(|one| one.name == name && !one.enabled);
        denied.then(|| (permission, name.to_owned()))
    });
    Permissions {
        missing: missing.collect(),
    }
}
