//! The criteria of `/search` and `/actions/count`: `((Last_Name:equals:Burns)and(First_Name:starts_with:M))`.
//! Reads them into a `Filter`; escapes are `\(`, `\)`, `\,`, `\\`.

use serde_json::json;

use super::errors::Refusal;
use super::fields::Kind;
use super::filter::{Filter, Op, Path, Test};
use super::org::Org;

const MAX_LENGTH: usize = 3000;
const MAX_CONDITIONS: usize = 15;
const MAX_IN: usize = 100;

/// Reads criteria.
pub fn parse(org: &Org, text: &str) -> Result<Filter, Refusal> {
    if text.chars().count() > MAX_LENGTH {
        return Err(Refusal::over_limit("criteria", MAX_LENGTH));
    }
    let mut reader = Reader {
        org,
        rest: text.trim(),
        conditions: 0,
    };
    let filter = reader.sequence()?;
    if !reader.rest.is_empty() {
        return Err(invalid("the criteria are not well formed", None, None));
    }
    Ok(filter)
}

struct Reader<'a> {
    org: &'a Org,
    rest: &'a str,
    conditions: usize,
}

impl Reader<'_> {
    /// Groups joined by `and` and `or`, read from the left; a bare condition without parentheses is taken too.
    fn sequence(&mut self) -> Result<Filter, Refusal> {
        if !self.rest.starts_with('(') {
            return self.condition();
        }
        let mut left = self.group()?;
        loop {
            let word = self.rest.trim_start();
            if let Some(rest) = strip_word(word, "and") {
                self.rest = rest;
                left = Filter::All(vec![left, self.group()?]);
            } else if let Some(rest) = strip_word(word, "or") {
                self.rest = rest;
                left = Filter::Any(vec![left, self.group()?]);
            } else {
                self.rest = word;
                return Ok(left);
            }
        }
    }

    fn group(&mut self) -> Result<Filter, Refusal> {
        let broken = || invalid("the criteria are not well formed", None, None);
        self.rest = self
            .rest
            .trim_start()
            .strip_prefix('(')
            .ok_or_else(broken)?
            .trim_start();
        let inner = if self.rest.starts_with('(') {
            self.sequence()?
        } else {
            self.condition()?
        };
        self.rest = self
            .rest
            .trim_start()
            .strip_prefix(')')
            .ok_or_else(broken)?;
        Ok(inner)
    }

    fn condition(&mut self) -> Result<Filter, Refusal> {
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            return Err(Refusal::over_limit("criteria", MAX_CONDITIONS));
        }
        let broken = || invalid("the criteria are not well formed", None, None);
        let (name, rest) = self.rest.split_once(':').ok_or_else(broken)?;
        let (operator, rest) = rest.split_once(':').ok_or_else(broken)?;
        let (name, operator) = (name.trim(), operator.trim());
        let (values, rest) = values(rest);
        self.rest = rest;
        let path = Path::parse(self.org, name).ok_or_else(|| {
            invalid(
                "the field is not available for search",
                Some(name),
                Some(operator),
            )
        })?;
        let op = operation(operator, &path)
            .ok_or_else(|| invalid("invalid operator found", Some(name), Some(operator)))?;
        if values.len() > MAX_IN {
            return Err(Refusal::over_limit("criteria", MAX_IN));
        }
        // Only these take several values; elsewhere a comma is part of the value.
        let values = if matches!(operator, "in" | "between") {
            values
        } else {
            vec![values.join(",")]
        };
        let wanted = if operator == "between" { 2 } else { 1 };
        let against: Option<Vec<_>> = values
            .iter()
            .map(|value| path.literal(self.org, value.trim()))
            .collect();
        let against = against
            .filter(|list| list.len() >= wanted)
            .ok_or_else(|| invalid("invalid value found", Some(name), Some(operator)))?;
        Ok(Filter::Test(Test { path, op, against }))
    }
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word)
        .then(|| text.get(word.len()..).unwrap_or_default())
}

