//! Ready archives: a look into them before they are taken as they are.
//!
//! Every entry of the central directory is read, for a library that keeps entries by name shows only the last of two with
//! the same one. Format: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, 4.3.12.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use zip::ZipArchive;

use crate::core::error::HintExt as _;

/// What the central directory says of an entry begins so.
const SIGNATURE: [u8; 4] = *b"PK\x01\x02";
/// Its fixed part.
const HEADER: usize = 46;
/// The systems whose external attributes hold a Unix mode: Unix and OS X.
const UNIX: [u8; 2] = [3, 19];
/// The kind of file in a Unix mode: that of a symbolic link, and those of a directory and a file, or none at all.
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
const PLAIN: [u32; 3] = [0o040_000, 0o100_000, 0];
/// What stands before an entry's content begins so.
const LOCAL_SIGNATURE: [u8; 4] = *b"PK\x03\x04";
/// Its fixed part.
const LOCAL_HEADER: usize = 30;
/// Stands for a number that is in the extra field of ZIP64, whose id is 1 (4.5.3).
const IN_ZIP64: u32 = u32::MAX;
/// The longest target of a link that Linux takes.
const MAX_TARGET: u64 = 4096;
/// How many links a path may lead through, as on Linux.
const MAX_LINKS: u32 = 40;

/// What a ready archive holds.
#[derive(Debug)]
pub(crate) struct Contents {
    /// Files and links.
    pub(crate) files: u64,
    /// All names, directories with a `/` at the end.
    pub(crate) names: Vec<String>,
    /// The `Procfile` at the top, when there is one.
    pub(crate) procfile: Option<Vec<u8>>,
}

/// Looks into the ready archive `file` at `path`.
///
/// # Errors
/// It is no readable ZIP file, an entry or link leads out of it, or a name is there twice.
pub(crate) fn check(file: impl Read + Seek, path: &Path) -> anyhow::Result<Contents> {
    let shown = path.display();
    let unreadable = || format!("cannot use `{shown}` as a bundle: it is not a readable ZIP file");
    let again = "make it again, and check that the step before did not cut or convert it";
    let mut file = BufReader::new(file);
    let mut archive = ZipArchive::new(&mut file).with_context(unreadable).hint(again)?;
    let (start, offset) = (archive.central_directory_start(), archive.offset());
    let procfile = read_entry(&mut archive, "Procfile", 64 * 1024)
        .with_context(|| format!("cannot read `Procfile` in `{shown}`"))?;
    drop(archive);
    let entries = entries(&mut file, start).with_context(unreadable).hint(again)?;
    let other = first_other_name(&mut file, offset, &entries)
        .with_context(unreadable)
        .hint(again)?;
    if let Some(why) = first_conflict(&entries).or(other) {
        return Err(anyhow!("cannot use `{shown}` as a bundle: {why}"))
            .hint("make the archive again inside the application's directory, with relative names, each once");
    }
    if entries.iter().any(|entry| entry.is_link) {
        let mut archive = ZipArchive::new(&mut file).with_context(unreadable).hint(again)?;
        let links = links(&mut archive, &entries).with_context(unreadable)?;
        if let Some((link, target)) = links.iter().find(|(link, _)| leads_out_by_link(link, &links)) {
            return Err(anyhow!(
                "cannot use `{shown}` as a bundle: its link `{link}` points to `{target}`, out of the archive"
            ))
            .hint("replace the link by a copy of its target");
        }
    }
    let mut names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
    names.sort();
    Ok(Contents {
        files: names.iter().filter(|name| !name.ends_with('/')).count() as u64,
        names,
        procfile,
    })
}

/// An entry of the central directory.
#[derive(Debug)]
struct ReadyEntry {
    name: String,
    is_link: bool,
    /// Neither a file, a directory nor a link.
    is_special: bool,
    /// Where its content begins, from the start of the archive, and its name there.
    local: u64,
    raw_name: Vec<u8>,
}

