//! The service's `$metadata`: entities and their columns in OData's own XML. Without labels and defaults, as Creatio's is.

use std::fmt::Write as _;

use super::schema::{self, Holds};
use super::site::Site;

/// What types are called.
const SPACE: &str = "Terrasoft.Configuration.OData";

/// The document.
pub fn document(site: &Site) -> String {
    let mut types = String::new();
    let mut sets = String::new();
    for (entity, _) in schema::ENTITIES {
        // Writing to a text does not fail.
        let _ = write!(
            types,
            r#"<EntityType Name="{entity}"><Key><PropertyRef Name="Id"/></Key>{}</EntityType>"#,
            properties(site, entity)
        );
        let _ = write!(
            sets,
            r#"<EntitySet Name="{entity}" EntityType="{SPACE}.{entity}"/>"#
        );
    }
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices><Schema Namespace="{SPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">{types}<EntityContainer Name="Container">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#
    )
}

fn properties(site: &Site, entity: &str) -> String {
    let common = schema::columns(entity).map(|(name, holds)| match holds.target() {
        Some(target) => format!(
            r#"<Property Name="{name}Id" Type="Edm.Guid"/><NavigationProperty Name="{name}" Type="{SPACE}.{target}"><ReferentialConstraint Property="{name}Id" ReferencedProperty="Id"/></NavigationProperty>"#
        ),
        None if name == "Id" => r#"<Property Name="Id" Type="Edm.Guid" Nullable="false"/>"#.to_owned(),
        None => format!(r#"<Property Name="{name}" Type="{}"/>"#, kind(holds)),
    });
    let own = site.own(entity).map(|own| {
        let (name, kind) = (&own.name, kind(own.holds));
        if own.computed {
            format!(
                r#"<Property Name="{name}" Type="{kind}"><Annotation Term="Org.OData.Core.V1.Computed" Bool="true"/></Property>"#
            )
        } else {
            format!(r#"<Property Name="{name}" Type="{kind}"/>"#)
        }
    });
    common.chain(own).collect()
}

const fn kind(holds: Holds) -> &'static str {
    match holds {
        Holds::Text | Holds::Required => "Edm.String",
        Holds::Bool => "Edm.Boolean",
        Holds::Int => "Edm.Int32",
        Holds::Decimal => "Edm.Decimal",
        Holds::Time => "Edm.DateTimeOffset",
        Holds::Lookup(_) | Holds::Parent(_) => "Edm.Guid",
    }
}
