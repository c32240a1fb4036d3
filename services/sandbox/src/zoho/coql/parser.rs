//! Reads a COQL query into a `Select` over the organisation's fields, refusing what Zoho refuses.

use serde_json::json;

use super::lexer::{Placed, Token, tokens};
use crate::zoho::errors::Refusal;
use crate::zoho::fields::Kind;
use crate::zoho::filter::{Atom, Filter, Op, Path, Test};
use crate::zoho::org::Org;

const MAX_COLUMNS: usize = 50;
const MAX_ORDER_BY: usize = 10;
const MAX_IN: usize = 50;
const MAX_LIMIT: usize = 200;
const MAX_ROWS: usize = 10_000;

/// A query.
#[derive(Debug)]
pub struct Select {
    /// Columns as written, with what they mean.
    pub columns: Vec<(String, Path)>,
    /// `count(id)` instead of columns.
    pub count: bool,
    /// The condition.
    pub filter: Filter,
    /// Sort keys; true is descending.
    pub order: Vec<(Path, bool)>,
    /// Rows to skip.
    pub offset: usize,
    /// Rows to answer.
    pub limit: usize,
}

/// Reads a query.
pub fn parse(org: &Org, query: &str) -> Result<Select, Refusal> {
    let tokens = tokens(query).map_err(|at| syntax(query, "query", at))?;
    let mut parser = Parser {
        org,
        query,
        tokens,
        next: 0,
    };
    parser.select()
}

struct Parser<'a> {
    org: &'a Org,
    query: &'a str,
    tokens: Vec<Placed>,
    next: usize,
}

