//! The lists of keys beside a record's head: gzip, one JSON object a line.

use std::io::{BufRead as _, BufReader, Write as _};

use anyhow::Context as _;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The list as it is stored.
///
/// # Errors
/// None in practice: all of it can be JSON.
pub(crate) fn pack<T: Serialize>(lines: &[T]) -> anyhow::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    for line in lines {
        let line = serde_json::to_vec(&line).context("cannot write a list of keys as JSON")?;
        out.write_all(&line)
            .and_then(|()| out.write_all(b"\n"))
            .context("cannot compress a list of keys")?;
    }
    out.finish().context("cannot compress a list of keys")
}

/// Reads a stored list.
///
/// # Errors
/// It is no such list, or its end is missing.
pub(crate) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> anyhow::Result<Vec<T>> {
    BufReader::new(GzDecoder::new(bytes))
        .lines()
        .map(|line| {
            let line = line.context("it is no list of keys")?;
            serde_json::from_str(&line).context("it is no list of keys")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::site::key_change::{KeyChange, KeyOperation};
    use crate::core::site::plan::Reason;

    #[test]
    fn a_hundred_thousand_keys_come_back_and_take_little() {
        let keys: Vec<KeyChange> = (0..100_000)
            .map(|n| KeyChange {
                key: format!("docs/chapter-{}/page \"{n}\"\n.html", n % 97),
                operation: if n % 5 == 0 {
                    KeyOperation::Deleted
                } else {
                    KeyOperation::Written
                },
                version_id: (n % 2 == 0).then(|| format!("{:032x}", n * 7919)),
                existed: Some(n % 3 == 0),
            })
            .collect();
        let packed = pack(&keys).expect("packed");
        assert!(packed.len() < 3_000_000, "{} bytes", packed.len());
        assert_eq!(unpack::<KeyChange>(&packed).expect("unpacked"), keys);
    }

    #[test]
    fn a_list_that_was_cut_off_is_an_error() {
        let keys: Vec<KeyChange> = (0..1000)
            .map(|n| KeyChange::written(&format!("k{n}"), Reason::New, None))
            .collect();
        let packed = pack(&keys).expect("packed");
        assert_eq!(unpack::<KeyChange>(&packed).expect("unpacked"), keys);
        assert!(unpack::<KeyChange>(&packed[..packed.len() / 2]).is_err());
        assert!(unpack::<KeyChange>(b"no gzip").is_err());
    }
}
