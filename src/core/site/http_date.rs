//! Dates as `--expires` and `Expires` take them, in the one form that HTTP sends. Must not ask for the time.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// `text` as an HTTP date: ISO 8601 with or without a time and a zone (UTC then), RFC 822, or seconds since 1970, as
/// [aws-cli reads timestamps].
///
/// [aws-cli reads timestamps]: https://github.com/boto/botocore/blob/1.40.0/botocore/utils.py#L978
#[must_use]
pub(crate) fn http_date(text: &str) -> Option<String> {
    const ZONED: [&str; 4] = [
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y-%m-%dT%H:%M%#z",
        "%Y%m%dT%H%M%S%#z",
    ];
    const LOCAL: [&str; 5] = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
        "%Y%m%dT%H%M%S",
    ];
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let time = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc2822(text))
        .map(|time| time.to_utc())
        .ok()
        .or_else(|| {
            let parse = |form: &&str| DateTime::parse_from_str(text, form).ok();
            ZONED.iter().find_map(parse).map(|time| time.to_utc())
        })
        .or_else(|| {
            let parse = |form: &&str| NaiveDateTime::parse_from_str(text, form).ok();
            LOCAL.iter().find_map(parse).or_else(date).map(|time| time.and_utc())
        })
        .or_else(|| DateTime::<Utc>::from_timestamp(text.parse().ok()?, 0))?;
    let text = time.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    // Past the year 9999 an HTTP date has no form.
    (text.len() == "Tue, 01 Jan 2030 00:00:00 GMT".len()).then_some(text)
}

#[cfg(test)]
mod tests {
    use crate::core::site::http_date::http_date;

    #[test]
    fn dates_become_http_dates() {
        for text in [
            "2030-01-01T00:00:00Z",
            "2030-01-01T09:00:00+09:00",
            "2030-01-01T09:00:00+0900",
            "2030-01-01T00:00:00.000Z",
            "2030-01-01T00:00:00",
            "2030-01-01 00:00:00",
            "2030-01-01T00:00",
            "2030-01-01",
            "20300101T000000Z",
            "Tue, 01 Jan 2030 00:00:00 GMT",
            "1893456000",
        ] {
            assert_eq!(
                http_date(text).as_deref(),
                Some("Tue, 01 Jan 2030 00:00:00 GMT"),
                "{text}"
            );
        }
        for text in ["", "tomorrow", "2030-13-01", "1e9", "253402300800", "-99999999999999"] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