impl Parser<'_> {
    fn select(&mut self) -> Result<Select, Refusal> {
        self.expect("select")?;
        let (columns, count) = self.columns()?;
        self.expect("from")?;
        let module = self.name("from")?;
        if !module.eq_ignore_ascii_case("Contacts") {
            return Err(Refusal::new(
                400,
                "INVALID_QUERY",
                "invalid query formed",
                json!({"module": module, "reason": "module name given seems to be invalid"}),
            ));
        }
        if !self.word("where") {
            return Err(self.wrong("where"));
        }
        let filter = self.condition()?;
        let order = self.order()?;
        let (offset, limit) = self.limit()?;
        if self.next < self.tokens.len() {
            return Err(self.wrong("query"));
        }
        Ok(Select {
            columns,
            count,
            filter,
            order,
            offset,
            limit,
        })
    }

    fn columns(&mut self) -> Result<(Vec<(String, Path)>, bool), Refusal> {
        let mut columns = Vec::new();
        loop {
            let name = self.name("select")?;
            if name.eq_ignore_ascii_case("count") && self.symbol("(") {
                self.name("select")?;
                if !self.symbol(")") {
                    return Err(self.wrong("select"));
                }
                return Ok((Vec::new(), true));
            }
            let path = self.path(&name)?;
            columns.push((name, path));
            if !self.symbol(",") {
                break;
            }
        }
        if columns.len() > MAX_COLUMNS {
            return Err(exceeded("select", MAX_COLUMNS));
        }
        Ok((columns, false))
    }

    /// At most two operands on a level: Zoho wants parentheses around the others.
    fn condition(&mut self) -> Result<Filter, Refusal> {
        let left = self.operand()?;
        let all = self.word("and");
        if !all && !self.word("or") {
            return Ok(left);
        }
        let both = vec![left, self.operand()?];
        if matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or"))
        {
            return Err(self.wrong("where"));
        }
        Ok(if all {
            Filter::All(both)
        } else {
            Filter::Any(both)
        })
    }

    fn operand(&mut self) -> Result<Filter, Refusal> {
        if self.symbol("(") {
            let inner = self.condition()?;
            return if self.symbol(")") {
                Ok(inner)
            } else {
                Err(self.wrong("where"))
            };
        }
        let name = self.name("where")?;
        let path = self.path(&name)?;
        let (op, against) = self.comparison(&path)?;
        let ordered = matches!(
            op,
            Op::Less | Op::AtMost | Op::Greater | Op::AtLeast | Op::Between | Op::NotBetween
        );
        if ordered
            && matches!(
                path.kind(),
                Some(Kind::Boolean | Kind::Tags | Kind::MultiPicklist)
            )
        {
            return Err(bad_column(&name, "invalid operator found"));
        }
        Ok(Filter::Test(Test { path, op, against }))
    }

    fn comparison(&mut self, path: &Path) -> Result<(Op, Vec<Atom>), Refusal> {
        if self.word("is") {
            let op = if self.word("not") {
                Op::Present
            } else {
                Op::Empty
            };
            return if self.word("null") {
                Ok((op, Vec::new()))
            } else {
                Err(self.wrong("where"))
            };
        }
        let simple = [
            ("=", Op::In),
            ("!=", Op::NotIn),
            ("<=", Op::AtMost),
            (">=", Op::AtLeast),
            ("<", Op::Less),
            (">", Op::Greater),
        ];
        for (symbol, op) in simple {
            if self.symbol(symbol) {
                // A multi-select is compared with 'a;b': it holds all of them.
                if path.kind() == Some(Kind::MultiPicklist) {
                    let all = self.value(path)?;
                    let Atom::Text(text) = all else {
                        return Err(self.wrong("where"));
                    };
                    let parts = text
                        .split(';')
                        .map(|part| Atom::Text(part.to_owned()))
                        .collect();
                    return Ok((
                        if op == Op::NotIn {
                            Op::ExcludesAll
                        } else {
                            Op::IncludesAll
                        },
                        parts,
                    ));
                }
                return Ok((op, vec![self.value(path)?]));
            }
        }
        let not = self.word("not");
        if self.word("like") {
            return Ok((
                if not { Op::NotLike } else { Op::Like },
                vec![self.value(path)?],
            ));
        }
        if self.word("between") {
            let from = self.value(path)?;
            self.expect("and")?;
            return Ok((
                if not { Op::NotBetween } else { Op::Between },
                vec![from, self.value(path)?],
            ));
        }
        if !self.word("in") || !self.symbol("(") {
            return Err(self.wrong("where"));
        }
        let mut values = vec![self.value(path)?];
        while self.symbol(",") {
            values.push(self.value(path)?);
        }
        if !self.symbol(")") {
            return Err(self.wrong("where"));
        }
        if values.len() > MAX_IN {
            return Err(exceeded("in", MAX_IN));
        }
        Ok((if not { Op::NotIn } else { Op::In }, values))
    }

    fn value(&mut self, path: &Path) -> Result<Atom, Refusal> {
        let flag =
            |word: &str| word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false");
        let text = match self.peek() {
            Some(Token::Text(text) | Token::Number(text)) => text.clone(),
            Some(Token::Word(word)) if flag(word) => word.clone(),
            _ => return Err(self.wrong("where")),
        };
        self.next += 1;
        path.literal(self.org, &text)
            .ok_or_else(|| bad_column(path.name(), "invalid value found"))
    }

    fn order(&mut self) -> Result<Vec<(Path, bool)>, Refusal> {
        let mut order = Vec::new();
        if !self.word("order") {
            return Ok(order);
        }
        self.expect("by")?;
        loop {
            let name = self.name("order by")?;
            let path = self.path(&name)?;
            let descending = self.word("desc");
            if !descending {
                self.word("asc");
            }
            order.push((path, descending));
            if !self.symbol(",") {
                break;
            }
        }
        if order.len() > MAX_ORDER_BY {
            Err(exceeded("order by", MAX_ORDER_BY))
        } else {
            Ok(order)
        }
    }

    /// `limit n`, `limit offset, n` or `limit n offset m`.
    fn limit(&mut self) -> Result<(usize, usize), Refusal> {
        if !self.word("limit") {
            return Ok((0, MAX_LIMIT));
        }
        let first = self.number()?;
        let (offset, limit) = if self.symbol(",") {
            (first, self.number()?)
        } else if self.word("offset") {
            (self.number()?, first)
        } else {
            (0, first)
        };
        if limit > MAX_LIMIT {
            return Err(exceeded("limit", MAX_LIMIT));
        }
        if offset.saturating_add(limit) > MAX_ROWS {
            return Err(exceeded("offset", MAX_ROWS));
        }
        Ok((offset, limit))
    }

    fn number(&mut self) -> Result<usize, Refusal> {
        let number = match self.peek() {
            Some(Token::Number(text)) => text.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.wrong("limit"))?;
        self.next += 1;
        Ok(number)
    }

    fn path(&self, name: &str) -> Result<Path, Refusal> {
        Path::parse(self.org, name)
            .ok_or_else(|| bad_column(name, "column given seems to be invalid"))
    }

    fn name(&mut self, clause: &str) -> Result<String, Refusal> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.next += 1;
                Ok(word)
            }
            _ => Err(self.wrong(clause)),
        }
    }

    fn expect(&mut self, word: &str) -> Result<(), Refusal> {
        if self.word(word) {
            Ok(())
        } else {
            Err(self.wrong(word))
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let there =
            matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.next += usize::from(there);
        there
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let there = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.next += usize::from(there);
        there
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    fn wrong(&self, clause: &str) -> Refusal {
        let at = self
            .tokens
            .get(self.next)
            .map_or_else(|| self.query.chars().count(), |placed| placed.at);
        syntax(self.query, clause, at)
    }
}

fn syntax(query: &str, clause: &str, at: usize) -> Refusal {
    let before: String = query.chars().take(at).collect();
    let near: String = query
        .chars()
        .skip(at)
        .take_while(|c| !c.is_whitespace())
        .take(40)
        .collect();
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |text| text.chars().count())
        + 1;
    let details = json!({"clause": clause, "near": near, "line": line, "column": column});
    Refusal::new(
        400,
        "SYNTAX_ERROR",
        "error occured while parsing the query",
        details,
    )
}

