//! The query string of a call, decoded once. What its parameters mean is for those who ask.

/// Query parameters in the order given.
#[derive(Debug, Default, Clone)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query string.
    pub fn parse(query: &str) -> Self {
        Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The value of this parameter; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The comma-separated values of this parameter.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        Some(
            self.get(name)?
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .collect(),
        )
    }

    /// All parameters but these, sorted: what a page token is bound to.
    pub fn binding(&self, without: &[&str]) -> String {
        let kept = self
            .0
            .iter()
            .filter(|(key, value)| !without.contains(&key.as_str()) && !value.is_empty());
        let mut kept: Vec<String> = kept.map(|(key, value)| format!("{key}={value}")).collect();
        kept.sort();
        kept.join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binding_ignores_order_and_the_page() {
        let binding = |query: &str| Params::parse(query).binding(&["page", "page_token"]);
        assert_eq!(
            binding("fields=a,b&per_page=5&page=2"),
            binding("page_token=x&per_page=5&fields=a%2Cb")
        );
        assert_ne!(binding("fields=a"), binding("fields=b"));
    }
}
