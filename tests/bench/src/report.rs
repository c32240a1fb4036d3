//! Tables, and what the machine is.

/// What figures must be read with: the cores, and what they were built with.
pub fn machine() -> String {
    let build = if cfg!(debug_assertions) {
        "debug build: figures say little"
    } else {
        "release build"
    };
    format!("{} cores, {build}", cores())
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Prints a line for the head and one a row, in columns as wide as what is in them.
pub fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(String::len).max().unwrap_or_default();
        widest.max(head.get(column).map_or(0, |name| name.len()))
    };
    let line = |cells: Vec<&str>| {
        let cells = cells.into_iter().enumerate();
        let padded = cells.map(|(column, cell)| format!("{cell:>width$}", width = width(column)));
        println!("{}", padded.collect::<Vec<_>>().join("  "));
    };
    line(head.to_vec());
    for row in rows {
        line(row.iter().map(String::as_str).collect());
    }
}

/// The value below which this share of the values lies; zero of none.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (share * last as f64).ceil() as usize;
    sorted.get(at.min(last)).copied().unwrap_or_default()
}

/// The middle one of some values.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let check = |share, expect: f64| {
            let found = percentile(&values, share);
            assert!((found - expect).abs() < f64::EPSILON, "{share}: {found}");
        };
        check(0.0, 1.0);
        check(0.5, 51.0);
        check(0.99, 100.0);
        check(1.0, 100.0);
        assert!(percentile(&[], 0.5).abs() < f64::EPSILON);
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
