//! Which values must not be seen in a log, and how they are taken out of a text.

use regex_lite::Regex;

use crate::core::backend::secret_parts::secret_parts;
use crate::core::inputs::OptionSetting;
use crate::core::redactor::Redactor;
use crate::core::secret::names_a_secret;

/// Shorter lines of a secret are taken out where they stand alone: in the middle of words they would black out half of
/// the log.
const MIN_LENGTH: usize = 6;
/// Shorter values of properties with other names would too.
const MIN_VALUE: usize = 8;

/// What variables are set to that only switch something on or off: these are words, whatever the variable is called.
const SWITCHES: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "null", "none", "0", "1"];

/// Where the environment's own properties are.
const PROPERTIES: &str = "aws:elasticbeanstalk:application:environment";

/// Values that are replaced by `***` in whatever Elastic Beanstalk says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Redaction {
    values: Redactor,
}

impl Redaction {
    /// Hides `secrets`, and of the options' values those whose names say that they are secret, those of 8 characters and
    /// more of the environment's own properties, and the passwords inside of these.
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>, settings: &[OptionSetting]) -> Self {
        let mut all: Vec<(String, bool)> = secrets.into_iter().map(|secret| (secret, true)).collect();
        for setting in settings {
            let (is_own, is_secret) = (setting.namespace == PROPERTIES, names_a_secret(&setting.option_name));
            if is_secret || is_own && setting.value.len() >= MIN_VALUE {
                // Short ones of other options are names, such as that of a key pair.
                let words = is_secret && is_own || setting.option_name.ends_with("Password");
                all.push((setting.value.clone(), words));
            }
            if is_own {
                let parts = secret_parts(&setting.option_name, &setting.value);
                all.extend(parts.into_iter().map(|part| (part, true)));
            }
        }
        let mut values = Redactor::default();
        let mut short = Vec::new();
        for (secret, words) in &all {
            for line in secret.lines().map(str::trim) {
                if line.len() >= MIN_LENGTH {
                    values.insert(line);
                } else if *words && !SWITCHES.contains(&line.to_ascii_lowercase().as_str()) {
                    short.push(line);
                }
            }
        }
        short.into_iter().for_each(|word| values.insert_word(word));
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
/// are secret, and passwords of 8 characters and more inside of properties.
pub(crate) fn masked_values(settings: &[OptionSetting]) -> Vec<String> {
    let mut masked = Vec::new();
    for setting in settings.iter().filter(|setting| setting.namespace == PROPERTIES) {
        if names_a_secret(&setting.option_name) {
            masked.push(setting.value.clone());
        }
        masked.extend(secret_parts(&setting.option_name, &setting.value));
    }
    masked.retain(|value| value.len() >= MIN_VALUE);
    masked
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
        assert_eq!(redaction.clean(text), "key *** *** (presigned URL) end");
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
        assert_eq!(masked_values(&settings), ["mongodb://tenant-4711@db", "tenant-4711"]);
    }

    #[test]
    fn short_secrets_and_passwords_inside_of_values_are_not_shown_either() {
        let key_pair = OptionSetting {
            namespace: "aws:autoscaling:launchconfiguration".to_owned(),
            ..property("EC2KeyName", "dev")
        };
        let settings = [
            property("TOKEN_PIN", "1234"),
            property("JWT_SECRET", "abc"),
            property("AUTH_ON", "true"),
            property("DB", "postgres://usr:Dbpw9876543@db.host/x"),
            property("CONFIG", r#"{"password": "pw1"}"#),
            property("MODE", "live"),
            key_pair,
        ];
        let redaction = Redaction::new([], &settings);
        for (text, expected) in [
            ("pin <1234>, \"1234\", 12345, v1234", "pin <***>, \"***\", 12345, v1234"),
            ("abc abcd pin=abc\\nabc%20abc", "*** abcd pin=***\\n***%20***"),
            ("true live dev-env", "true live dev-env"),
            ("usr with Dbpw9876543 at x", "usr with *** at x"),
            ("postgres://usr:Dbpw9876543@db.host/x", "***"),
            ("{\"p\":\"pw1\"}", "{\"p\":\"***\"}"),
        ] {
            assert_eq!(redaction.clean(text), expected);
        }
        assert_eq!(masked_values(&settings), ["Dbpw9876543"]);
    }
}