/// The comma-separated values up to the closing parenthesis, unescaped.
fn values(text: &str) -> (Vec<String>, &str) {
    let mut values = vec![String::new()];
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                if let (Some((_, escaped)), Some(last)) = (chars.next(), values.last_mut()) {
                    last.push(escaped);
                }
            }
            ')' => return (values, text.get(at..).unwrap_or_default()),
            ',' => values.push(String::new()),
            c => {
                if let Some(last) = values.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    (values, "")
}

fn operation(name: &str, path: &Path) -> Option<Op> {
    let ordered = matches!(path.kind(), Some(kind) if kind.is_number() || matches!(kind, Kind::Date | Kind::DateTime));
    let texts =
        matches!(path.kind(), Some(kind) if kind.is_text()) || matches!(path, Path::Part(..));
    match name {
        "equals" => Some(Op::In),
        "not_equal" => Some(Op::NotIn),
        "in" if path.kind() != Some(Kind::Boolean) => Some(Op::In),
        "starts_with" if texts => Some(Op::StartsWith),
        "greater_than" if ordered => Some(Op::Greater),
        "greater_equal" if ordered => Some(Op::AtLeast),
        "less_than" if ordered => Some(Op::Less),
        "less_equal" if ordered => Some(Op::AtMost),
        "between" if ordered => Some(Op::Between),
        _ => None,
    }
}

fn invalid(reason: &str, api_name: Option<&str>, operator: Option<&str>) -> Refusal {
    let mut details = json!({"reason": reason});
    if let Some(map) = details.as_object_mut() {
        map.extend(api_name.map(|name| ("api_name".to_owned(), json!(name))));
        map.extend(operator.map(|name| ("operator".to_owned(), json!(name))));
    }
    Refusal::invalid_query(details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing;

    #[test]
    fn criteria_select_contacts() {
        let mut org = testing::org();
        testing::add(
            &mut org,
            json!({"Last_Name": "Burns", "First_Name": "Mary", "Email_Opt_Out": true}),
        );
        testing::add(
            &mut org,
            json!({"Last_Name": "Burns", "First_Name": "Tom", "Title": "a,b (c)"}),
        );
        testing::add(
            &mut org,
            json!({"Last_Name": "Gray", "Date_of_Birth": "1980-01-05"}),
        );
        let check = |text: &str, expect: Result<usize, &str>| {
            let got = parse(&org, text)
                .map(|filter| org.table.iter().filter(|r| filter.holds(&org, r)).count());
            let got = got.map_err(|r| r.body["code"].as_str().unwrap().to_owned());
            assert_eq!(got, expect.map_err(str::to_owned), "{text}");
        };
        check(
            "((Last_Name:equals:Burns)and(First_Name:starts_with:M))",
            Ok(1),
        );
        check("(Last_Name:equals:burns)", Ok(2));
        check("Last_Name:equals:Gray", Ok(1));
        check(
            "((Last_Name:equals:Gray)or((First_Name:equals:Tom)and(Last_Name:equals:Burns)))",
            Ok(2),
        );
        check(r"(Title:equals:a\,b \(c\))", Ok(1));
        check("(Last_Name:in:Gray,Burns)", Ok(3));
        check("(Email_Opt_Out:equals:true)", Ok(1));
        check("(Date_of_Birth:between:1980-01-01,1980-12-31)", Ok(1));
        check("(Last_Name:greater_than:A)", Err("INVALID_QUERY"));
        check("(Nope:equals:A)", Err("INVALID_QUERY"));
        check("(Last_Name:equals:A", Err("INVALID_QUERY"));
        check("(Email_Opt_Out:equals:maybe)", Err("INVALID_QUERY"));
        let many = vec!["(Last_Name:equals:A)"; 16].join("or");
        check(&many, Err("LIMIT_EXCEEDED"));
    }
}
