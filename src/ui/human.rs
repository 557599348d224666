//! Sizes and times in the few characters that a person reads at a glance. Pure.

use std::time::Duration;

/// Bytes with a binary suffix: `512B`, `7.8G`, `40G`.
pub fn bytes(count: u64) -> String {
    let (mut size, mut unit) = (count as f64, 0);
    // What would be rounded to four digits is one more of the next unit.
    while size >= 999.5 && unit < 6 {
        size /= 1024.0;
        unit += 1;
    }
    let suffix = ["B", "K", "M", "G", "T", "P", "E"][unit];
    match unit > 0 && size < 9.95 {
        true => format!("{size:.1}{suffix}"),
        false => format!("{size:.0}{suffix}"),
    }
}

/// A time that something took: `38ms`, `1.2s`, `2m05s`.
pub fn took(time: Duration) -> String {
    match time.as_millis() {
        ms @ 0..=999 => format!("{ms}ms"),
        1000..=59_999 => format!("{:.1}s", time.as_secs_f64()),
        _ => format!("{}m{:02}s", time.as_secs() / 60, time.as_secs() % 60),
    }
}

/// A time that something has lasted, in its two largest units: `41d 3h`, `5m`.
pub fn lasted(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let (days, hours) = (minutes / 1440, minutes / 60 % 24);
    match (days, hours) {
        (0, 0) => format!("{minutes}m"),
        (0, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_a_glance() {
        for (count, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1.0K"),
            (1024, "1.0K"),
            (10_239, "10K"),
            (8_375_000_000, "7.8G"),
            (42_949_672_960, "40G"),
            (1_072_668_082, "1.0G"),
            (u64::MAX, "16E"),
        ] {
            assert_eq!(bytes(count), text, "{count}");
        }
        for (ms, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1250, "1.2s"),
            (125_000, "2m05s"),
        ] {
            assert_eq!(took(Duration::from_millis(ms)), text);
        }
        for (seconds, text) in [
            (59, "0m"),
            (3599, "59m"),
            (3660, "1h 1m"),
            (3_553_200, "41d 3h"),
        ] {
            assert_eq!(lasted(Duration::from_secs(seconds)), text);
        }
    }
}
