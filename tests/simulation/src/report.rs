//! What the command prints: a page for people, or one JSON object for programs.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::bugs::Hunt;
use crate::planner::Planned;
use crate::play::Failure;
use crate::sweep::Swept;
use crate::volume::Runs;

/// Everything that was done.
#[derive(Debug, Default)]
pub struct Report {
    /// Planner cases.
    pub planner: Option<Planned>,
    /// Histories that once broke a law and do again.
    pub regressions: Vec<(String, Failure)>,
    /// Histories.
    pub runs: Option<Runs>,
    /// The crash sweep.
    pub sweep: Option<Swept>,
    /// Seeded bugs.
    pub bugs: Option<Hunt>,
    /// Whether too few of something is a failure: a single history cannot meet everything.
    pub thorough: bool,
}

impl Report {
    /// Whether nothing broke, and nothing was missed.
    pub fn is_good(&self) -> bool {
        let planner = self.planner.as_ref().is_none_or(|p| p.failures.is_empty());
        let runs = self.runs.as_ref().is_none_or(|r| r.failures.is_empty());
        let sweep = self
            .sweep
            .as_ref()
            .is_none_or(|s| s.failed.is_empty() && s.covered == s.total);
        let bugs = self
            .bugs
            .as_ref()
            .is_none_or(|hunt| hunt.killed.len() as u64 == hunt.seeded);
        planner && runs && sweep && bugs && self.regressions.is_empty() && self.rare().is_empty()
    }

    /// What was met too rarely to have been proved.
    fn rare(&self) -> Vec<&'static str> {
        match &self.runs {
            Some(runs) if self.thorough => runs.totals.rare(),
            _ => Vec::new(),
        }
    }

    /// As one JSON object.
    pub fn json(&self) -> Json {
        let planner = self.planner.clone().unwrap_or_default();
        let hunt = self.bugs.clone().unwrap_or_default();
        let mut classes = BTreeMap::new();
        let mut runs = json!({"histories": 0, "failures": 0, "per_second": 0.0});
        if let Some(done) = &self.runs {
            runs = json!({
                "histories": done.totals.histories,
                "failures": done.failures.len() + self.regressions.len(),
                "per_second": done.per_second().round(),
            });
            for (name, (count, counted)) in &done.totals.classes {
                let mut class: BTreeMap<&str, u64> = counted.clone();
                class.insert("histories", *count);
                classes.insert(*name, class);
            }
        }
        let nothing = Swept::default();
        let sweep = self.sweep.as_ref().unwrap_or(&nothing);
        json!({
            "planner": {"cases": planner.cases, "failures": planner.failures.len()},
            "runs": runs,
            "sweep": {
                "scenarios": sweep.scenarios,
                "points_total": sweep.total,
                "points_covered": sweep.covered,
                "points_failed": sweep.failed.len(),
            },
            "bugs": {
                "seeded": hunt.seeded,
                "killed": hunt.killed.len(),
                "histories_to_kill": hunt.killed,
            },
            "classes": classes,
        })
    }

    /// As a page.
    pub fn page(&self) -> String {
        let mut page = String::new();
        let mut line = |text: String| {
            page.push_str(&text);
            page.push('\n');
        };
        if let Some(planner) = &self.planner {
            let (cases, failures) = (planner.cases, planner.failures.len());
            line(format!("planner: {cases} cases, {failures} failures"));
            for failure in planner.failures.iter().take(5) {
                line(format!("  {failure}"));
            }
        }
        for (name, failure) in &self.regressions {
            line(format!("regression: {name}: {:?}", failure.broken));
        }
        if let Some(runs) = &self.runs {
            line(format!(
                "runs: {} histories, {} failures, {:.0} a second",
                runs.totals.histories,
                runs.failures.len(),
                runs.per_second()
            ));
            for failure in &runs.failures {
                let law = failure.broken.first().map_or("", String::as_str);
                line(format!(
                    "  seed {} ({}): {law}",
                    failure.seed,
                    failure.class.name()
                ));
                line(format!(
                    "    again: cargo run --release -p simulation -- --seed {} --runs 1",
                    failure.seed
                ));
            }
            let classes = &runs.totals.classes;
            for (name, (count, counted)) in classes {
                let words: Vec<String> = counted
                    .iter()
                    .filter(|(_, count)| **count > 0)
                    .map(|(name, count)| format!("{name} {count}"))
                    .collect();
                line(format!("  {name}: {count} histories; {}", words.join(", ")));
            }
        }
        for name in self.rare() {
            line(format!("too rare to prove anything: {name}"));
        }
        if let Some(sweep) = &self.sweep {
            line(format!(
                "sweep: {} scenarios, died at {} of {} points, {} failures",
                sweep.scenarios,
                sweep.covered,
                sweep.total,
                sweep.failed.len()
            ));
            for (name, turn, after, failure) in sweep.failed.iter().take(20) {
                let when = if *after { "after" } else { "before" };
                let law = failure.broken.first().map_or("", String::as_str);
                line(format!("  {name}: {when} turn {turn}: {law}"));
            }
        }
        if let Some(hunt) = &self.bugs {
            line(format!(
                "bugs: {} of {} killed",
                hunt.killed.len(),
                hunt.seeded
            ));
            for (name, after) in &hunt.killed {
                let (by, broken) = hunt.how.get(name).cloned().unwrap_or_default();
                let broken: String = broken.chars().take(80).collect();
                line(format!("  {name}: {after} {by}: {broken}"));
            }
            for name in &hunt.survivors {
                line(format!("  {name}: NOT FOUND"));
            }
        }
        page
    }
}
