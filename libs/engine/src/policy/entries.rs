//! The entries of a mapping, checked against the fields that the two accounts have: what both sides mean in each, how each
//! of them says it, and which way it goes.

use std::collections::BTreeMap;

use syncline_model::{
    Blank, Cardinality, ConflictPolicy, DateFormat, EntryKey, FieldDescriptor, FieldName,
    FieldPath, Kind, MappingEntry, Part, Side, Sides, UNSUBSCRIBED, Value, ValuePair, Word,
};

use super::{ConfigError, PolicyInput, check};
use crate::compatible::{Joint, Shape, join, join_by_values};
use crate::form::{Form, Table};

/// Most entries a mapping may have.
const MAX_ENTRIES: usize = 200;
/// Most rows a table of values may have.
const MAX_ROWS: usize = 200;

/// One mapping entry, ready for use.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name inside links.
    pub key: EntryKey,
    /// The path on each side.
    pub paths: Sides<FieldPath>,
    /// What decides equality.
    pub kind: Kind,
    /// One value or a set.
    pub cardinality: Cardinality,
    /// Whether values may flow *from* each side: direction, flow, the two kinds and the other side's writability together.
    pub from: Sides<bool>,
    /// What a cleared value does.
    pub blank: Blank,
    /// Who wins a conflict.
    pub winner: ConflictPolicy,
    /// What each side can hold.
    pub holds: Sides<Holds>,
    /// How each side says what both mean.
    pub(crate) forms: Sides<Form>,
}

/// What a side can hold in a field.
#[derive(Clone, Debug)]
pub struct Holds {
    /// What people call the field.
    pub label: String,
    /// What it holds there.
    pub kind: Kind,
    /// Longest text, in characters.
    pub max_length: Option<usize>,
    /// The only characters that a text may consist of, if not all are.
    pub characters: Option<String>,
    /// Whether a record without it is refused.
    pub required: bool,
    /// Whether it can be written at all, whatever flows there.
    pub writable: bool,
    /// For dates: whether a day without its year can be held.
    pub partial_dates: bool,
}

pub(super) type ByName<'a> = Sides<BTreeMap<FieldName, &'a FieldDescriptor>>;

impl Entry {
    /// What stands at the entry's path on a side, in the form in which both sides are compared.
    pub(crate) fn read(&self, side: Side, value: Value) -> Value {
        self.forms.get(side).read(value)
    }

    /// What is to stand on a side for what both mean; or why it cannot, in words for a customer.
    pub(crate) fn native(&self, side: Side, meant: &Value) -> Result<Value, String> {
        self.forms.get(side).write(meant).map_err(|why| {
            let label = &self.holds.get(side).label;
            format!("`{label}` {why}; the rest of the record is synced")
        })
    }

    /// How a side says what both mean, as far as it can: for people to read.
    pub(crate) fn said(&self, side: Side, meant: &Value) -> Value {
        let said = self.forms.get(side).write(meant);
        said.unwrap_or_else(|_| meant.clone())
    }

    pub(super) fn has_table(&self) -> bool {
        matches!(self.forms.a, Form::Words(_))
    }
}

/// Checks the entries of a mapping and lays them out.
pub(super) fn compile(
    input: &PolicyInput<'_>,
    by_name: &ByName<'_>,
    errors: &mut Vec<ConfigError>,
) -> Vec<Entry> {
    let mut fail = |path: String, message: String| errors.push(ConfigError { path, message });
    let given = &input.mapping.entries;
    if given.is_empty() {
        let message = "a mapping needs at least one entry";
        fail("/mapping".into(), message.into());
    }
    if given.len() > MAX_ENTRIES {
        let message = format!("a mapping has at most {MAX_ENTRIES} entries");
        fail("/mapping".into(), message);
    }
    let mut used = Sides::<BTreeMap<String, Vec<Option<Part>>>>::default();
    let mut entries = Vec::new();
    for (index, entry) in given.iter().take(MAX_ENTRIES).enumerate() {
        let mut found = Vec::new();
        for side in Side::BOTH {
            let path = entry.path(side);
            let at = format!("/mapping/{index}/{side}");
            let whole = path.field.to_string();
            let used = used.get_mut(side);
            let before = used.entry(whole).or_default();
            let overlaps =
                before.contains(&path.part) || before.contains(&None) || path.part.is_none();
            if !before.is_empty() && overlaps {
                fail(at.clone(), format!("`{path}` is mapped twice"));
            }
            before.push(path.part.clone());
            match by_name.get(side).get(&path.field) {
                Some(field) => match path_shape(field, path) {
                    Ok(shape) => found.push((*field, shape)),
                    Err(message) => fail(at, message),
                },
                None => fail(at, no_such_field(&path.field, by_name.get(side))),
            }
        }
        let [(a, shape_a), (b, shape_b)] = found.as_slice() else {
            continue;
        };
        let fields = Sides { a: *a, b: *b };
        let shapes = Sides {
            a: *shape_a,
            b: *shape_b,
        };
        match one(entry, input, &fields, &shapes) {
            Ok(entry) => entries.push(entry),
            Err(wrong) => {
                for (place, message) in wrong {
                    fail(format!("/mapping/{index}{place}"), message);
                }
            }
        }
    }
    entries
}

