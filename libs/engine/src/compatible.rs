//! Which kinds of fields go together, what both then mean, and which way values can flow: the one table by which a mapping
//! is possible or refused. `docs/mapping.md` and the API show it as it stands here.
//!
//! Not here: how a value of one kind is read as another (`form`).

use syncline_model::{Cardinality, Flow, Kind, Sides};

/// What a field holds: the kind of its values, and one or a set.
pub type Shape = (Kind, Cardinality);

/// How the values of two kinds go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// They are the same, or texts both, or yes or no both: what one says the other can say.
    AsTheyAre,
    /// One is read as the other, where the customer says so.
    Converted {
        /// What both mean then: the `as` of a mapping entry. It is asked for so that a field which changes its kind at the
        /// provider pauses its mapping and is not silently taken for something else.
        meaning: Kind,
        /// Which way values flow.
        flow: Flow,
    },
    /// Only by a table of values.
    ByValues,
    /// Not at all.
    No,
}

/// What two fields that go together have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joint {
    /// What both mean; decides equality.
    pub kind: Kind,
    /// One value or a set.
    pub cardinality: Cardinality,
    /// Whether values can flow *from* each side.
    pub from: Sides<bool>,
}

/// How the values of a kind on side a and of one on side b go together, where both fields hold one.
pub fn compatibility(a: Kind, b: Kind) -> Compatibility {
    if a == b || (a.is_text() && b.is_text()) || (a.is_flag() && b.is_flag()) {
        return Compatibility::AsTheyAre;
    }
    let by = |meaning: Kind, flow: Flow| Compatibility::Converted { meaning, flow };
    match (told(a, b), told(b, a)) {
        (Some(meaning), _) | (_, Some(meaning)) => by(meaning, Flow::Both),
        _ if is_written_out(a, b) => by(Kind::Text, Flow::AToB),
        _ if is_written_out(b, a) => by(Kind::Text, Flow::BToA),
        _ if takes_table(a) && takes_table(b) => Compatibility::ByValues,
        _ => Compatibility::No,
    }
}

/// The same of fields that may hold sets.
fn compatibility_of_shapes(a: Shape, b: Shape) -> Compatibility {
    let by = |flow: Flow| Compatibility::Converted {
        meaning: Kind::Text,
        flow,
    };
    let takes = |set: Kind, text: Kind| set.is_text() && is_line(text);
    match (a, b) {
        ((a, Cardinality::One), (b, Cardinality::One)) => compatibility(a, b),
        ((a, Cardinality::Many), (b, Cardinality::Many)) => match compatibility(a, b) {
            Compatibility::AsTheyAre => Compatibility::AsTheyAre,
            _ => Compatibility::No,
        },
        ((a, Cardinality::Many), (b, Cardinality::One)) if takes(a, b) => by(Flow::AToB),
        ((a, Cardinality::One), (b, Cardinality::Many)) if takes(b, a) => by(Flow::BToA),
        _ => Compatibility::No,
    }
}

/// What both mean where one of two kinds tells the values of the other and they can be read back from there.
const fn told(rich: Kind, plain: Kind) -> Option<Kind> {
    match (rich, plain) {
        (Kind::Date | Kind::DateTime | Kind::Number | Kind::Bool | Kind::OptOut, plain)
            if is_line(plain) =>
        {
            Some(rich)
        }
        (Kind::DateTime, Kind::Date) => Some(Kind::Date),
        _ => None,
    }
}

/// Whether the values of one kind can be written out in the other, never to be read back.
const fn is_written_out(rich: Kind, plain: Kind) -> bool {
    matches!(rich, Kind::Address) && is_line(plain)
}

/// Whether a text is one that can say anything.
const fn is_line(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::LongText)
}

/// Whether a table can name the values of a kind.
pub const fn takes_table(kind: Kind) -> bool {
    kind.is_flag() || matches!(kind, Kind::Choice | Kind::Text | Kind::LongText)
}

