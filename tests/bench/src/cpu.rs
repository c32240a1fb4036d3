//! What processors were used for, as Linux counts it.

use anyhow::Context;

/// Linux counts in hundredths of a second, whatever the machine.
const TICKS: f64 = 100.0;

/// Seconds of processor time so far: of the machine, and of what is watched.
pub struct Cpu {
    busy: f64,
    all: f64,
    own: Vec<f64>,
    watched: Vec<Vec<u32>>,
}

/// Shares of a time span, as numbers of processors.
pub struct Used {
    /// Of all cores, what anybody used: 1 is all of them.
    pub machine: f64,
    /// Processors that each watched group used, on average.
    pub groups: Vec<f64>,
}

impl Cpu {
    /// Begins to watch groups of processes.
    pub fn watch(watched: Vec<Vec<u32>>) -> anyhow::Result<Self> {
        let (busy, all) = machine()?;
        let own: anyhow::Result<_> = watched.iter().map(|group| time(group)).collect();
        Ok(Self {
            busy,
            all,
            own: own?,
            watched,
        })
    }

    /// What was used since, in so many seconds.
    pub fn used(&self, seconds: f64) -> anyhow::Result<Used> {
        let (busy, all) = machine()?;
        let groups = self.watched.iter().zip(&self.own);
        let groups: anyhow::Result<_> = groups
            .map(|(group, before)| Ok((time(group)? - before) / seconds.max(0.001)))
            .collect();
        Ok(Used {
            machine: (busy - self.busy) / (all - self.all).max(0.01),
            groups: groups?,
        })
    }
}

/// Busy time and all time of the machine, all cores together.
fn machine() -> anyhow::Result<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("no line")?;
    let times: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .take(8)
        .map(|number| number.parse::<f64>().unwrap_or_default() / TICKS)
        .collect();
    let all: f64 = times.iter().sum();
    // Idle, and waiting for a disk.
    let idle: f64 = times.iter().skip(3).take(2).sum();
    Ok((all - idle, all))
}

/// Time that some processes used so far.
fn time(processes: &[u32]) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for process in processes {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name, in parentheses, may hold blanks.
        let (_, rest) = stat.rsplit_once(')').context("no name")?;
        let times = rest.split_whitespace().skip(11).take(2);
        sum += times
            .map(|number| number.parse::<f64>().unwrap_or_default() / TICKS)
            .sum::<f64>();
    }
    Ok(sum)
}
