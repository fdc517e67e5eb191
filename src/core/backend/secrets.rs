//! Which values must not be seen in a log, and how they are taken out of a text.

use regex_lite::Regex;

use crate::core::inputs::OptionSetting;
use crate::core::redactor::Redactor;
use crate::core::secret::names_a_secret;

/// Shorter lines of a secret would black out words.
const MIN_LENGTH: usize = 6;
/// Shorter values of properties with other names would too.
const MIN_VALUE: usize = 8;

/// Where the environment's own properties are.
const PROPERTIES: &str = "aws:elasticbeanstalk:application:environment";

/// Values that are replaced by `***` in whatever Elastic Beanstalk says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Redaction {
    values: Redactor,
}

impl Redaction {
    /// Hides `secrets`, and of the options' values those whose names say that they are secret, and those of 8
    /// characters and more of the environment's own properties.
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>, settings: &[OptionSetting]) -> Self {
        let of_settings = settings
            .iter()
            .filter(|setting| {
                names_a_secret(&setting.option_name)
                    || setting.namespace == PROPERTIES && setting.value.len() >= MIN_VALUE
            })
            .map(|setting| setting.value.clone());
        let mut values = Redactor::default();
        for secret in secrets.into_iter().chain(of_settings) {
            let lines = secret.lines().map(str::trim);
            for line in lines.filter(|line| line.len() >= MIN_LENGTH) {
                values.insert(line);
            }
        }
        Self { values }
    }

    /// `text` without the values, and without presigned URLs.
    pub(crate) fn clean(&self, text: &str) -> String {
        let presigned =
            Regex::new(r#"https?://[^\s"'<>]*[?&](?:X-Amz-[A-Za-z-]+|AWSAccessKeyId|Signature)=[^\s"'<>]*"#);
        let clean = match presigned {
            Ok(presigned) => presigned.replace_all(text, "(presigned URL)").into_owned(),
            Err(_) => text.to_owned(),
        };
        self.values.hide(&clean, 0).unwrap_or(clean)
    }
}

/// The values that the runner is told to mask everywhere: properties of 8 characters and more whose names say that they
/// are secret.
pub(crate) fn masked_values(settings: &[OptionSetting]) -> impl Iterator<Item = &str> {
    settings
        .iter()
        .filter(|setting| {
            setting.namespace == PROPERTIES && names_a_secret(&setting.option_name) && setting.value.len() >= MIN_VALUE
        })
        .map(|setting| setting.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &str, value: &str) -> OptionSetting {
        OptionSetting {
            namespace: PROPERTIES.to_owned(),
            option_name: name.to_owned(),
            value: value.to_owned(),
            resource_name: None,
        }
    }

    #[test]
    fn names_tell_which_properties_are_secret() {
        for name in [
            "DB_PASSWORD",
            "api_key",
            "GITHUB_TOKEN",
            "DATABASE_URL",
            "MONGO_URI",
            "SENTRY_DSN",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
        assert!(!names_a_secret("RAILS_ENV"));
    }

    #[test]
    fn secrets_and_presigned_urls_do_not_stay() {
        let text = "key wJalrXUtnFEMI at https://b.s3.amazonaws.com/k?X-Amz-Signature=abc&x=1 end";
        let redaction = Redaction::new(["wJalrXUtnFEMI".to_owned(), "at".to_owned()], &[]);
        assert_eq!(redaction.clean(text), "key *** at (presigned URL) end");
    }

    #[test]
    fn long_values_of_properties_are_hidden_and_those_of_other_options_are_not() {
        let policy = OptionSetting {
            namespace: "aws:elasticbeanstalk:command".to_owned(),
            ..property("DeploymentPolicy", "AllAtOnce")
        };
        let settings = [
            property("TENANT", "tenant-4711"),
            property("STAGE", "failed"),
            property("DB_PASSWORD", "hunter2"),
            property("URI", "mongodb://tenant-4711@db"),
            policy,
        ];
        let redaction = Redaction::new([], &settings);
        assert_eq!(
            redaction.clean("failed: tenant-4711 hunter2 mongodb://tenant-4711@db AllAtOnce"),
            "failed: *** *** *** AllAtOnce"
        );
        assert_eq!(
            masked_values(&settings).collect::<Vec<_>>(),
            ["mongodb://tenant-4711@db"]
        );
    }
}
