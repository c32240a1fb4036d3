//! Reads a request's parameters wherever a client puts them: query, urlencoded body, multipart body. Not a file upload.

use std::collections::BTreeMap;

/// Parameters by name; repeated ones keep all values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<String, Vec<String>>);

impl Params {
    /// Reads query and body; body values stand behind those of the query.
    pub fn read(query: &str, content_type: &str, body: &[u8]) -> Self {
        let mut params = Self::default();
        params.add_urlencoded(query.as_bytes());
        match content_type.split_once("boundary=") {
            Some((kind, boundary)) if kind.trim_start().starts_with("multipart/form-data") => {
                params.add_multipart(
                    boundary
                        .split(';')
                        .next()
                        .unwrap_or("")
                        .trim()
                        .trim_matches('"'),
                    body,
                );
            }
            _ => params.add_urlencoded(body),
        }
        params
    }

    /// The first value that is not empty, or an empty text.
    pub fn get(&self, name: &str) -> &str {
        self.all(name)
            .iter()
            .map(String::as_str)
            .find(|v| !v.is_empty())
            .unwrap_or("")
    }

    /// The value, if there is one that is not empty.
    pub fn find(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|v| !v.is_empty())
    }

    /// All values.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// All parameters.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|(k, vs)| vs.iter().map(move |v| (k.as_str(), v.as_str())))
    }

    fn add(&mut self, name: String, value: String) {
        self.0.entry(name).or_default().push(value);
    }

    fn add_urlencoded(&mut self, text: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(text) {
            self.add(name.into_owned(), value.into_owned());
        }
    }

    fn add_multipart(&mut self, boundary: &str, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        for part in text.split(&format!("--{boundary}")).skip(1) {
            let Some((head, value)) = part.split_once("\r\n\r\n") else {
                continue;
            };
            let name = head
                .split("name=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            if let Some(name) = name {
                self.add(
                    name.to_owned(),
                    value.strip_suffix("\r\n").unwrap_or(value).to_owned(),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_place() {
        let check = |query: &str, kind: &str, body: &str| {
            let params = Params::read(query, kind, body.as_bytes());
            assert_eq!(
                (params.get("a"), params.find("b")),
                ("1 2", Some("x")),
                "{query} {kind} {body}"
            );
        };
        check("a=1+2&b=x", "", "");
        check(
            "b=x",
            "application/x-www-form-urlencoded;charset=UTF-8",
            "a=1%202",
        );
        check(
            "",
            "multipart/form-data; boundary=--Z9",
            "----Z9\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1 2\r\n----Z9\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\nx\r\n----Z9--\r\n",
        );
        assert_eq!(Params::read("a=1&a=2", "", b"").all("a"), ["1", "2"]);
    }
}
