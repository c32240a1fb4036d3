//! `$filter`: reading an expression and asking it of a row. Lookups are named by path (`Owner/Id`), ids and times stand
//! without quotes.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::vec::IntoIter;

use serde_json::Value;

use super::refusal::Refusal;
use super::schema::{self, Holds, NO_ID};
use super::site::{Row, Site, is, text};

/// An expression.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Both.
    And(Box<Self>, Box<Self>),
    /// Either.
    Or(Box<Self>, Box<Self>),
    /// Not.
    Not(Box<Self>),
    /// A comparison: path, operator, value.
    Compare(Path, String, Literal),
    /// `contains`, `startswith`, `endswith`.
    Text(String, Path, String),
}

/// A column, by way of lookups.
#[derive(Debug, Clone)]
pub struct Path {
    /// The lookups on the way, each with the entity that it leads to.
    steps: Vec<(String, &'static str)>,
    /// The column at the end.
    column: String,
    holds: Holds,
}

/// A value in an expression.
#[derive(Debug, Clone)]
pub enum Literal {
    /// In quotes.
    Text(String),
    /// Anything else.
    Bare(String),
}

type Tokens = Peekable<IntoIter<Token>>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(char),
}

/// Reads an expression about an entity.
pub fn parse(entity: &str, input: &str, flat: bool) -> Result<Filter, Refusal> {
    let mut tokens = tokens(input)?.into_iter().peekable();
    let filter = either(entity, &mut tokens, flat)?;
    match tokens.next() {
        None => Ok(filter),
        Some(_) => Err(syntax(input)),
    }
}

fn syntax(input: &str) -> Refusal {
    Refusal::bad(format!("Syntax error in the expression '{input}'."))
}

fn tokens(input: &str) -> Result<Vec<Token>, Refusal> {
    let mut all = Vec::new();
    let mut chars = input.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' => {}
            '(' | ')' | ',' => all.push(Token::Sign(c)),
            '\'' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        Some('\'') if chars.peek() == Some(&'\'') => {
                            chars.next();
                            text.push('\'');
                        }
                        Some('\'') => break,
                        Some(c) => text.push(c),
                        None => return Err(syntax(input)),
                    }
                }
                all.push(Token::Quoted(text));
            }
            _ => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !matches!(c, ' ' | '(' | ')' | ',' | '\'')) {
                    word.push(c);
                }
                all.push(Token::Word(word));
            }
        }
    }
    Ok(all)
}

fn is_word(tokens: &mut Tokens, word: &str) -> bool {
    tokens
        .next_if(|token| *token == Token::Word(word.to_owned()))
        .is_some()
}

fn sign(tokens: &mut Tokens, sign: char) -> Result<(), Refusal> {
    match tokens.next() {
        Some(token) if token == Token::Sign(sign) => Ok(()),
        _ => Err(syntax(&sign.to_string())),
    }
}

fn either(entity: &str, tokens: &mut Tokens, flat: bool) -> Result<Filter, Refusal> {
    let mut left = both(entity, tokens, flat)?;
    while is_word(tokens, "or") {
        left = Filter::Or(Box::new(left), Box::new(both(entity, tokens, flat)?));
    }
    Ok(left)
}

fn both(entity: &str, tokens: &mut Tokens, flat: bool) -> Result<Filter, Refusal> {
    let mut left = one(entity, tokens, flat)?;
    while is_word(tokens, "and") {
        left = Filter::And(Box::new(left), Box::new(one(entity, tokens, flat)?));
    }
    Ok(left)
}

fn one(entity: &str, tokens: &mut Tokens, flat: bool) -> Result<Filter, Refusal> {
    if is_word(tokens, "not") {
        return Ok(Filter::Not(Box::new(one(entity, tokens, flat)?)));
    }
    match tokens.next() {
        Some(Token::Sign('(')) => {
            let inner = either(entity, tokens, flat)?;
            sign(tokens, ')')?;
            Ok(inner)
        }
        Some(Token::Word(word)) if ["contains", "startswith", "endswith"].contains(&&*word) => {
            sign(tokens, '(')?;
            let Some(Token::Word(name)) = tokens.next() else {
                return Err(syntax(&word));
            };
            sign(tokens, ',')?;
            let Some(Token::Quoted(text)) = tokens.next() else {
                return Err(syntax(&word));
            };
            sign(tokens, ')')?;
            Ok(Filter::Text(word, path(entity, &name, flat)?, text))
        }
        Some(Token::Word(name)) => {
            let path = path(entity, &name, flat)?;
            let operator = match tokens.next() {
                Some(Token::Word(word))
                    if ["eq", "ne", "gt", "ge", "lt", "le"].contains(&&*word) =>
                {
                    word
                }
                _ => return Err(syntax(&name)),
            };
            let literal = match tokens.next() {
                Some(Token::Word(word)) => Literal::Bare(word),
                Some(Token::Quoted(text)) => Literal::Text(text),
                _ => return Err(syntax(&name)),
            };
            path.accepts(&literal)?;
            Ok(Filter::Compare(path, operator, literal))
        }
        _ => Err(syntax("")),
    }
}

