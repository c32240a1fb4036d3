//! Tables of values: what a says and what b says for the same thing.
//!
//! What both mean is the yes or no of a side that holds one, else the row: its two words. So a word that a table does not
//! name is never taken for one that it does, whatever the other side's words are; and where several words of one side stand
//! for one of the other, each of them means the same and none is rewritten as another.

use std::sync::Arc;

use syncline_model::{Cardinality, Kind, Side, Sides, Value, ValuePair, Word};

use crate::equal;

/// One side's words of a table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: Arc<[Row]>,
    side: Side,
}

#[derive(Clone, Debug)]
struct Row {
    words: Sides<Value>,
    /// What both mean by it: of rows that share a word, the same.
    meaning: Value,
}

impl Table {
    /// A table for each side. `flag` is the side whose yes or no both mean, if there is one.
    pub fn of(pairs: &[ValuePair], flag: Option<Side>) -> Sides<Self> {
        let words = |pair: &ValuePair| Sides::of(|side| value(pair.word(side)));
        let all: Vec<Sides<Value>> = pairs.iter().map(words).collect();
        let rows = all.iter().map(|words| {
            let shares = |other: &&Sides<Value>| other.a == words.a || other.b == words.b;
            let first = all.iter().find(shares).unwrap_or(words);
            let meaning = match flag {
                Some(side) => words.get(side).clone(),
                None => Value::List(vec![first.a.clone(), first.b.clone()]),
            };
            let words = words.clone();
            Row { words, meaning }
        });
        let rows: Arc<[Row]> = rows.collect();
        Sides::of(|side| Self {
            rows: Arc::clone(&rows),
            side,
        })
    }

    /// What the side means by its word, or by each of its words.
    pub fn read(&self, value: Value) -> Value {
        match value {
            Value::List(items) => {
                Value::List(items.into_iter().map(|item| self.read(item)).collect())
            }
            word => {
                let mut rows = self.rows.iter();
                let row = rows.find(|row| same(row.words.get(self.side), &word));
                row.map_or(word, |row| row.meaning.clone())
            }
        }
    }

    /// The side's word for what is meant, or its words.
    pub fn write(&self, meaning: &Value) -> Result<Value, String> {
        let mut rows = self.rows.iter();
        if let Some(row) = rows.find(|row| row.meaning == *meaning) {
            return Ok(row.words.get(self.side).clone());
        }
        match meaning {
            Value::List(items) => {
                let words: Result<Vec<Value>, String> = items.iter().map(|item| self.write(item)).collect();
                Ok(Value::List(words?))
            }
            _ => Err(
                "cannot say this value: the mapping's `values` do not name it. Add a row for it, or choose a value that they name"
                    .into(),
            ),
        }
    }
}

fn value(word: &Word) -> Value {
    match word {
        Word::YesNo(yes) => Value::Bool(*yes),
        Word::Text(text) => Value::text(text.as_str()),
    }
}

fn same(word: &Value, value: &Value) -> bool {
    let kind = match word {
        Value::Bool(_) => Kind::Bool,
        _ => Kind::Choice,
    };
    equal(kind, Cardinality::One, word, value)
}
