//! `syncline providers`: what the connectors say of themselves.

use serde::Serialize;
use serde_json::Value;
use syncline_connector::Definition;
use syncline_platform::Config;

use crate::{out, plans, profiles};

/// Prints every connector.
pub fn print(config: &Config, json: bool) -> anyhow::Result<()> {
    let registry = profiles::registry(&config.providers, &*plans::load(config)?)?;
    let all = registry.iter().map(|connector| connector.definition());
    if json {
        let all: Vec<_> = all.collect();
        out::line(&serde_json::to_string_pretty(&all)?)?;
    } else {
        let all: Vec<String> = all.map(described).collect();
        out::line(&all.join("\n"))?;
    }
    Ok(())
}

fn described(definition: &Definition) -> String {
    let can = &definition.capabilities;
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    format!(
        "{:<18} {}\n  \
         objects {}, authorisation {}\n  \
         delta {}, tombstones {}, conditional updates {}, creations kept single by {}, deletions {}, \
         collections can be made {}, changes are told of {}",
        definition.id.as_str(),
        definition.name,
        words(&definition.objects),
        words(&[definition.auth.kind()]),
        yes(can.delta),
        yes(can.tombstones),
        yes(can.conditional_update),
        words(&[can.create]),
        words(&can.deletions),
        yes(can.create_collection),
        yes(can.watch),
    )
}

/// Names as the API and `provider.toml` spell them.
fn words<T: Serialize>(named: &[T]) -> String {
    let words: Vec<String> = named
        .iter()
        .filter_map(|one| match serde_json::to_value(one) {
            Ok(Value::String(word)) => Some(word),
            _ => None,
        })
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_is_described_in_the_words_of_the_api() {
        let registry = syncline_connectors::registry().unwrap();
        let google = registry
            .iter()
            .map(|connector| connector.definition())
            .find(|definition| definition.id.as_str() == "google_contacts");
        let text = described(google.unwrap());
        let expect = "google_contacts    Google Contacts\n  objects contact, authorisation oauth2\n  \
             delta yes, tombstones yes, conditional updates yes, creations kept single by marker, \
             deletions ignore, unlink, mark, delete, collections can be made yes, changes are told of no";
        assert_eq!(text, expect);
    }
}
