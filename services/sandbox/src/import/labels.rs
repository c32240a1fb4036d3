//! One spelling for the labels that every address book knows, whatever the file calls them. The person's own
//! labels stay as written. Not here: labels of contacts (groups), which are names, not kinds.

/// The kinds of phone and address labels, as Google spells its types, by how files write them (lower case, letters
/// and digits only).
const COMMON: [(&str, &str); 25] = [
    ("home", "home"),
    ("work", "work"),
    ("business", "work"),
    ("other", "other"),
    ("mobile", "mobile"),
    ("cell", "mobile"),
    ("iphone", "mobile"),
    ("homefax", "homeFax"),
    ("workfax", "workFax"),
    ("businessfax", "workFax"),
    ("otherfax", "otherFax"),
    ("fax", "otherFax"),
    ("workmobile", "workMobile"),
    ("workpager", "workPager"),
    ("pager", "pager"),
    ("main", "main"),
    ("googlevoice", "googleVoice"),
    ("homepage", "homePage"),
    ("blog", "blog"),
    ("profile", "profile"),
    ("anniversary", "anniversary"),
    ("birthday", "birthday"),
    ("school", "school"),
    ("spouse", "spouse"),
    ("assistant", "assistant"),
];

/// The label in its common spelling; whether it was marked as preferred (Google CSV writes `* Home`).
pub(super) fn normal(label: &str) -> (String, bool) {
    let label = label.trim();
    let (label, preferred) = match label.strip_prefix('*') {
        Some(rest) => (rest.trim(), true),
        None => (label, false),
    };
    // Apple wraps its own labels: _$!<Home>!$_
    let label = label
        .strip_prefix("_$!<")
        .and_then(|rest| rest.strip_suffix(">!$_"))
        .unwrap_or(label);
    let bare: String = label
        .chars()
        .filter(|each| each.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let common = COMMON.iter().find(|(written, _)| *written == bare);
    (
        common.map_or_else(|| label.to_owned(), |(_, spelt)| (*spelt).to_owned()),
        preferred,
    )
}

/// The label that a set of vCard types means, and the types it does not express.
/// Types that say how a value is used by default (`voice`, `internet`, `pref`) count as expressed.
pub(super) fn of_types(types: &[String]) -> (String, Vec<String>) {
    const SILENT: [&str; 8] = [
        "voice", "internet", "pref", "text", "msg", "dom", "intl", "postal",
    ];
    let has = |name: &str| types.iter().any(|each| each == name);
    let (work, home) = (has("work"), has("home"));
    let (mobile, fax) = (has("cell") || has("mobile"), has("fax"));
    let (label, used): (&str, &[&str]) = match (mobile, fax) {
        (_, true) if work => ("workFax", &["work", "fax"]),
        (_, true) if home => ("homeFax", &["home", "fax"]),
        (_, true) => ("otherFax", &["fax", "other"]),
        (true, _) if work => ("workMobile", &["work", "cell", "mobile"]),
        (true, _) => ("mobile", &["cell", "mobile", "iphone"]),
        _ if has("pager") && work => ("workPager", &["work", "pager"]),
        _ if has("pager") => ("pager", &["pager"]),
        _ if has("main") || has("main-number") => ("main", &["main", "main-number"]),
        _ if work => ("work", &["work"]),
        _ if home => ("home", &["home"]),
        _ if has("other") => ("other", &["other"]),
        _ => ("", &[]),
    };
    let mut rest: Vec<String> = types
        .iter()
        .filter(|each| !used.contains(&each.as_str()) && !SILENT.contains(&each.as_str()))
        .cloned()
        .collect();
    if label.is_empty() && !rest.is_empty() {
        return (normal(&rest.remove(0)).0, rest);
    }
    (label.to_owned(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(label: &str, expect: &str, preferred: bool) {
        assert_eq!(normal(label), (expect.to_owned(), preferred));
    }

    #[test]
    fn common_labels_have_one_spelling() {
        check("Home", "home", false);
        check("* Work", "work", true);
        check("_$!<HomePage>!$_", "homePage", false);
        check("Work Fax", "workFax", false);
        check("Ferienhaus", "Ferienhaus", false);
        check("", "", false);
        check("*", "", true);
    }

    fn check_types(types: &[&str], expect: &str, rest: &[&str]) {
        let types: Vec<String> = types.iter().map(|each| (*each).to_owned()).collect();
        let (label, over) = of_types(&types);
        assert_eq!(
            (label.as_str(), over),
            (expect, rest.iter().map(|each| (*each).to_owned()).collect())
        );
    }

    #[test]
    fn types_make_one_label() {
        check_types(&["cell", "voice", "pref"], "mobile", &[]);
        check_types(&["work", "fax"], "workFax", &[]);
        check_types(&["iphone", "cell"], "mobile", &[]);
        check_types(&["home", "x-secret"], "home", &["x-secret"]);
        check_types(&["x-boat"], "x-boat", &[]);
        check_types(&["home", "work"], "work", &["home"]);
        check_types(&[], "", &[]);
    }
}
