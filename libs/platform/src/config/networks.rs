//! Networks in the configuration: a list in a file, or one text with commas, as an environment variable has it.

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    List(Vec<String>),
    Text(String),
}

pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = match Written::deserialize(from)? {
        Written::List(texts) => texts,
        Written::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    let texts = texts.iter().map(|text| text.trim());
    let network = |text: &str| {
        let wrong = || D::Error::custom(format!("`{text}` is no network, such as `10.20.0.0/16`"));
        text.parse().map_err(|_| wrong())
    };
    texts.filter(|text| !text.is_empty()).map(network).collect()
}
