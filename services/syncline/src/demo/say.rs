//! Talks to the person at the terminal, or to the file in its place, or not.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::api::Run;

/// How seldom progress is told where lines stay.
const SELDOM: Duration = Duration::from_secs(5);

/// Tells what happens. Whoever reads may be gone: that is no reason to stop syncing, so nothing here fails.
pub struct Say<W> {
    out: W,
    how: How,
    /// When progress was last told, or the step began.
    told: Option<Instant>,
}

/// How things are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Not at all.
    Silent,
    /// In lines that stay: a file, a pipe.
    Lines,
    /// On a terminal, where a line can be written over.
    Live,
}

impl Say<std::io::Stdout> {
    /// Talks on standard output, or is `silent`.
    pub fn new(silent: bool) -> Self {
        let out = std::io::stdout();
        let how = match (silent, out.is_terminal()) {
            (true, _) => How::Silent,
            (false, true) => How::Live,
            (false, false) => How::Lines,
        };
        Self::with(out, how)
    }
}

impl<W: Write> Say<W> {
    const fn with(out: W, how: How) -> Self {
        Self {
            out,
            how,
            told: None,
        }
    }

    /// One line.
    pub fn line(&mut self, text: &str) {
        if self.how != How::Silent {
            writeln!(self.out, "{text}").unwrap_or_default();
        }
    }

    /// How far a step is: again and again in one line of a terminal, seldom elsewhere.
    pub fn progress(&mut self, step: &str, run: &Run, now: Instant) {
        match self.how {
            How::Silent => {}
            How::Live => {
                write!(self.out, "\r  {}   ", told(step, run)).unwrap_or_default();
                self.out.flush().unwrap_or_default();
            }
            How::Lines => {
                let since = *self.told.get_or_insert(now);
                if now.duration_since(since) >= SELDOM {
                    self.told = Some(now);
                    self.line(&format!("  {}", told(step, run)));
                }
            }
        }
    }

    /// Where a step ended.
    pub fn end(&mut self, step: &str, run: &Run) {
        self.told = None;
        let text = told(step, run);
        match self.how {
            How::Silent => {}
            How::Live => self.line(&format!("\r  {text}   ")),
            How::Lines => self.line(&format!("  {text}")),
        }
    }
}

fn told(step: &str, run: &Run) -> String {
    let c = &run.counters;
    format!(
        "{step}: {} read, created {} + {}, updated {} + {}, linked {}",
        c.pulled,
        c.a_to_b.created,
        c.b_to_a.created,
        c.a_to_b.updated,
        c.b_to_a.updated,
        c.a_to_b.linked + c.b_to_a.linked
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_model::Counters;

    /// A step of 12 seconds, asked about ten times a second.
    fn step(how: How) -> String {
        let mut say = Say::with(Vec::new(), how);
        let run = |pulled| Run {
            id: String::new(),
            state: "running".into(),
            counters: Counters {
                pulled,
                ..Counters::default()
            },
            error: None,
        };
        let begun = Instant::now();
        say.line("begun");
        for tenth in 0..=120 {
            let now = begun + Duration::from_millis(100 * tenth);
            say.progress("step", &run(tenth), now);
        }
        say.end("step", &run(120));
        String::from_utf8(say.out).unwrap()
    }

    #[test]
    fn progress_is_one_line_of_a_terminal_and_few_lines_of_a_file() {
        let rest = "created 0 + 0, updated 0 + 0, linked 0";
        assert_eq!(
            step(How::Lines),
            format!(
                "begun\n  step: 50 read, {rest}\n  step: 100 read, {rest}\n  step: 120 read, {rest}\n"
            )
        );
        let live = step(How::Live);
        assert_eq!(live.lines().count(), 2);
        assert_eq!(live.matches('\r').count(), 122);
        assert_eq!(step(How::Silent), "");
    }
}