fn entries(file: &mut (impl Read + Seek), start: u64) -> anyhow::Result<Vec<ReadyEntry>> {
    file.seek(SeekFrom::Start(start))?;
    let mut entries = Vec::new();
    let mut header = [0; HEADER];
    loop {
        file.read_exact(&mut header[..4])?;
        if header[..4] != SIGNATURE {
            return Ok(entries);
        }
        file.read_exact(&mut header[4..])?;
        let short = |position: usize| usize::from(u16::from_le_bytes([header[position], header[position + 1]]));
        let mode = u32::from(u16::from_le_bytes([header[40], header[41]]));
        let mut name = vec![0; short(28)];
        file.read_exact(&mut name)?;
        let mut extra = vec![0; short(30)];
        file.read_exact(&mut extra)?;
        file.seek(SeekFrom::Current(i64::try_from(short(32))?))?;
        let is_unix = UNIX.contains(&header[5]);
        entries.push(ReadyEntry {
            name: String::from_utf8_lossy(&name).into_owned(),
            is_link: is_unix && mode & KIND == LINK,
            is_special: is_unix && mode & KIND != LINK && !PLAIN.contains(&(mode & KIND)),
            local: local_offset(&header, &extra),
            raw_name: name,
        });
    }
}

/// Where an entry's own header is, by the central directory's `header` and its `extra` fields.
fn local_offset(header: &[u8; HEADER], extra: &[u8]) -> u64 {
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let offset = number(42);
    if offset != IN_ZIP64 {
        return u64::from(offset);
    }
    // Both sizes come before it, each only if it does not fit.
    let before = [24, 20].into_iter().filter(|&at| number(at) == IN_ZIP64).count() * 8;
    let mut rest = extra;
    while let [id, id_high, length, length_high, data @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*length, *length_high]));
        if u16::from_le_bytes([*id, *id_high]) == 1 {
            let bytes = data.get(before..before + 8).and_then(|bytes| bytes.try_into().ok());
            return bytes.map_or(u64::MAX, u64::from_le_bytes);
        }
        rest = data.get(length..).unwrap_or_default();
    }
    u64::MAX
}

/// An entry that is called otherwise where its content is: who unpacks without the central directory sees that name.
fn first_other_name(
    file: &mut (impl Read + Seek),
    offset: u64,
    entries: &[ReadyEntry],
) -> anyhow::Result<Option<String>> {
    let mut header = [0; LOCAL_HEADER];
    for entry in entries {
        let at = entry.local.checked_add(offset).context("an entry is nowhere")?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut header)?;
        let mut name = vec![0; usize::from(u16::from_le_bytes([header[26], header[27]]))];
        file.read_exact(&mut name)?;
        if header[..4] != LOCAL_SIGNATURE || name != entry.raw_name {
            let (one, two) = (shortened(&entry.name), String::from_utf8_lossy(&name).into_owned());
            let two = shortened(&two);
            return Ok(Some(format!(
                "its entry `{one}` is called `{two}` where its content is"
            )));
        }
    }
    Ok(None)
}

/// What is wrong with the names: one leads out, or two are one.
fn first_conflict(entries: &[ReadyEntry]) -> Option<String> {
    let mut seen: BTreeMap<String, bool> = BTreeMap::new();
    for (position, ReadyEntry { name, is_special, .. }) in entries.iter().enumerate() {
        if name.is_empty() {
            return Some(format!("its entry {} of {} has no name", position + 1, entries.len()));
        }
        if *is_special {
            return Some(format!(
                "its entry `{}` is a pipe, a socket or a device",
                shortened(name)
            ));
        }
        if leads_out(name) {
            return Some(format!("its entry `{}` leads out of it", shortened(name)));
        }
        let is_directory = name.ends_with('/');
        let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.is_empty() && !is_directory {
            return Some(format!("its entry `{}` is no name of a file", shortened(name)));
        }
        // A directory that is there twice is one directory.
        if let Some(was_directory) = seen.insert(parts.join("/"), is_directory)
            && !(was_directory && is_directory)
        {
            return Some(format!("it holds `{}` twice", shortened(name)));
        }
    }
    None
}

/// Whether unpacking an entry of this name could write outside of the directory it is unpacked in.
fn leads_out(name: &str) -> bool {
    is_absolute(name) || name.split(['/', '\\']).any(|part| part == "..")
}

/// Whether `path` begins at a root, on Linux or on Windows: platforms of both take bundles.
fn is_absolute(path: &str) -> bool {
    let drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    drive || path.starts_with(['/', '\\'])
}

