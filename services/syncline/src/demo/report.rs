//! The demo's report, for people and as JSON.

use std::fmt;

use serde_json::{Value, json};
use syncline_model::{Counters, DirectionCounters};

use super::api::{Conflict, Problem};
use super::audit::Requests;

/// Problems printed for a person; the JSON has them all.
const PROBLEMS: usize = 20;

/// One run.
#[derive(Debug)]
pub struct RunReport {
    /// What it was about.
    pub name: String,
    /// What it did.
    pub counters: Counters,
    /// What it asked of the providers.
    pub requests: Requests,
    /// How long it took, as a customer waits for it.
    pub seconds: f64,
    /// Conflicts that it settled.
    pub conflicts: Vec<Conflict>,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Report {
    /// The runs in order.
    pub runs: Vec<RunReport>,
    /// What people did between them.
    pub edits: Vec<String>,
    /// What the files brought, and what of it found no place.
    pub imported: Vec<String>,
    /// Live records on each side.
    pub records: (u64, u64),
    /// Records beyond what people brought about.
    pub duplicates: u64,
    /// Records without an equal partner.
    pub unequal: u64,
    /// Some of them, with what differs.
    pub examples: Vec<String>,
    /// What did not sync, by the connection's own account.
    pub problems: Vec<Problem>,
    /// Whether the last run wrote nothing.
    pub quiescent: bool,
}

impl Report {
    /// As one JSON object. Of a person's own file it names in two more members what found no place, in the account or on
    /// the other side.
    pub fn to_json(&self) -> Value {
        let runs: Vec<Value> = self
            .runs
            .iter()
            .map(|run| {
                json!({
                    "name": run.name,
                    "a_to_b": direction_json(&run.counters.a_to_b),
                    "b_to_a": direction_json(&run.counters.b_to_a),
                    "conflicts": run.counters.conflicts,
                    "requests": {"a": run.requests.a, "b": run.requests.b},
                    "seconds": (run.seconds * 1000.0).round() / 1000.0,
                })
            })
            .collect();
        let mut all = json!({
            "runs": runs,
            "records": {"a": self.records.0, "b": self.records.1},
            "duplicates": self.duplicates,
            "unequal": self.unequal,
            "quiescent": self.quiescent,
        });
        if let (Some(map), false) = (all.as_object_mut(), self.imported.is_empty()) {
            map.insert("imported".into(), json!(self.imported));
            map.insert("problems".into(), json!(self.problems));
        }
        all
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for run in &self.runs {
            let worked = run.counters.pulled.max(1) as f64;
            writeln!(
                f,
                "{}: {:.2} s, {} records read ({:.0} a second), requests: Zoho CRM {}, Google {} (writes in all: {})",
                run.name,
                run.seconds,
                run.counters.pulled,
                worked / run.seconds.max(0.001),
                run.requests.a,
                run.requests.b,
                run.requests.writes
            )?;
            direction(f, "Zoho CRM -> Google", &run.counters.a_to_b)?;
            direction(f, "Google -> Zoho CRM", &run.counters.b_to_a)?;
            if run.counters.conflicts > 0 {
                writeln!(f, "  conflicts settled   {}", run.counters.conflicts)?;
            }
            for conflict in run.conflicts.iter().take(5) {
                let value = |side: &str| conflict.values.get(side).cloned().unwrap_or_default();
                writeln!(
                    f,
                    "    {}: a had {}, b had {}; {} won, the other value is kept in the history",
                    conflict.entry,
                    value("a"),
                    value("b"),
                    conflict.winner.as_deref().unwrap_or("nobody")
                )?;
            }
            if run.conflicts.len() > 5 {
                writeln!(f, "    ... and {} more", run.conflicts.len() - 5)?;
            }
        }
        writeln!(f, "Counted from the sandbox's own records and request log:")?;
        writeln!(
            f,
            "  records             Zoho CRM {}, Google {}",
            self.records.0, self.records.1
        )?;
        writeln!(f, "  duplicates          {}", self.duplicates)?;
        writeln!(f, "  without an equal    {}", self.unequal)?;
        for example in &self.examples {
            writeln!(f, "    {example}")?;
        }
        let quiet = if self.quiescent {
            "yes: the last run wrote nothing"
        } else {
            "no"
        };
        writeln!(f, "  quiet               {quiet}")?;
        write!(f, "Open problems         {}", self.problems.len())?;
        for problem in self.problems.iter().take(PROBLEMS) {
            write!(
                f,
                "\n  side {}, {}: {}: {}",
                problem.side, problem.record, problem.reason, problem.message
            )?;
        }
        if self.problems.len() > PROBLEMS {
            write!(f, "\n  ... and {} more", self.problems.len() - PROBLEMS)?;
        }
        Ok(())
    }
}

fn direction_json(c: &DirectionCounters) -> Value {
    json!({
        "created": c.created,
        "updated": c.updated,
        "linked": c.linked,
        "skipped": c.skipped,
        "failed": c.failed,
    })
}

fn direction(f: &mut fmt::Formatter<'_>, name: &str, c: &DirectionCounters) -> fmt::Result {
    writeln!(
        f,
        "  {name}  created {}, updated {}, deleted {}, linked {}, left alone {}, failed {}",
        c.created, c.updated, c.deleted, c.linked, c.skipped, c.failed
    )
}
