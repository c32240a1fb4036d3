//! Zoho's date-times: `yyyy-MM-ddTHH:mm:ss±HH:mm`, whole seconds, in the zone of the calling user.
//! Instants are kept as Unix seconds; this file never asks what time it is.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone, Utc};

/// Reads an ISO 8601 date-time with a zone (`Z`, `+05:30` or `+0530`) as Unix seconds; fractions are cut.
pub fn parse_instant(text: &str) -> Option<i64> {
    let text = text.trim();
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|instant| instant.timestamp())
}

/// Reads `yyyy-MM-dd`; nothing else is a date to Zoho.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())?
}

/// The offset of so many minutes east of Greenwich, or UTC when there is no such zone.
pub fn zone(minutes: i32) -> FixedOffset {
    FixedOffset::east_opt(minutes.saturating_mul(60)).unwrap_or_else(utc)
}

fn utc() -> FixedOffset {
    use chrono::Offset;
    Utc.fix()
}

/// The instant as Zoho prints it for a user of this zone.
pub fn show(seconds: i64, zone: FixedOffset) -> String {
    zone.timestamp_opt(seconds, 0)
        .single()
        .map_or_else(String::new, |t| {
            t.format("%Y-%m-%dT%H:%M:%S%:z").to_string()
        })
}

/// The first second of a calendar day in this zone.
pub fn day_start(date: NaiveDate, zone: FixedOffset) -> i64 {
    date.and_hms_opt(0, 0, 0)
        .and_then(|t| t.and_local_timezone(zone).single())
        .map_or(0, |t| t.timestamp())
}

/// The calendar day of an instant in this zone.
pub fn day_of(seconds: i64, zone: FixedOffset) -> Option<NaiveDate> {
    zone.timestamp_opt(seconds, 0)
        .single()
        .map(|t| t.date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_any_zone_and_shown_in_the_users() {
        let check = |input: &str, expect: Option<&str>| {
            let shown = parse_instant(input).map(|seconds| show(seconds, zone(330)));
            assert_eq!(shown.as_deref(), expect, "{input}");
        };
        check("2026-01-01T00:00:00Z", Some("2026-01-01T05:30:00+05:30"));
        check(
            "2026-01-01T00:00:00+0000",
            Some("2026-01-01T05:30:00+05:30"),
        );
        check(
            "2026-01-01T00:00:00.999-08:00",
            Some("2026-01-01T13:30:00+05:30"),
        );
        check("2026-01-01", None);
        check("2026-01-01T00:00:00", None);
    }

    #[test]
    fn dates_have_ten_characters() {
        let check =
            |input: &str, expect: bool| assert_eq!(parse_date(input).is_some(), expect, "{input}");
        check("1980-02-29", true);
        check("1981-02-29", false);
        check("80-02-01", false);
        check("1980-2-1", false);
    }
}
