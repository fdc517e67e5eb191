//! The fuzz targets of `fuzz/`, asked what they do with their seeds: they are built with another compiler, and must fit the
//! parsers all the same.

#[expect(unreachable_pub, reason = "the fuzz crate exports them")]
#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 10] = [
    ("archive", targets::archive),
    ("args", targets::args),
    ("headers", targets::headers),
    ("ignore", targets::ignore),
    ("inputs", targets::inputs),
    ("invalidations", targets::invalidations),
    ("label", targets::label),
    ("patterns", targets::patterns),
    ("records", targets::records),
    ("texts", targets::texts),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a file")
}

fn names_in(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(directory)).expect("a directory");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn every_fuzz_target_fits_the_parsers_and_takes_its_seeds() {
    for (name, target) in TARGETS {
        let seeds = names_in(&format!("fuzz/seeds/{name}"));
        assert!(!seeds.is_empty(), "{name} has no seed");
        for seed in seeds {
            target(&fs::read(&seed).expect("a seed"));
        }
    }
}

#[test]
fn cargo_fuzz_knows_the_same_targets() {
    let ours: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let files: BTreeSet<String> = names_in("fuzz/fuzz_targets")
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    assert_eq!(files, ours);
    let manifest = read("fuzz/Cargo.toml");
    let exported = read("fuzz/src/lib.rs");
    let exported = exported
        .split_once("pub use targets::{")
        .and_then(|(_, rest)| rest.split_once('}'));
    let exported: BTreeSet<String> = exported
        .expect("what is exported")
        .0
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(exported, ours);
    for (name, _) in TARGETS {
        let entry = format!("[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n");
        assert!(manifest.contains(&entry), "{name} is no [[bin]] of fuzz/Cargo.toml");
        let call = format!("aws_web_deploy_fuzz::{name}(data)");
        assert!(read(&format!("fuzz/fuzz_targets/{name}.rs")).contains(&call), "{name}");
    }
}

/// `core` is mounted into the fuzz crate, which has to know each crate that it uses.
#[test]
fn the_fuzz_crate_has_the_dependencies_of_core() {
    fn sources(directory: &Path, text: &mut String) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => sources(&path, text),
                false => text.push_str(&fs::read_to_string(&path).expect("a source file")),
            }
        }
    }
    let mut core = String::new();
    sources(&root().join("src/core"), &mut core);
    let (main, fuzz) = (read("Cargo.toml"), read("fuzz/Cargo.toml"));
    let section = main.split_once("[dependencies]\n").map(|(_, rest)| rest);
    let section = section.and_then(|rest| rest.split("\n[").next()).expect("dependencies");
    let mut used = 0;
    for line in section.lines() {
        let Some((name, _)) = line.split_once(" = ").filter(|(name, _)| !name.starts_with('#')) else {
            continue;
        };
        let is_used = ['_', '\0'].iter().any(|joint| {
            let ident: String = name
                .chars()
                .map(|c| if c == '-' { *joint } else { c })
                .filter(|c| *c != '\0')
                .collect();
            core.contains(&format!(" {ident}::")) || core.contains(&format!("({ident}::"))
        });
        if is_used {
            used += 1;
            assert!(
                fuzz.lines().any(|other| other == line),
                "fuzz/Cargo.toml lacks `{line}`"
            );
        }
    }
    assert!(used > 10, "{used} crates are used");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn every_fuzz_target_takes_any_bytes(data in any::<Vec<u8>>(), text in "[-a-z0-9*?\\[\\]{}!#%&'\"\\\\/.:;,=~<>| \t\r\n\u{0}é]{0,80}") {
        for (_, target) in TARGETS {
            target(&data);
            target(text.as_bytes());
        }
    }
}
