//! `syncline providers`: what the connectors say of themselves.

use syncline_connectors::registry;

/// Prints every connector.
pub fn print(json: bool) -> anyhow::Result<()> {
    let registry = registry()?;
    if json {
        let all: Vec<_> = registry
            .iter()
            .map(|connector| connector.definition())
            .collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for connector in registry.iter() {
        let definition = connector.definition();
        let can = &definition.capabilities;
        let yes = |yes: bool| if yes { "yes" } else { "no" };
        println!("{:<18} {}", definition.id.as_str(), definition.name);
        let objects: Vec<&str> = definition
            .objects
            .iter()
            .map(|object| object.as_str())
            .collect();
        println!(
            "  objects {}, authorisation {:?}",
            objects.join(", "),
            definition.auth.kind
        );
        println!(
            "  delta {}, tombstones {}, conditional updates {}, creations kept single by {:?}, deletions {:?}",
            yes(can.delta),
            yes(can.tombstones),
            yes(can.conditional_update),
            can.create,
            can.deletions,
        );
    }
    Ok(())
}
