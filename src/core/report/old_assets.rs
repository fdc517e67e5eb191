//! Old assets in a report: which stay, and until when.

use chrono::{DateTime, SecondsFormat};

use crate::core::report::RetiredReport;
use crate::core::site::retirement::KeptKey;
use crate::core::text::count;

/// Those of `kept` that this run decides about.
#[must_use]
pub(crate) fn retired<'k>(kept: impl Iterator<Item = &'k KeptKey>) -> Vec<RetiredReport> {
    let with_time = kept.filter_map(|kept| {
        Some(RetiredReport {
            key: kept.asset.key.clone(),
            until: time(kept.until?)?,
        })
    });
    with_time.collect()
}

/// `3 old assets kept until 2026-12-05`; `None` when there are none.
#[must_use]
pub(crate) fn kept_until(retired: &[RetiredReport]) -> Option<String> {
    let dates = || retired.iter().filter_map(|asset| asset.until.get(..10));
    let (first, last) = (dates().min()?, dates().max()?);
    let at_the_latest = if first == last { "" } else { " at the latest" };
    Some(format!(
        "{} kept until {last}{at_the_latest}",
        count(retired.len(), "old asset")
    ))
}

/// RFC 3339, UTC, of seconds since 1970.
fn time(seconds: i64) -> Option<String> {
    let time = DateTime::from_timestamp(seconds, 0)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::site::retirement::RetiredKey;

    fn kept(key: &str, until: Option<i64>) -> KeptKey {
        KeptKey {
            asset: RetiredKey {
                key: key.into(),
                since: 0,
                seen: None,
                foreign: false,
            },
            until,
            is_new: true,
        }
    }

    #[test]
    fn the_last_day_is_said() {
        let assets = [
            kept("a", Some(1_796_500_000)),
            kept("b", Some(1_796_500_001)),
            kept("c", Some(1_796_600_000)),
            kept("foreign", None),
            kept("endless", Some(i64::MAX)),
        ];
        let listed = retired(assets.iter());
        assert_eq!(listed.len(), 3);
        assert_eq!(listed[0].until, "2026-12-05T19:46:40Z");
        for (number, expected) in [
            (1, "1 old asset kept until 2026-12-05"),
            (2, "2 old assets kept until 2026-12-05"),
            (3, "3 old assets kept until 2026-12-06 at the latest"),
        ] {
            assert_eq!(kept_until(&listed[..number]).as_deref(), Some(expected));
        }
        assert_eq!(kept_until(&[]), None);
    }
}
