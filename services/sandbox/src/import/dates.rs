//! Dates as address books write them: complete, without year, year only, with a stray time of day.
//! No time zones: a birthday has none.

use chrono::NaiveDate;

use super::contact::PartialDate;

/// A leap year, to check a day of a month whose year is unknown.
const LEAP_YEAR: i32 = 2000;

/// A date and what was doubtful about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    /// The date.
    pub date: PartialDate,
    /// What was left out or guessed, in words.
    pub doubt: Option<&'static str>,
}

/// Reads a date; `None` if it is none, or no day of the calendar.
///
/// Forms: `1985-03-14`, `19850314`, `1985/3/14`, `1985-03`, `1985`, `--0314`, `--03-14`, `--03`, `---14`,
/// `14.3.1985`, `3/14/1985`, each followed by a time or not.
pub(super) fn read(text: &str) -> Option<Read> {
    let text = text.trim();
    let (day_part, time) = split_time(text);
    let (date, guessed) = parse(day_part.trim())?;
    let date = checked(date)?;
    let timed = time.chars().any(|each| matches!(each, '1'..='9'));
    let doubt = match (guessed, timed) {
        (true, _) => Some("read as month/day/year"),
        (false, true) => Some("the time of day was left out"),
        (false, false) => None,
    };
    Some(Read { date, doubt })
}

/// Splits at the `T` or blank before a time.
fn split_time(text: &str) -> (&str, &str) {
    let time = |rest: &str| {
        !rest.is_empty()
            && rest.chars().all(|each| {
                each.is_ascii_digit() || matches!(each, ':' | '.' | '+' | '-' | 'Z' | 'z' | ' ')
            })
    };
    match text.split_once(['T', 't', ' ']) {
        Some((day, rest)) if time(rest) => (day, rest),
        _ => (text, ""),
    }
}

fn parse(text: &str) -> Option<(PartialDate, bool)> {
    if let Some(day) = text.strip_prefix("---") {
        return Some((date(None, None, Some(small(day)?)), false));
    }
    if let Some(rest) = text.strip_prefix("--") {
        return Some((without_year(rest)?, false));
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).map(str::trim).collect();
    match parts.as_slice() {
        [all] if all.len() == 8 => {
            let (year, rest) = all.split_at_checked(4)?;
            let (month, day) = rest.split_at_checked(2)?;
            Some((
                date(Some(full(year)?), Some(small(month)?), Some(small(day)?)),
                false,
            ))
        }
        [year] => Some((date(Some(full(year)?), None, None), false)),
        [year, month] => Some((date(Some(full(year)?), Some(small(month)?), None), false)),
        [year, month, day] if year.len() == 4 => Some((
            date(Some(full(year)?), Some(small(month)?), Some(small(day)?)),
            false,
        )),
        [first, second, year] => {
            let (first, second, year) = (small(first)?, small(second)?, full(year)?);
            let dotted = text.contains('.');
            let day_first = dotted || first > 12;
            let (day, month) = if day_first {
                (first, second)
            } else {
                (second, first)
            };
            let guessed = !dotted && first <= 12 && second <= 12 && first != second;
            Some((date(Some(year), Some(month), Some(day)), guessed))
        }
        _ => None,
    }
}

fn without_year(rest: &str) -> Option<PartialDate> {
    let (month, day) = match rest.split_once('-') {
        Some((month, day)) => (month, day),
        None => rest.split_at_checked(2)?,
    };
    let day = if day.is_empty() {
        None
    } else {
        Some(small(day)?)
    };
    Some(date(None, Some(small(month)?), day))
}

fn date(year: Option<u16>, month: Option<u8>, day: Option<u8>) -> PartialDate {
    PartialDate { year, month, day }
}

fn full(text: &str) -> Option<u16> {
    let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn small(text: &str) -> Option<u8> {
    let digits = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Year 0 means "no year" (Google and some phones write it); every other part must fit the calendar.
fn checked(mut date: PartialDate) -> Option<PartialDate> {
    date.year = date.year.filter(|year| *year != 0);
    let known = date.year.is_some() || date.month.is_some() || date.day.is_some();
    let year = date.year.map_or(LEAP_YEAR, i32::from);
    let month = u32::from(date.month.unwrap_or(1));
    let day = u32::from(date.day.unwrap_or(1));
    NaiveDate::from_ymd_opt(year, month, day)
        .filter(|_| known)
        .map(|_| date)
}

impl PartialDate {
    /// The date as `YYYY-MM-DD` if all of it is known.
    pub fn complete(&self) -> Option<String> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        Some(format!("{year:04}-{month:02}-{day:02}"))
    }

    /// The date as vCard 4.0 writes it, whatever is known: `1985-03-14`, `--03-14`, `1985-03`, `---14`.
    pub fn text(&self) -> String {
        match (self.year, self.month, self.day) {
            (Some(year), Some(month), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
            (Some(year), Some(month), None) => format!("{year:04}-{month:02}"),
            (Some(year), None, _) => format!("{year:04}"),
            (None, Some(month), Some(day)) => format!("--{month:02}-{day:02}"),
            (None, Some(month), None) => format!("--{month:02}"),
            (None, None, Some(day)) => format!("---{day:02}"),
            (None, None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = read(text).map(|read| {
            let doubt = if read.doubt.is_some() { "?" } else { "" };
            format!("{}{doubt}", read.date.text())
        });
        assert_eq!(got.as_deref().unwrap_or("none"), expect, "{text}");
    }

    #[test]
    fn forms_of_dates() {
        check("1985-03-14", "1985-03-14");
        check("19850314", "1985-03-14");
        check("1985-03-14T00:00:00Z", "1985-03-14");
        check("19850314T230000Z", "1985-03-14?");
        check("1985-03-14 00:00", "1985-03-14");
        check("1985-03", "1985-03");
        check("1985", "1985");
        check("--0412", "--04-12");
        check(" --04-12", "--04-12");
        check("--04", "--04");
        check("---12", "---12");
        check("0000-04-12", "--04-12");
        check("--0229", "--02-29");
        check("14.3.1985", "1985-03-14");
        check("3/14/1985", "1985-03-14");
        check("14/3/1985", "1985-03-14");
        check("3/4/1985", "1985-03-04?");
        for none in [
            "",
            "--",
            "---",
            "1985-02-30",
            "circa 1960",
            "19851314",
            "--0230",
            "1/2/85",
            "日本",
            "00000000",
            "85-03-14",
            "ä",
        ] {
            check(none, "none");
        }
    }
}
