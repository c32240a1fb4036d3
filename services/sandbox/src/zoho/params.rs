//! The query string of a call, decoded once, and the parameters that all lists share. What the others mean is for those
//! who ask.

use super::errors::Refusal;

/// Records a page may have.
const MAX_PER_PAGE: usize = 200;
/// Ids that a call may name.
const MAX_IDS: usize = 100;

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

    /// The ids of `ids`.
    pub fn ids(&self) -> Result<Option<Vec<u64>>, Refusal> {
        let Some(list) = self.list("ids") else {
            return Ok(None);
        };
        if list.len() > MAX_IDS {
            return Err(Refusal::over_limit("ids", MAX_IDS));
        }
        let ids: Result<Vec<u64>, _> = list.iter().map(|id| id.parse()).collect();
        ids.map(Some).map_err(|_| Refusal::bad_param("ids"))
    }

    /// `per_page`: 1 to 200, 200 when absent.
    pub fn per_page(&self) -> Result<usize, Refusal> {
        let size = self.number("per_page", MAX_PER_PAGE)?;
        if size > MAX_PER_PAGE {
            return Err(Refusal::bad_param("per_page"));
        }
        Ok(size)
    }

    /// `page`: from 1, 1 when absent.
    pub fn page(&self) -> Result<usize, Refusal> {
        self.number("page", 1)
    }

    fn number(&self, name: &str, usual: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name) else {
            return Ok(usual);
        };
        text.parse()
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| Refusal::bad_param(name))
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
