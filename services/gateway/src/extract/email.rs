//! What can be an e-mail address. Whether anybody reads it is not asked here.

use super::Findings;

impl Findings {
    /// Notes what cannot be an e-mail address.
    pub fn email(&mut self, pointer: &str, text: &str) {
        if !is_email(text.trim()) {
            self.add(pointer, "Must be an e-mail address.");
        }
    }
}

/// Whether a text can be an e-mail address: one `@`, something on both sides, no spaces or control characters.
fn is_email(text: &str) -> bool {
    text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        })
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "<>,;\"()".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["ann@example.com", "a.b+c@x.co", "jürgen@köln.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "ann",
            "@x",
            "x@",
            "a@b@c",
            "a b@c.d",
            "a@b\n.c",
            "<a@b.c>",
            "a@.b",
            "a@b.",
            &"x".repeat(300),
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
