//! Which kinds go together is told to customers as the engine has it: docs/mapping.md.

use std::fmt::Write;

use syncline_engine::{Compatibility, compatibility};
use syncline_model::{Flow, Kind};

const DOC: &str = include_str!("../../../../docs/mapping.md");

/// The table of the documentation: a row for each kind of side a, a column for each of side b.
fn table() -> String {
    let mut out = String::from("| a \\ b |");
    for b in Kind::ALL {
        let _ = write!(out, " {} |", b.as_str());
    }
    let _ = write!(out, "\n|---|{}\n", "---|".repeat(Kind::ALL.len()));
    for a in Kind::ALL {
        let _ = write!(out, "| **{}** |", a.as_str());
        for b in Kind::ALL {
            let cell = match compatibility(a, b) {
                Compatibility::AsTheyAre => "yes".to_owned(),
                Compatibility::Converted { meaning, flow } => {
                    let way = match flow {
                        Flow::Both => "",
                        Flow::AToB => ", a to b",
                        Flow::BToA => ", b to a",
                    };
                    format!("as {}{way}", meaning.as_str())
                }
                Compatibility::ByValues => "values".to_owned(),
                Compatibility::No => "-".to_owned(),
            };
            let _ = write!(out, " {cell} |");
        }
        out.push('\n');
    }
    out
}

#[test]
fn the_documented_table_is_the_engines() {
    let table = table();
    assert!(
        DOC.contains(&table),
        "docs/mapping.md does not hold this table:\n{table}"
    );
}

#[test]
fn a_pair_of_kinds_goes_together_whichever_side_they_are_on() {
    for a in Kind::ALL {
        assert_eq!(compatibility(a, a), Compatibility::AsTheyAre);
        for b in Kind::ALL {
            let mirrored = match compatibility(b, a) {
                Compatibility::Converted { meaning, flow } => Compatibility::Converted {
                    meaning,
                    flow: match flow {
                        Flow::AToB => Flow::BToA,
                        Flow::BToA => Flow::AToB,
                        Flow::Both => Flow::Both,
                    },
                },
                other => other,
            };
            assert_eq!(compatibility(a, b), mirrored, "{a:?} {b:?}");
        }
    }
}
