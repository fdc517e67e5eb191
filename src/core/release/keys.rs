//! The lists of keys beside a record's head: gzip, one JSON object a line.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use anyhow::Context as _;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::release::kept::KeptRecords;

/// The most bytes of a list; compressed it is much smaller, and a small one may become endless.
const MAX_BYTES: usize = 48 * 1024 * 1024;
/// The most keys of a list.
const MAX_KEYS: usize = 300_000;
/// The most bytes of a line: the longest key takes 6 bytes a byte when all of it is escaped.
const MAX_LINE_BYTES: u64 = 8 * 1024;

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

/// Reads a stored list, which counts among `kept`.
///
/// # Errors
/// It is no such list, its end is missing, it is larger than any of ours, or there is too much with it.
pub(crate) fn unpack<T: DeserializeOwned>(bytes: &[u8], kept: &KeptRecords) -> anyhow::Result<Vec<T>> {
    let mut taken = 0;
    read(bytes, |length| {
        taken += kept.take_line::<T>(length)?;
        Ok(())
    })
    .inspect_err(|_| kept.give_lines(taken))
}

fn read<T: DeserializeOwned>(
    bytes: &[u8],
    mut take: impl FnMut(usize) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<T>> {
    let mut reader = BufReader::new(GzDecoder::new(bytes));
    let mut keys = Vec::new();
    let (mut read, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let length = (&mut reader)
            .take(MAX_LINE_BYTES + 1)
            .read_until(b'\n', &mut line)
            .context("it is no list of keys")?;
        if length == 0 {
            return Ok(keys);
        }
        read += length;
        anyhow::ensure!(
            length as u64 <= MAX_LINE_BYTES && read <= MAX_BYTES && keys.len() < MAX_KEYS,
            "it is larger than a list of keys may be"
        );
        take(length)?;
        keys.push(serde_json::from_slice(&line).context("it is no list of keys")?);
    }
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
                perhaps: false,
            })
            .collect();
        let packed = pack(&keys).expect("packed");
        assert!(packed.len() < 3_000_000, "{} bytes", packed.len());
        assert_eq!(
            unpack::<KeyChange>(&packed, &KeptRecords::default()).expect("unpacked"),
            keys
        );
    }

    #[test]
    fn a_list_that_would_fill_the_memory_is_refused() {
        let endless = {
            let mut out = GzEncoder::new(Vec::new(), Compression::best());
            let zeros = vec![b'0'; 1024 * 1024];
            (0..200).for_each(|_| out.write_all(&zeros).expect("memory"));
            out.finish().expect("gzip")
        };
        assert!(endless.len() < 1024 * 1024);
        let many = pack(&vec![0; MAX_KEYS + 1]).expect("packed");
        for bytes in [endless, many] {
            let error = unpack::<u64>(&bytes, &KeptRecords::default()).expect_err("too large");
            assert_eq!(error.to_string(), "it is larger than a list of keys may be");
        }
    }

    #[test]
    fn a_list_that_was_cut_off_is_an_error() {
        let keys: Vec<KeyChange> = (0..1000)
            .map(|n| KeyChange::written(&format!("k{n}"), Reason::New, None))
            .collect();
        let packed = pack(&keys).expect("packed");
        assert_eq!(
            unpack::<KeyChange>(&packed, &KeptRecords::default()).expect("unpacked"),
            keys
        );
        assert!(unpack::<KeyChange>(&packed[..packed.len() / 2], &KeptRecords::default()).is_err());
        assert!(unpack::<KeyChange>(b"no gzip", &KeptRecords::default()).is_err());
    }
}