/// Whether the target of a link leads up by what separates names on Windows alone.
fn leads_up_on_windows(target: &str) -> bool {
    target.contains('\\') && target.split(['/', '\\']).any(|part| part == "..")
}

fn shortened(name: &str) -> String {
    name.chars().take(200).collect()
}

/// The links by name, with their targets.
fn links<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    entries: &[ReadyEntry],
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut links = BTreeMap::new();
    for (position, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.is_link) {
        let mut target = String::new();
        archive
            .by_index(position)?
            .take(MAX_TARGET + 1)
            .read_to_string(&mut target)
            .with_context(|| format!("cannot read the link `{}`", shortened(&entry.name)))?;
        if target.len() as u64 > MAX_TARGET {
            bail!("the target of the link `{}` is too long", shortened(&entry.name));
        }
        links.insert(entry.name.trim_start_matches("./").to_owned(), target);
    }
    Ok(links)
}

/// Whether following the link `path` leads out of the archive, through other links too.
fn leads_out_by_link(path: &str, links: &BTreeMap<String, String>) -> bool {
    let mut pending: Vec<&str> = path.split('/').rev().collect();
    let mut resolved: Vec<&str> = Vec::new();
    let mut followed = 0;
    while let Some(part) = pending.pop() {
        match part {
            "" | "." => {}
            ".." => {
                if resolved.pop().is_none() {
                    return true;
                }
            }
            part => {
                resolved.push(part);
                let Some(target) = links.get(&resolved.join("/")) else {
                    continue;
                };
                followed += 1;
                if is_absolute(target) || leads_up_on_windows(target) {
                    return true;
                }
                if followed > MAX_LINKS {
                    // A circle: it leads nowhere.
                    return false;
                }
                resolved.pop();
                pending.extend(target.split('/').rev());
            }
        }
    }
    false
}

/// The first bytes of the entry `name`, when there is one.
fn read_entry<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
    let Ok(entry) = archive.by_name(name) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    entry.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_or_are_there_twice_are_told() {
        let conflict = |names: &[&str]| {
            let entry = |name: &&str| ReadyEntry {
                name: (*name).to_owned(),
                is_link: false,
                is_special: false,
                local: 0,
                raw_name: Vec::new(),
            };
            first_conflict(&names.iter().map(entry).collect::<Vec<_>>())
        };
        for fine in [&["a", "b/", "b/", "b/a"][..], &["c:a", "..a", "a..", "./x"]] {
            assert_eq!(conflict(fine), None, "{fine:?}");
        }
        for wrong in [
            &["a", "a"][..],
            &["a", "./a"],
            &["a/b", "a//b"],
            &["a", "a/"],
            &["/a"],
            &["\\a"],
            &["a/../../b"],
            &["C:\\a"],
            &["C:/a"],
            &["\\\\server\\share\\a"],
            &[""],
            &["a", ""],
            &["."],
        ] {
            assert!(conflict(wrong).is_some(), "{wrong:?}");
        }
        assert_eq!(conflict(&[&"/".repeat(200_000)[1..].replacen('/', "a", 1)]), None);
    }

    #[test]
    fn links_are_followed_through_links() {
        let links: BTreeMap<String, String> = [
            ("same", "."),
            ("up", "a/b/../.."),
            ("out", "same/same/../x"),
            ("a/deep", "../../x"),
            ("absolute", "/etc"),
            ("drive", "C:\\x"),
            ("slashes", "c:/x"),
            ("root", "\\x"),
            ("share", "\\\\server\\x"),
            ("back", "a\\..\\..\\x"),
            ("name", "a\\b"),
            ("fine", "a/c"),
            ("circle", "circle"),
        ]
        .into_iter()
        .map(|(link, target)| (link.to_owned(), target.to_owned()))
        .collect();
        for (link, expected) in [
            ("same", false),
            ("up", false),
            ("out", true),
            ("a/deep", true),
            ("absolute", true),
            ("drive", true),
            ("slashes", true),
            ("root", true),
            ("share", true),
            ("back", true),
            ("name", false),
            ("fine", false),
            ("circle", false),
        ] {
            assert_eq!(leads_out_by_link(link, &links), expected, "{link}");
        }
    }
}
