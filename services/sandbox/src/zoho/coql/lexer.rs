//! Cuts COQL text into tokens, each with the place where it begins.

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A keyword or a name, such as `select` or `Owner.first_name`.
    Word(String),
    /// Text in single quotes, unescaped.
    Text(String),
    /// A number as written.
    Number(String),
    /// `( ) , = != < <= > >= *`.
    Symbol(&'static str),
}

/// A token and the zero-based character where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The token.
    pub token: Token,
    /// Where it begins.
    pub at: usize,
}

const SYMBOLS: &[&str] = &["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ",", "*"];

/// The tokens of a query, or the place of the first character that fits nowhere.
pub fn tokens(query: &str) -> Result<Vec<Placed>, usize> {
    let chars: Vec<char> = query.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let (token, end) = if c == '\'' {
            quoted(&chars, at)?
        } else if let Some(symbol) = symbol(&chars, at) {
            (
                Token::Symbol(if symbol == "<>" { "!=" } else { symbol }),
                at + symbol.len(),
            )
        } else if c.is_ascii_digit() || c == '-' {
            let end = run(&chars, at + 1, |c| c.is_ascii_digit() || c == '.');
            (Token::Number(slice(&chars, at, end)), end)
        } else if c.is_alphanumeric() || c == '_' || c == '$' {
            let end = run(&chars, at, |c| {
                c.is_alphanumeric() || matches!(c, '_' | '.' | '$')
            });
            (Token::Word(slice(&chars, at, end)), end)
        } else {
            return Err(at);
        };
        found.push(Placed { token, at });
        at = end;
    }
    Ok(found)
}

fn quoted(chars: &[char], start: usize) -> Result<(Token, usize), usize> {
    let mut text = String::new();
    let mut at = start + 1;
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => {
                text.extend(chars.get(at + 1));
                at += 2;
            }
            '\'' => return Ok((Token::Text(text), at + 1)),
            c => {
                text.push(c);
                at += 1;
            }
        }
    }
    Err(start)
}

fn symbol(chars: &[char], at: usize) -> Option<&'static str> {
    SYMBOLS.iter().copied().find(|symbol| {
        symbol
            .chars()
            .enumerate()
            .all(|(n, c)| chars.get(at + n) == Some(&c))
    })
}

fn run(chars: &[char], from: usize, belongs: impl Fn(char) -> bool) -> usize {
    let mut end = from;
    while chars.get(end).is_some_and(|c| belongs(*c)) {
        end += 1;
    }
    end
}

fn slice(chars: &[char], from: usize, to: usize) -> String {
    chars.get(from..to).unwrap_or_default().iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_cut_into_tokens() {
        let check = |query: &str, expect: Result<usize, usize>| {
            assert_eq!(tokens(query).map(|tokens| tokens.len()), expect, "{query}");
        };
        check("select Last_Name from Contacts where id is not null", Ok(9));
        check("a != 'it\\'s' and b<=-1.5", Ok(7));
        check("(Owner.first_name in ('a','b'))", Ok(9));
        check("a = 'open", Err(4));
        check("a ; b", Err(2));
    }
}