/// What is wrong with an entry: the place within it, and what would be right.
type Wrong = Vec<(String, String)>;

fn one(
    entry: &MappingEntry,
    input: &PolicyInput<'_>,
    fields: &Sides<&FieldDescriptor>,
    shapes: &Sides<Shape>,
) -> Result<Entry, Wrong> {
    let (joint, forms) = joined(entry, fields, shapes)?;
    let from = Sides::of(|side| {
        input.direction.from_side(side)
            && entry.flow.from_side(side)
            && fields.get(side.other()).writable
            && *joint.from.get(side)
    });
    if !from.a && !from.b {
        let one_way = match joint.from {
            Sides { a: true, b: true } => "",
            _ => "; and what is written out into a text is not read back from there",
        };
        let message = format!(
            "nothing can flow between `{}` and `{}`: direction, flow and read-only fields leave no way{one_way}",
            entry.a, entry.b
        );
        return Err(vec![(String::new(), message)]);
    }
    Ok(Entry {
        key: entry.key(),
        paths: Sides {
            a: entry.a.clone(),
            b: entry.b.clone(),
        },
        kind: joint.kind,
        cardinality: joint.cardinality,
        from,
        blank: blank(entry, joint.kind)?,
        winner: entry.winner.unwrap_or(input.conflict),
        holds: Sides::of(|side| {
            let field = *fields.get(side);
            Holds {
                label: field.label.clone(),
                kind: shapes.get(side).0,
                max_length: field.max_length,
                characters: field.characters.clone(),
                required: field.required,
                writable: field.writable,
                partial_dates: field.partial_dates,
            }
        }),
        forms,
    })
}

/// What a cleared value does. For an opt-out that is to opt in, which has a word of its own: nobody is opted in because blanks
/// are synced.
fn blank(entry: &MappingEntry, kind: Kind) -> Result<Blank, Wrong> {
    let wrong = |place: &str, message: &str| Err(vec![(place.to_owned(), message.to_owned())]);
    match (kind, entry.opt_in, entry.blank) {
        (Kind::OptOut, _, Blank::Sync) => wrong(
            "/blank",
            "to clear an opt-out is to opt in: say `opt_in` if that is to be carried over, and leave `blank` out",
        ),
        (Kind::OptOut, true, Blank::Keep) => Ok(Blank::Sync),
        (Kind::OptOut, false, Blank::Keep) => Ok(Blank::Keep),
        (_, true, _) => wrong(
            "/opt_in",
            "`opt_in` is for opt-outs: neither field is one. Leave it out",
        ),
        (_, false, blank) => Ok(blank),
    }
}

/// What both sides of an entry mean, and how each says it.
fn joined(
    entry: &MappingEntry,
    fields: &Sides<&FieldDescriptor>,
    shapes: &Sides<Shape>,
) -> Result<(Joint, Sides<Form>), Wrong> {
    let (a, b) = (shapes.a, shapes.b);
    let refused = |why: String| {
        let message = format!("`{}` cannot be mapped to `{}`: {why}", entry.a, entry.b);
        vec![(String::new(), message)]
    };
    let (joint, forms) = if entry.values.is_empty() {
        let forms = Sides {
            a: form(a, b, entry.dates),
            b: form(b, a, entry.dates),
        };
        (join(a, b, entry.meaning).map_err(refused)?, forms)
    } else {
        let joint = join_by_values(a, b, entry.meaning).map_err(refused)?;
        check_values(&entry.values, fields, shapes)?;
        let is_flag = |side: &Side| shapes.get(*side).0.is_flag();
        let tables = Table::of(&entry.values, Side::BOTH.into_iter().find(is_flag));
        let Sides { a, b } = tables;
        let forms = Sides {
            a: Form::Words(a),
            b: Form::Words(b),
        };
        (joint, forms)
    };
    let tells_days = |form: &Form| matches!(form, Form::Told(Kind::Date, _));
    if entry.dates != DateFormat::default() && !tells_days(&forms.a) && !tells_days(&forms.b) {
        let message = "`dates` says how a text tells a date: here is no date that is mapped to a text. Leave it out";
        return Err(vec![("/dates".into(), message.into())]);
    }
    Ok((joint, forms))
}

/// How a side says what it has in common with the other one.
const fn form(mine: Shape, other: Shape, dates: DateFormat) -> Form {
    match (mine, other) {
        ((_, Cardinality::Many), (_, Cardinality::One)) => Form::WrittenOut,
        ((Kind::Address, _), (kind, _)) if kind.is_text() => Form::WrittenOut,
        ((Kind::DateTime, _), (Kind::Date, _)) => Form::Day,
        ((Kind::Bool | Kind::OptOut, _), (kind, _)) if kind.is_text() => Form::Flag,
        (
            (Kind::Text | Kind::LongText, Cardinality::One),
            (
                kind @ (Kind::Date | Kind::DateTime | Kind::Number | Kind::Bool | Kind::OptOut),
                Cardinality::One,
            ),
        ) => Form::Told(kind, dates),
        ((kind, _), _) => Form::Plain(kind),
    }
}

