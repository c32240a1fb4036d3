//! Full name <-> given and family name: splitting with a memory, and updating only the part that changed.
//!
//! A guess is made only for a name never seen before; once both parts are known, they are what decides.

/// A name by its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Everything before the family name.
    pub given: String,
    /// The family name, with its particles (`van der Berg`).
    pub family: String,
}

impl Parts {
    fn new(given: &str, family: &str) -> Self {
        Self {
            given: given.trim().to_owned(),
            family: family.trim().to_owned(),
        }
    }

    /// The parts in Western order.
    pub fn join(&self) -> String {
        format!("{} {}", self.given, self.family).trim().to_owned()
    }
}

const PARTICLES: [&str; 21] = [
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "do", "la", "le",
    "du", "ter", "ten", "zu", "zum", "al", "bin",
];

/// Splits a full name. `known` are the parts as last agreed: what of them still stands is kept as it was.
pub fn split(full: &str, known: Option<&Parts>) -> Parts {
    let full = full.trim();
    if let Some(known) = known {
        if known.join() == full {
            return known.clone();
        }
        // "Family, given", of which at least the family name still stands.
        let rest = (!known.family.is_empty()).then(|| full.strip_prefix(&known.family));
        if let Some(given) = rest.flatten().and_then(|rest| rest.strip_prefix(',')) {
            return Parts::new(given, &known.family);
        }
        // The family name stands at the end: only the given names changed. And the other way round.
        if let Some(given) = strip_word_suffix(full, &known.family) {
            return Parts::new(given, &known.family);
        }
        if let Some(family) = strip_word_prefix(full, &known.given) {
            return Parts::new(&known.given, family);
        }
    }
    if let Some((family, given)) = full.split_once(',') {
        return Parts::new(given, family);
    }
    let words: Vec<&str> = full.split_whitespace().collect();
    let Some((_, before)) = words.split_last() else {
        return Parts::default();
    };
    if before.is_empty() {
        return Parts::new(full, "");
    }
    // The family name is the last word and the particles right before it; the first word is always given.
    let particles = before
        .iter()
        .skip(1)
        .rev()
        .take_while(|word| PARTICLES.contains(&word.to_lowercase().as_str()))
        .count();
    let at = before.len() - particles;
    let (given, family) = words.split_at(at);
    Parts::new(&given.join(" "), &family.join(" "))
}

/// Writes new parts into an old full name, touching only what differs.
pub fn update(old: &str, new: &Parts) -> String {
    let before = split(old, Some(new));
    if before == *new {
        return old.to_owned();
    }
    // "Family, given" stays in that order, where it can still be told from it which is which.
    if old.contains(',') && !new.given.is_empty() && !new.family.is_empty() {
        let written = format!("{}, {}", new.family, new.given);
        if split(&written, Some(new)) == *new && split(&written, None) == *new {
            return written;
        }
    }
    new.join()
}

fn strip_word_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let rest = (!suffix.is_empty()).then(|| text.strip_suffix(suffix))??;
    let rest = rest
        .is_empty()
        .then_some(rest)
        .or_else(|| rest.ends_with(char::is_whitespace).then(|| rest.trim_end()))?;
    // "Ann, Lee" is not Lee with the given name "Ann,".
    (!rest.ends_with(',')).then_some(rest)
}

fn strip_word_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = (!prefix.is_empty()).then(|| text.strip_prefix(prefix))??;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(full: &str, known: Option<(&str, &str)>, given: &str, family: &str) {
        let known = known.map(|(given, family)| Parts::new(given, family));
        assert_eq!(
            split(full, known.as_ref()),
            Parts::new(given, family),
            "{full}"
        );
    }

    #[test]
    fn splits() {
        check("Ann Lee", None, "Ann", "Lee");
        check("Vincent van der Berg", None, "Vincent", "van der Berg");
        check("Jane Q. Doe", None, "Jane Q.", "Doe");
        check("Doe, Jane", None, "Jane", "Doe");
        check("Madonna", None, "Madonna", "");
        check("", None, "", "");
        check("Van Morrison", None, "Van", "Morrison");
    }

    #[test]
    fn only_the_part_that_changed_is_touched() {
        check(
            "Maria Garcia Lopez",
            Some(("Maria", "Garcia Lopez")),
            "Maria",
            "Garcia Lopez",
        );
        check(
            "Ana Garcia Lopez",
            Some(("Maria", "Garcia Lopez")),
            "Ana",
            "Garcia Lopez",
        );
        check(
            "Maria Perez",
            Some(("Maria", "Garcia Lopez")),
            "Maria",
            "Perez",
        );
        check("Maria", Some(("Maria", "Garcia Lopez")), "Maria", "");
        check("Marian Perez", Some(("Maria", "Lopez")), "Marian", "Perez");
        check(
            "Maria Perez Soto",
            Some(("Maria", "Lopez")),
            "Maria",
            "Perez Soto",
        );
    }

    /// Only where it can still be told which is which.
    #[test]
    fn the_order_of_a_name_with_a_comma_is_kept() {
        for (given, family, want) in [
            ("Eva", "Stone", "Stone, Eva"),
            ("Ann", "Lee, PhD", "Ann Lee, PhD"),
            ("Eva", "", "Eva"),
            ("", "Stone", "Stone"),
        ] {
            let new = Parts::new(given, family);
            assert_eq!(update("Lee, Ann", &new), want, "{new:?}");
        }
    }

    #[test]
    fn put_then_get_and_get_then_put() {
        for old in ["Ann Lee", "Lee, Ann", "Ann", "", "Vincent van der Berg"] {
            for new in [
                Parts::new("Eva", "Stone"),
                Parts::new("Ann", "de la Cruz"),
                Parts::new("Bo", ""),
            ] {
                let written = update(old, &new);
                assert_eq!(
                    split(&written, Some(&new)),
                    new,
                    "{old} <- {new:?} = {written}"
                );
            }
            let parts = split(old, None);
            assert_eq!(update(old, &parts), old);
        }
    }
}