/// What two fields have in common, or why they do not go together. `meaning` is what the customer says that both mean.
pub fn join(a: Shape, b: Shape, meaning: Option<Kind>) -> Result<Joint, String> {
    let words = || (a.0.as_str(), b.0.as_str());
    match (compatibility_of_shapes(a, b), meaning) {
        (Compatibility::AsTheyAre, None) => Ok(Joint {
            kind: common(a.0, b.0),
            cardinality: a.1,
            from: Sides { a: true, b: true },
        }),
        // Two yes or no that the customer knows for opt-outs.
        (Compatibility::AsTheyAre, Some(Kind::OptOut)) if a.0.is_flag() => Ok(Joint {
            kind: Kind::OptOut,
            cardinality: a.1,
            from: Sides { a: true, b: true },
        }),
        (Compatibility::Converted { meaning, flow }, Some(Kind::OptOut)) if meaning.is_flag() => {
            Ok(Joint {
                kind: Kind::OptOut,
                cardinality: Cardinality::One,
                from: Sides::of(|side| flow.from_side(side)),
            })
        }
        (Compatibility::AsTheyAre, Some(_)) => {
            Err("they go together as they are: leave out `as`".into())
        }
        (Compatibility::Converted { meaning, flow }, Some(said)) if said == meaning => Ok(Joint {
            kind: match (a.1, b.1) {
                (Cardinality::Many, _) => b.0,
                (_, Cardinality::Many) => a.0,
                _ => common(a.0, b.0),
            },
            cardinality: Cardinality::One,
            from: Sides::of(|side| flow.from_side(side)),
        }),
        (Compatibility::Converted { meaning, .. }, _) => Err(format!(
            "a {} and a {} go together as a {} only: say `\"as\": \"{}\"`, if that is meant",
            words().0,
            words().1,
            meaning.as_str(),
            meaning.as_str()
        )),
        (Compatibility::ByValues, _) => Err(format!(
            "a {} and a {} go together by a table only: say in `values` which goes with which",
            words().0,
            words().1
        )),
        (Compatibility::No, _) if a.1 != b.1 => Err(
            "one holds a single value and the other a set: a set of texts can only be written out into a text or long_text, one way"
                .into(),
        ),
        (Compatibility::No, _) => Err(refusal(a.0, b.0)),
    }
}

/// What decides equality between two kinds that go together.
fn common(a: Kind, b: Kind) -> Kind {
    if a == b {
        return a;
    }
    let of = |list: &[Kind]| list.iter().copied().find(|kind| *kind == a || *kind == b);
    // Where one side knows it for an opt-out, it is one. A text may be blank where a yes or no never is: the two meet as choices do. A time of which the other side knows the
    // day is a day. What is written out into a text is a text.
    if of(&[Kind::OptOut]).is_some() {
        return Kind::OptOut;
    }
    if of(&[Kind::Bool]).is_some() {
        return Kind::Choice;
    }
    of(&[Kind::Number, Kind::Date, Kind::DateTime])
        .or_else(|| {
            of(&[
                Kind::Email,
                Kind::Phone,
                Kind::Url,
                Kind::LongText,
                Kind::Text,
            ])
        })
        .unwrap_or(Kind::Text)
}

fn refusal(a: Kind, b: Kind) -> String {
    let with = |kind: Kind| {
        let fits = |other: &Kind| compatibility(kind, *other) != Compatibility::No;
        let words: Vec<&str> = Kind::ALL
            .iter()
            .filter(|other| fits(other))
            .map(|other| other.as_str())
            .collect();
        format!("a {} goes with: {}", kind.as_str(), words.join(", "))
    };
    format!(
        "their kinds {} and {} are not compatible; {}; {}",
        a.as_str(),
        b.as_str(),
        with(a),
        with(b)
    )
}

/// What both mean where a table of values says what goes with what: the yes or no of a side that holds one, else a row of
/// the table.
pub fn join_by_values(a: Shape, b: Shape, meaning: Option<Kind>) -> Result<Joint, String> {
    if a.1 != b.1 {
        return Err("one holds a single value and the other a set".into());
    }
    let flags = a.0.is_flag() || b.0.is_flag();
    let meant = meaning == Some(Kind::OptOut) && flags;
    if meaning.is_some() && !meant {
        return Err("`values` say what goes with what: leave out `as`".into());
    }
    if !takes_table(a.0) || !takes_table(b.0) {
        return Err("`values` go with choices, texts and yes or no alone: leave them out".into());
    }
    let is_opt_out = meant || a.0 == Kind::OptOut || b.0 == Kind::OptOut;
    Ok(Joint {
        kind: if is_opt_out {
            Kind::OptOut
        } else {
            Kind::Choice
        },
        cardinality: a.1,
        from: Sides { a: true, b: true },
    })
}
