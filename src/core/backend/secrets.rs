//! Which values must not be seen in a log, and how they are taken out of a text.

use regex_lite::Regex;

use crate::core::inputs::OptionSetting;

/// Shorter ones would black out words.
const MIN_LENGTH: usize = 6;

/// Words that name a secret.
const SECRET_WORDS: [&str; 9] = [
    "SECRET",
    "PASS",
    "TOKEN",
    "KEY",
    "CRED",
    "PRIVATE",
    "AUTH",
    "DSN",
    "DATABASE_URL",
];

/// The values of options whose names say that they are secret.
pub(crate) fn secret_values(settings: &[OptionSetting]) -> impl Iterator<Item = &str> {
    settings
        .iter()
        .filter(|setting| is_secret(&setting.option_name))
        .map(|setting| setting.value.as_str())
}

/// Replaces `secrets` and presigned URLs in `text`.
pub(crate) fn redact(text: &str, secrets: &[String]) -> String {
    let presigned = Regex::new(r#"https?://[^\s"'<>]*[?&](?:X-Amz-[A-Za-z-]+|AWSAccessKeyId|Signature)=[^\s"'<>]*"#);
    let mut clean = match presigned {
        Ok(presigned) => presigned.replace_all(text, "(presigned URL)").into_owned(),
        Err(_) => text.to_owned(),
    };
    for secret in secrets {
        for line in secret.lines().map(str::trim).filter(|line| line.len() >= MIN_LENGTH) {
            clean = clean.replace(line, "***");
        }
    }
    clean
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_which_properties_are_secret() {
        for name in ["DB_PASSWORD", "api_key", "GITHUB_TOKEN", "DATABASE_URL"] {
            assert!(is_secret(name), "{name}");
        }
        assert!(!is_secret("RAILS_ENV"));
    }

    #[test]
    fn secrets_and_presigned_urls_do_not_stay() {
        let text = "key wJalrXUtnFEMI at https://b.s3.amazonaws.com/k?X-Amz-Signature=abc&x=1 end";
        assert_eq!(
            redact(text, &["wJalrXUtnFEMI".to_owned(), "at".to_owned()]),
            "key *** at (presigned URL) end"
        );
    }
}