fn bad_column(name: &str, reason: &str) -> Refusal {
    Refusal::invalid_query(json!({"column_name": name, "reason": reason}))
}

fn exceeded(clause: &str, limit: usize) -> Refusal {
    Refusal::new(
        400,
        "LIMIT_EXCEEDED",
        "the limit is exceeded",
        json!({"clause": clause, "limit": limit}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoho::testing;

    #[test]
    fn queries_are_read_or_refused() {
        let org = testing::org();
        let check = |query: &str, expect: Result<(usize, usize), &str>| {
            let got = parse(&org, query).map(|select| (select.offset, select.limit));
            assert_eq!(
                got.map_err(|r| r.body["code"].as_str().unwrap().to_owned()),
                expect.map_err(str::to_owned),
                "{query}"
            );
        };
        let rest = "from Contacts where id is not null";
        check(
            &format!("select Last_Name, Owner.first_name {rest}"),
            Ok((0, 200)),
        );
        check(
            &format!("SELECT Last_Name {rest} ORDER BY Modified_Time DESC, id LIMIT 400, 100"),
            Ok((400, 100)),
        );
        check(
            &format!("select id {rest} limit 10 offset 20"),
            Ok((20, 10)),
        );
        check(
            &format!("select id {rest} limit 201"),
            Err("LIMIT_EXCEEDED"),
        );
        check(
            &format!("select id {rest} limit 9999, 2"),
            Err("LIMIT_EXCEEDED"),
        );
        check("select id from Contacts", Err("SYNTAX_ERROR"));
        check(
            "select id from Leads where id is not null",
            Err("INVALID_QUERY"),
        );
        check(&format!("select Nope {rest}"), Err("INVALID_QUERY"));
        check(
            "select id from Contacts where ((a.b = 1))",
            Err("INVALID_QUERY"),
        );
        check(
            "select id from Contacts where Modified_Time > 'yesterday'",
            Err("INVALID_QUERY"),
        );
        check(
            "select id from Contacts where Email = 'a' and Phone = 'b' and Title = 'c'",
            Err("SYNTAX_ERROR"),
        );
        check(
            "select id from Contacts where (Email = 'a' and Phone = 'b') and Title = 'c'",
            Ok((0, 200)),
        );
        check(
            "select id from Contacts where Email not in ('a', 'b')",
            Ok((0, 200)),
        );
        check(
            "select id from Contacts where Email_Opt_Out > true",
            Err("INVALID_QUERY"),
        );
        check(
            "select id from Contacts where Email = ",
            Err("SYNTAX_ERROR"),
        );
    }
}
