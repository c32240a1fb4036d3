//! Days as texts, in one of a few formats.

use chrono::{Datelike, NaiveDate};
use syncline_model::{DateFormat, PartialDate};

/// A day of the calendar.
pub fn of(date: NaiveDate) -> Option<PartialDate> {
    let (month, day) = (date.month().try_into().ok()?, date.day().try_into().ok()?);
    PartialDate::new(Some(date.year()), month, day)
}

/// The day that a text tells; the year may be left out.
pub fn parse(text: &str, format: DateFormat) -> Option<PartialDate> {
    let text = text.trim();
    let (year, month, day) = match format {
        DateFormat::Iso => {
            let (year, rest) = match text.strip_prefix("--") {
                Some(rest) => ("", rest),
                None => text.split_once('-').filter(|(year, _)| !year.is_empty())?,
            };
            let (month, day) = rest.split_once('-')?;
            (year, month, day)
        }
        DateFormat::DayMonthYearDots => {
            let (day, rest) = text.split_once('.')?;
            let (month, year) = rest.split_once('.')?;
            (year.trim(), month.trim(), day)
        }
        DateFormat::DayMonthYear | DateFormat::MonthDayYear => {
            let (first, rest) = text.split_once('/')?;
            let (second, year) = match rest.split_once('/') {
                Some((second, year)) => (second, year),
                None => (rest, ""),
            };
            match format {
                DateFormat::MonthDayYear => (year, first, second),
                _ => (year, second, first),
            }
        }
    };
    let year = match year {
        "" => None,
        year => Some(digits(year, 4..=4)?.into()),
    };
    let of_calendar = |text| digits(text, 1..=2).and_then(|number| u8::try_from(number).ok());
    PartialDate::new(year, of_calendar(month)?, of_calendar(day)?)
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u16> {
    let plain = length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// A day as a text; none for a year that has not four digits.
pub fn spell(date: PartialDate, format: DateFormat) -> Option<String> {
    let PartialDate { year, month, day } = date;
    if year.is_some_and(|year| !(0..=9999).contains(&year)) {
        return None;
    }
    Some(match (format, year) {
        (DateFormat::Iso, _) => date.to_string(),
        (DateFormat::DayMonthYearDots, Some(year)) => format!("{day:02}.{month:02}.{year:04}"),
        (DateFormat::DayMonthYearDots, None) => format!("{day:02}.{month:02}."),
        (DateFormat::DayMonthYear, Some(year)) => format!("{day:02}/{month:02}/{year:04}"),
        (DateFormat::DayMonthYear, None) => format!("{day:02}/{month:02}"),
        (DateFormat::MonthDayYear, Some(year)) => format!("{month:02}/{day:02}/{year:04}"),
        (DateFormat::MonthDayYear, None) => format!("{month:02}/{day:02}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_in_their_format_and_no_other() {
        use DateFormat::{DayMonthYear, DayMonthYearDots, Iso, MonthDayYear};
        let cases = [
            (Iso, "2001-02-03", Some("2001-02-03")),
            (Iso, " 2001-2-3 ", Some("2001-02-03")),
            (Iso, "--02-29", Some("--02-29")),
            (Iso, "-2001-02-03", None),
            (Iso, "01-02-03", None),
            (Iso, "2001-02-30", None),
            (Iso, "03.02.2001", None),
            (DayMonthYearDots, "3.2.2001", Some("2001-02-03")),
            (DayMonthYearDots, "03. 02. 2001", Some("2001-02-03")),
            (DayMonthYearDots, "29.02.", Some("--02-29")),
            (DayMonthYearDots, "29.02", None),
            (DayMonthYearDots, "3.2.01", None),
            (DayMonthYear, "03/02/2001", Some("2001-02-03")),
            (DayMonthYear, "03/02", Some("--02-03")),
            (MonthDayYear, "03/02/2001", Some("2001-03-02")),
            (MonthDayYear, "13/02/2001", None),
            (MonthDayYear, "+3/02/2001", None),
            (MonthDayYear, "soon", None),
        ];
        for (format, text, expect) in cases {
            let read = parse(text, format).map(|day| day.to_string());
            assert_eq!(read.as_deref(), expect, "{format:?} {text:?}");
        }
    }
}
