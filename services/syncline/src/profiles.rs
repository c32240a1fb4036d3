//! From the section `providers` of the configuration to provider profiles.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use syncline_connector::{Profile, Registry};
use syncline_model::{ProviderId, Tariffs};
use syncline_platform::config::Provider;

/// Every provider of this program, with those that the configuration defines.
pub fn registry(
    settings: &BTreeMap<String, Provider>,
    tariffs: &Tariffs,
) -> anyhow::Result<Registry> {
    let registry = syncline_connectors::registry()?;
    let profiles: Vec<Profile> = settings
        .iter()
        .filter_map(|(id, settings)| profile(id, settings, tariffs).transpose())
        .collect::<anyhow::Result<_>>()?;
    Ok(registry.with_profiles(&profiles)?)
}

/// The profile that a section defines; none where it is about a provider that there is.
fn profile(id: &str, settings: &Provider, tariffs: &Tariffs) -> anyhow::Result<Option<Profile>> {
    let Some(of) = &settings.profile_of else {
        let stray = [
            ("name", settings.name.is_some()),
            ("api_path", settings.api_path.is_some()),
            ("paid_plans_only", settings.paid_plans_only.is_some()),
            ("edition", settings.edition.is_some()),
        ];
        if let Some((key, _)) = stray.into_iter().find(|(_, set)| *set) {
            bail!(
                "providers.{id}.{key} is for profiles: set providers.{id}.profile_of, or leave it out"
            );
        }
        return Ok(None);
    };
    let needed = |key: &str, value: &Option<String>| {
        let value = value.clone().filter(|value| !value.trim().is_empty());
        value.with_context(|| format!("providers.{id}.{key} is missing: a profile needs it"))
    };
    let parsed = |key: &str, text: &str| {
        let why = || {
            format!("{key}: `{text}` is no provider's id: small letters, digits and underscores")
        };
        ProviderId::parse(text).with_context(why)
    };
    if let Some(path) = &settings.api_path {
        let good = path.is_empty() || path.starts_with('/') && !path.ends_with('/');
        ensure!(
            good,
            "providers.{id}.api_path: expected a path such as \"/crm/v6\", not `{path}`"
        );
    }
    let edition = settings
        .edition
        .as_deref()
        .map(|name| tariffs.edition(name));
    let edition = edition
        .transpose()
        .with_context(|| format!("providers.{id}.edition"))?;
    let paid_plans_only = edition.is_some_and(|edition| edition.paid_plans_only);
    Ok(Some(Profile {
        id: parsed(&format!("providers.{id}"), id)?,
        of: parsed(&format!("providers.{id}.profile_of"), of)?,
        name: needed("name", &settings.name)?,
        api_base: needed("api_base", &settings.api_base)?,
        api_path: settings.api_path.clone(),
        authorize_url: needed("auth_url", &settings.auth_url)?,
        token_url: needed("token_url", &settings.token_url)?,
        revoke_url: settings.revoke_url.clone(),
        paid_plans_only: settings.paid_plans_only.unwrap_or(paid_plans_only),
        edition: settings.edition.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> anyhow::Result<Registry> {
        let settings: BTreeMap<String, Provider> = toml::from_str(text)?;
        let plans = toml::from_str(include_str!("plans.toml"))?;
        registry(&settings, &Tariffs::new(plans, "free")?)
    }

    const ACME: &str = "[acme_crm]\nprofile_of = 'zoho_crm'\nname = 'Acme CRM'\napi_base = 'https://acme.example'\n\
        auth_url = 'https://acme.example/a'\ntoken_url = 'https://acme.example/t'\n";

    #[test]
    fn a_profile_is_a_provider_of_its_own() {
        let text = format!("{ACME}api_path = '/crm/v6'\npaid_plans_only = true");
        let registry = load(&text).unwrap();
        let id = ProviderId::parse("acme_crm").unwrap();
        let definition = registry.get(&id).unwrap().definition();
        assert_eq!(
            (definition.name.as_str(), definition.api_path.as_str()),
            ("Acme CRM", "/crm/v6")
        );
        assert!(definition.paid_plans_only && definition.allowed_hosts.is_empty());
        let token_url = definition.auth.oauth2().map(|oauth| &*oauth.token_url);
        assert_eq!(token_url, Some("https://acme.example/t"));
        let connectors = syncline_connectors::registry().unwrap().iter().count();
        assert_eq!(registry.iter().count(), connectors + 1);
    }

    #[test]
    fn an_edition_says_who_may_and_what_is_said_of_the_profile_goes_over_it() {
        let check = |more: &str, expect: bool| {
            let registry = load(&format!("{ACME}edition = 'vertical'\n{more}")).unwrap();
            let id = ProviderId::parse("acme_crm").unwrap();
            let definition = registry.get(&id).unwrap().definition();
            assert_eq!(definition.edition.as_deref(), Some("vertical"));
            assert_eq!(definition.paid_plans_only, expect, "{more}");
        };
        check("", true);
        check("paid_plans_only = false", false);
    }

    #[test]
    fn what_cannot_be_is_named() {
        let check = |text: &str, part: &str| {
            let error = format!("{:#}", load(text).map(drop).unwrap_err());
            assert!(error.contains(part), "wanted `{part}`: {error}");
        };
        check(
            &ACME.replace("zoho_crm", "zoo"),
            "`zoo`, which is no provider; there are: ",
        );
        check(
            &ACME.replace("[acme_crm]", "[google_contacts]"),
            "two connectors have the id `google_contacts`",
        );
        check(&ACME.replace("zoho_crm", "google_contacts"), "no profiles");
        check(
            &ACME.replace("name =", "# name ="),
            "providers.acme_crm.name is missing",
        );
        check(
            &ACME.replace("token_url", "revoke_url"),
            "providers.acme_crm.token_url is missing",
        );
        check(&format!("{ACME}api_path = 'crm/v6'"), "api_path");
        check(
            &format!("{ACME}edition = 'own'"),
            "providers.acme_crm.edition: there is no edition `own`; there are: vertical",
        );
        check(
            "[zoho_crm]\nname = 'Mine'",
            "providers.zoho_crm.name is for profiles",
        );
    }
}
