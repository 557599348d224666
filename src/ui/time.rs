//! Moments as people read and write them: in local time, to the second.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _, Zoned};

/// Milliseconds since 1970 as `2026-01-31 12:00:00`, in local time.
pub fn local(at: i64) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime(FORM).to_string(),
        Err(_) => at.to_string(),
    }
}

const FORM: &str = "%Y-%m-%d %H:%M:%S";

/// Milliseconds since 1970 in the form of RFC 3339, in UTC.
pub fn utc(at: i64) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(at) => format!("{at:.3}"),
        Err(_) => at.to_string(),
    }
}

/// A moment as a person types it, in milliseconds since 1970: so long ago (`90s`, `1h30m`, `2d`), a
/// date, a date and time, a time of today, `today`, `yesterday` or `now`; with an offset or `Z`
/// behind it, else in local time.
///
/// # Errors
/// A sentence that names the text and what is understood.
pub fn moment(text: &str) -> Result<i64, String> {
    moment_at(text, &Zoned::now())
}

fn moment_at(text: &str, now: &Zoned) -> Result<i64, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{text}` is not a time such as 90s, 1h30m, 2d, 14:30, 2026-01-31, \"2026-01-31 14:30\" or yesterday"
        )
    };
    let midnight = |day: Zoned| day.start_of_day().map_err(|_| wrong());
    let here = |civil: DateTime| civil.to_zoned(now.time_zone().clone());
    let begins_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
    let found = match text {
        "now" => Ok(now.clone()),
        "today" => midnight(now.clone()),
        "yesterday" => midnight(now.checked_sub(1.day()).map_err(|_| wrong())?),
        // Signs and words such as `P1D` would be understood too, and mean something else.
        _ if !begins_with_digit => Err(wrong()),
        _ => {
            if let Ok(at) = text.parse::<Timestamp>() {
                Ok(at.to_zoned(now.time_zone().clone()))
            } else if let Ok(civil) = text.parse::<DateTime>() {
                here(civil).map_err(|_| wrong())
            } else if let (true, Ok(time)) = (text.contains(':'), text.parse::<Time>()) {
                here(now.date().to_datetime(time)).map_err(|_| wrong())
            } else {
                let ago: Span = text.parse().map_err(|_| wrong())?;
                now.checked_sub(ago).map_err(|_| wrong())
            }
        }
    };
    Ok(found?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::offset;
    use proptest::prelude::*;

    fn at(text: &str) -> Result<String, String> {
        let now = "2026-11-23T10:30:15".parse::<DateTime>().unwrap();
        let now = now.to_zoned(TimeZone::fixed(offset(2))).unwrap();
        moment_at(text, &now).map(utc)
    }

    #[test]
    fn moments() {
        for (text, utc) in [
            ("now", "2026-11-23T08:30:15.000Z"),
            (" 90s ", "2026-11-23T08:28:45.000Z"),
            ("1h", "2026-11-23T07:30:15.000Z"),
            ("1h30m", "2026-11-23T07:00:15.000Z"),
            ("2d", "2026-11-21T08:30:15.000Z"),
            ("2 weeks", "2026-11-09T08:30:15.000Z"),
            ("today", "2026-11-22T22:00:00.000Z"),
            ("yesterday", "2026-11-21T22:00:00.000Z"),
            ("09:15", "2026-11-23T07:15:00.000Z"),
            ("2026-11-01", "2026-10-31T22:00:00.000Z"),
            ("2026-11-01 12:30", "2026-11-01T10:30:00.000Z"),
            ("2026-11-01T12:30:01", "2026-11-01T10:30:01.000Z"),
            ("2026-11-01T12:30:00Z", "2026-11-01T12:30:00.000Z"),
            ("2026-11-01T12:30:00-05:00", "2026-11-01T17:30:00.000Z"),
        ] {
            assert_eq!(at(text).as_deref(), Ok(utc), "{text}");
        }
        for text in [
            "",
            " ",
            "x",
            "-1h",
            "+1h",
            "P1D",
            "1",
            "1x",
            "25:00",
            "2026-13-01",
            "2026-02-30",
            "2026-11-01 25:00",
            "99999999999999h",
            "1h\n2",
            "é",
            "tomorrow",
        ] {
            let told = at(text).unwrap_err();
            assert!(told.contains("is not a time such as"), "{text}: {told}");
        }
    }

    #[test]
    fn out_of_range_is_a_number() {
        assert_eq!(local(i64::MAX), i64::MAX.to_string());
        assert_eq!(utc(i64::MIN), i64::MIN.to_string());
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_an_error(text in "\\PC{0,20}", number: i64) {
            let _ = moment(&text);
            prop_assert!(!local(number).is_empty() && !utc(number).is_empty());
        }
    }
}