/// Reads a path of an entity.
pub fn path(entity: &str, name: &str, flat: bool) -> Result<Path, Refusal> {
    let unknown = || {
        Refusal::bad(format!(
            "Column by path {name} not found in schema {entity}"
        ))
    };
    let mut steps = Vec::new();
    let mut at = schema::entity(entity).ok_or_else(unknown)?;
    let mut parts: Vec<&str> = name.split('/').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let (step, holds) = schema::column(at, part).ok_or_else(unknown)?;
        at = holds.target().ok_or_else(unknown)?;
        steps.push((format!("{step}Id"), at));
    }
    if let Some((column, holds)) =
        schema::column(at, last).filter(|(_, holds)| holds.target().is_none())
    {
        let column = column.to_owned();
        return Ok(Path {
            steps,
            column,
            holds,
        });
    }
    match schema::lookup(at, last).filter(|_| flat) {
        Some((column, holds)) => Ok(Path {
            steps,
            column: format!("{column}Id"),
            holds,
        }),
        None => Err(unknown()),
    }
}

impl Path {
    fn is_id(&self) -> bool {
        self.column == "Id" || self.holds.target().is_some()
    }

    fn accepts(&self, literal: &Literal) -> Result<(), Refusal> {
        let fits = match (self.holds, literal) {
            _ if self.is_id() => {
                matches!(literal, Literal::Bare(text) if schema::is_guid(text) || text == "null")
            }
            (Holds::Text | Holds::Required, Literal::Text(_)) => true,
            (Holds::Text | Holds::Required, Literal::Bare(text)) => text == "null",
            (_, Literal::Text(_)) => false,
            (Holds::Bool, Literal::Bare(text)) => ["true", "false"].contains(&text.as_str()),
            (Holds::Time, Literal::Bare(text)) => {
                text == "null" || text.parse::<chrono::DateTime<chrono::Utc>>().is_ok()
            }
            (_, Literal::Bare(text)) => text.parse::<i64>().is_ok(),
        };
        if fits {
            return Ok(());
        }
        let message = "A binary operator with incompatible types was detected. Found operand types for operator kind 'Equal'.";
        Err(Refusal::bad(message))
    }

    /// What a row has there; the row at the end of the way may be missing.
    pub fn value<'a>(&self, site: &'a Site, row: &'a Row) -> Option<&'a Value> {
        let mut row = row;
        for (step, entity) in &self.steps {
            let id = text(row, step);
            if self.column == "Id" && self.steps.len() == 1 {
                return row.get(step);
            }
            row = site.row(entity, id)?;
        }
        row.get(&self.column)
    }
}

impl Filter {
    /// Whether a row is meant.
    pub fn admits(&self, site: &Site, row: &Row) -> bool {
        match self {
            Self::And(left, right) => left.admits(site, row) && right.admits(site, row),
            Self::Or(left, right) => left.admits(site, row) || right.admits(site, row),
            Self::Not(inner) => !inner.admits(site, row),
            Self::Text(how, path, part) => {
                let value = path
                    .value(site, row)
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let (value, part) = (value.to_lowercase(), part.to_lowercase());
                match how.as_str() {
                    "contains" => value.contains(&part),
                    "startswith" => value.starts_with(&part),
                    _ => value.ends_with(&part),
                }
            }
            Self::Compare(path, operator, literal) => {
                let order = compare(path, path.value(site, row), literal);
                match operator.as_str() {
                    "eq" => order == Ordering::Equal,
                    "ne" => order != Ordering::Equal,
                    "gt" => order == Ordering::Greater,
                    "ge" => order != Ordering::Less,
                    "lt" => order == Ordering::Less,
                    _ => order != Ordering::Greater,
                }
            }
        }
    }
}

fn compare(path: &Path, value: Option<&Value>, literal: &Literal) -> Ordering {
    let (Literal::Text(wanted) | Literal::Bare(wanted)) = literal;
    let has = value.and_then(Value::as_str).unwrap_or_default();
    if matches!(literal, Literal::Bare(_)) && wanted == "null" {
        return has.cmp("");
    }
    match path.holds {
        _ if path.is_id() => {
            let wanted = if wanted == NO_ID { "" } else { wanted };
            has.cmp(&wanted.to_lowercase())
        }
        Holds::Time => {
            let at = wanted.parse().map(super::site::time);
            has.cmp(at.as_deref().unwrap_or_default())
        }
        Holds::Bool => {
            let row: Row = [("x".to_owned(), value.cloned().unwrap_or_default())]
                .into_iter()
                .collect();
            is(&row, "x").cmp(&(wanted == "true"))
        }
        Holds::Int => {
            let number = value.and_then(Value::as_i64).unwrap_or_default();
            number.cmp(&wanted.parse().unwrap_or_default())
        }
        // The database does not look at case.
        _ => has.to_lowercase().cmp(&wanted.to_lowercase()),
    }
}