/// Checks a table of values against the choices that the two fields have.
fn check_values(
    values: &[ValuePair],
    fields: &Sides<&FieldDescriptor>,
    shapes: &Sides<Shape>,
) -> Result<(), Wrong> {
    let mut wrong = Wrong::new();
    if values.len() > MAX_ROWS {
        let message = format!("a table of values has at most {MAX_ROWS} rows");
        return Err(vec![("/values".into(), message)]);
    }
    for (index, row) in values.iter().enumerate() {
        for side in Side::BOTH {
            let (word, kind) = (row.word(side), shapes.get(side).0);
            if let Err(why) = check_word(word, kind, fields.get(side)) {
                wrong.push((format!("/values/{index}/{side}"), why));
            }
        }
        let others = || {
            let others = values.iter().enumerate();
            others
                .filter(move |(at, _)| *at != index)
                .map(|(_, other)| other)
        };
        let shared = |side: Side| others().any(|other| other.word(side) == row.word(side));
        let set = shapes.a.1 == Cardinality::Many;
        if set && (shared(Side::A) || shared(Side::B)) {
            let message = format!(
                "`{}` and `{}` hold sets, and a set is written as a whole: let each word be in one row alone, or the words that mean the same would be written as the first of them",
                fields.a.name, fields.b.name
            );
            wrong.push((format!("/values/{index}"), message));
        } else if shared(Side::A) && shared(Side::B) {
            let message = format!(
                "`{}` and `{}` are both in other rows as well: which of them is meant cannot be told. Let one of the two be in this row alone",
                row.a, row.b
            );
            wrong.push((format!("/values/{index}"), message));
        }
    }
    for side in Side::BOTH {
        let has = |yes: bool| values.iter().any(|row| *row.word(side) == Word::YesNo(yes));
        let torn = values.iter().position(|row| {
            let other = row.word(side.other());
            let mut same = values.iter().filter(|one| one.word(side.other()) == other);
            same.any(|one| one.word(side) != row.word(side))
        });
        if let Some(index) = torn.filter(|_| shapes.get(side).0.is_flag()) {
            let message =
                "this word is beside true and beside false: it can mean one of them".to_owned();
            wrong.push((format!("/values/{index}/{}", side.other()), message));
        }
        if shapes.get(side).0.is_flag() && !(has(true) && has(false)) {
            let label = &fields.get(side).name;
            let message = format!(
                "`{label}` holds yes or no: a row for `true` and one for `false` are needed"
            );
            wrong.push(("/values".into(), message));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn check_word(word: &Word, kind: Kind, field: &FieldDescriptor) -> Result<(), String> {
    match (word, kind) {
        (Word::YesNo(_), kind) if kind.is_flag() => Ok(()),
        (_, kind) if kind.is_flag() => Err(format!("`{}` holds yes or no: write true or false", field.name)),
        (Word::YesNo(_), _) => Err(format!(
            "`{}` holds a text: write it in quotation marks",
            field.name
        )),
        (Word::Text(text), _) if text.trim().is_empty() => Err(
            "a word is needed: what is blank goes with what is blank, and `blank` says what a cleared value does".into(),
        ),
        (Word::Text(text), _) => check::choice(field, text),
    }
}

pub(super) fn no_such_field(
    name: &FieldName,
    fields: &BTreeMap<FieldName, &FieldDescriptor>,
) -> String {
    let known: Vec<&str> = fields.keys().map(FieldName::as_str).collect();
    format!(
        "there is no field `{name}`; there are: {}",
        known.join(", ")
    )
}

/// Kind and cardinality at a path: whether an item is in a set is yes or no, and whether somebody is among those who have
/// opted out is an opt-out.
pub(super) fn path_shape(field: &FieldDescriptor, path: &FieldPath) -> Result<Shape, String> {
    if field.name.as_str().ends_with('*') {
        let why = "stands for fields of any name: put one in place of the star";
        return Err(format!("`{}` {why}", field.name));
    }
    let single = field.cardinality == Cardinality::One;
    let fits = match &path.part {
        None => return Ok((field.kind, field.cardinality)),
        Some(Part::Has(item)) if !single && field.kind.is_text() => {
            // In none at all is nobody: that is no edit of everybody. The mapping rests until there is one.
            let made = item == UNSUBSCRIBED || !field.choices.is_empty();
            if let Some(kind) = field.membership.as_ref().filter(|_| !made) {
                return Err(format!("there is no {kind} `{item}`; there is none at all"));
            }
            check::item(field, item)?;
            return Ok(match item.as_str() {
                UNSUBSCRIBED => (Kind::OptOut, Cardinality::One),
                _ => (Kind::Bool, Cardinality::One),
            });
        }
        Some(Part::Has(_)) => false,
        Some(Part::Given | Part::Family) => single && field.kind == Kind::FullName,
        Some(_) => single && field.kind == Kind::Address,
    };
    match &path.part {
        Some(part) if !fits => Err(format!("`{}` has no part `{part}`", path.field)),
        _ => Ok((Kind::Text, Cardinality::One)),
    }
}
