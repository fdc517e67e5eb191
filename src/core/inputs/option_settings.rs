//! `option-settings`: JSON, inline or in a file.

use serde_json::error::Category;

use crate::core::context::RunContext;
use crate::core::inputs::paths::read_text;
use crate::core::inputs::reader::Reader;

/// One option setting, as in the [Elastic Beanstalk API].
///
/// [Elastic Beanstalk API]: https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ConfigurationOptionSetting.html
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct OptionSetting {
    /// Such as `aws:elasticbeanstalk:application:environment`.
    pub(crate) namespace: String,
    /// The option's name.
    pub(crate) option_name: String,
    /// Its value.
    pub(crate) value: String,
    /// For resource-specific options.
    #[serde(default)]
    pub(crate) resource_name: Option<String>,
}

/// Reads `option-settings`. Its values may be secrets, so no error repeats any of it.
pub(crate) fn read(reader: &mut Reader<'_>, context: &RunContext) -> Vec<OptionSetting> {
    const FORM: &str = "an array of objects with `Namespace`, `OptionName` and `Value`, all strings";
    let Some(text) = reader.owned("option-settings") else {
        return Vec::new();
    };
    if !text.starts_with('[') && text.contains(['{', '"', '\n']) {
        reader
            .errors
            .push(format!("`option-settings` does not begin with `[`: it must be {FORM}"));
        return Vec::new();
    }
    let (origin, json) = if text.starts_with('[') {
        ("`option-settings`", text)
    } else {
        match read_text(reader.files, context, &text) {
            Ok(json) => ("the file that `option-settings` names", json),
            // A value that was taken for a path is not repeated either.
            Err(error) if is_path(&text) => {
                reader.errors.push(format!(
                    "`option-settings` names a file that cannot be read in the workspace: {error}"
                ));
                return Vec::new();
            }
            Err(_) => {
                reader.errors.push(
                    "`option-settings` is neither a JSON array nor the path of a file that can be read".to_owned(),
                );
                return Vec::new();
            }
        }
    };
    serde_json::from_str(&json).unwrap_or_else(|error| {
        reader
            .errors
            .push(format!("{origin} {}; it must be {FORM}", position(&error)));
        Vec::new()
    })
}

/// Whether `text` looks like the path of a JSON file, not like a value.
fn is_path(text: &str) -> bool {
    text.ends_with(".json") && text.len() <= 255 && !text.contains([' ', '='])
}

/// Where it is wrong: a name is as much a secret as a value, for the two are easily taken for each other.
fn position(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Data => "is not what it must be",
        Category::Eof => "ends too early",
        Category::Syntax | Category::Io => "is not JSON",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}
