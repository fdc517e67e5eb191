//! The keys under which bundles are stored.

use sha2::{Digest as _, Sha256};

use crate::core::site::etag::hex;

/// What a bundle's file name can end with.
pub(crate) const EXTENSIONS: [&str; 3] = ["zip", "war", "jar"];

/// The object metadata that holds the bundle's SHA-256.
pub(crate) const DIGEST: &str = "sha256";

/// Files that Elastic Beanstalk's Docker platforms deploy by themselves
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/docker-configuration.html>).
pub(crate) const LONE_FILES: [&str; 2] = ["Dockerrun.aws.json", "docker-compose.yml"];

/// The key of a bundle: `<application>/<label>.<extension>`.
///
/// What does not belong in a key becomes `-`; such a name gets a part of its own digest, for two labels must not
/// become one key.
#[must_use]
pub(crate) fn key(application: &str, label: &str, extension: &str) -> String {
    format!("{}/{}.{extension}", key_part(application), key_part(label))
}

/// The key for a bundle of this SHA-256 whose own key is taken: `<application>/<label>-<digest>.<extension>`.
#[must_use]
pub(crate) fn key_of_digest(key: &str, sha256: &str) -> String {
    let digest: String = sha256.chars().take(16).collect();
    match key.rsplit_once('.') {
        Some((name, extension)) => format!("{name}-{digest}.{extension}"),
        None => format!("{key}-{digest}"),
    }
}

/// The folder and the stem of a key that looks like that of a bundle: `<folder>/<stem>.zip`.
#[must_use]
pub(crate) fn parts_of_bundle(key: &str) -> Option<(&str, &str)> {
    let (folder, name) = key.split_once('/').filter(|(_, name)| !name.contains('/'))?;
    let (stem, extension) = name.rsplit_once('.')?;
    EXTENSIONS.contains(&extension).then_some((folder, stem))
}

/// `name`, of an application or of a version, as it stands in the keys of bundles.
#[must_use]
pub(crate) fn key_part(name: &str) -> String {
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html#object-key-guidelines-safe-characters
    let is_safe = |character: char| character.is_ascii_alphanumeric() || "!-_.*'()".contains(character);
    let clean: String = name
        .chars()
        .map(|character| if is_safe(character) { character } else { '-' })
        .collect();
    if clean == name && !name.chars().all(|character| character == '.') {
        return clean;
    }
    format!("{clean}-{}", &hex(&Sha256::digest(name))[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_known_by_its_key() {
        for application in ["my-app", "my app"] {
            let key = key(application, "v 1.2", "war");
            assert_eq!(
                parts_of_bundle(&key),
                Some((&*key_part(application), &*key_part("v 1.2")))
            );
        }
        for other in ["my-app/a.html", "my-app/b/c.zip", "my-app.zip", "my-app/zip"] {
            assert_eq!(parts_of_bundle(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_that_is_taken_gets_the_digest() {
        let key = key_of_digest("web/v1.2.zip", &"0123456789abcdef".repeat(4));
        assert_eq!(key, "web/v1.2-0123456789abcdef.zip");
        assert_eq!(parts_of_bundle(&key), Some(("web", "v1.2-0123456789abcdef")));
    }

    #[test]
    fn keys_are_safe_and_never_collide() {
        assert_eq!(key("web", "v1.2-3_4", "zip"), "web/v1.2-3_4.zip");
        let spaced = key("My App", "v 1", "jar");
        assert!(spaced.starts_with("My-App-") && spaced.ends_with(".jar"), "{spaced}");
        assert_ne!(key("web", "v 1", "zip"), key("web", "v+1", "zip"));
        assert_ne!(key("web", "v 1", "zip"), key("web", "v-1", "zip"));
        assert!(!key("..", "v1", "zip").starts_with("../"));
    }
}
