//! Secrets inside of a value: the password of an address or of a connection string, what JSON calls a secret. Programs
//! print them alone.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::core::secret::names_a_secret;

/// Shorter pieces without a name of their own are words.
const MIN_PIECE: usize = 8;
/// How deep JSON in JSON is looked into.
const MAX_DEPTH: usize = 4;
/// What ends an address in a text.
const ENDS: [char; 6] = ['"', '\'', '<', '>', '`', '\\'];

/// The secrets inside of `value`, the value of what is called `name`: as they are, and decoded.
pub(crate) fn secret_parts(name: &str, value: &str) -> Vec<String> {
    let mut parts = SecretParts::default();
    parts.look_into(value, names_a_secret(name), 0);
    parts.0.retain(|part| part != value);
    parts.0
}

#[derive(Default)]
struct SecretParts(Vec<String>);

impl SecretParts {
    /// Looks into a text that is a secret itself where `is_secret`.
    fn look_into(&mut self, text: &str, is_secret: bool, depth: usize) {
        let text = text.trim();
        if depth < MAX_DEPTH
            && text.starts_with(['{', '[', '"'])
            && let Ok(json) = serde_json::from_str(text)
        {
            return self.look_into_json(&json, is_secret, false, depth + 1);
        }
        self.look_into_addresses(text);
        self.look_into_pairs(text.split(char::is_whitespace));
        self.look_into_pairs(text.split([';', '&', '?', ',', '\n']));
        if !is_secret {
            return;
        }
        let pieces = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
        for piece in pieces.filter(|piece| piece.len() >= MIN_PIECE) {
            self.add(piece);
        }
        if let Some((_, password)) = text.split_once(':').filter(|(_, rest)| !rest.starts_with("//")) {
            self.add(password);
        }
    }

    /// `is_named`: by a word that says that it is a secret.
    fn look_into_json(&mut self, json: &Value, is_secret: bool, is_named: bool, depth: usize) {
        match json {
            Value::String(text) => {
                if is_named || is_secret && text.len() >= MIN_PIECE {
                    self.add(text);
                }
                self.look_into(text, is_secret || is_named, depth);
            }
            Value::Number(number) if is_named => self.add(&number.to_string()),
            Value::Array(all) => all
                .iter()
                .for_each(|one| self.look_into_json(one, is_secret, is_named, depth)),
            Value::Object(all) => all
                .iter()
                .for_each(|(name, one)| self.look_into_json(one, is_secret || is_named, names_a_secret(name), depth)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// `scheme://user:password@host`, `scheme://key@host`.
    fn look_into_addresses(&mut self, text: &str) {
        for (at, mark) in text.match_indices("://") {
            let rest = &text[at + mark.len()..];
            let rest = rest.split("://").next().unwrap_or(rest);
            let rest = rest
                .split(|c: char| c.is_whitespace() || ENDS.contains(&c))
                .next()
                .unwrap_or(rest);
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            // Who writes a password as it is may have a slash in it.
            let Some((user, _)) = authority.rsplit_once('@').or_else(|| rest.rsplit_once('@')) else {
                continue;
            };
            match user.split_once(':') {
                Some((_, password)) => self.add(password),
                None if user.len() >= MIN_PIECE => self.add(user),
                None => {}
            }
        }
    }

    /// `password=…`, as connection strings and queries have it.
    fn look_into_pairs<'t>(&mut self, pairs: impl Iterator<Item = &'t str>) {
        for (name, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            if names_a_secret(name) {
                self.add(value.trim_matches(['"', '\'']));
            }
        }
    }

    fn add(&mut self, part: &str) {
        let decoded = percent_decode_str(part).decode_utf8_lossy();
        for part in [part, &decoded] {
            let part = part.trim();
            if part.contains(char::is_alphanumeric) && !self.0.iter().any(|known| known == part) {
                self.0.push(part.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_inside_of_a_value_is_found() {
        for (name, value, expected) in [
            ("DB", "postgres://usr:Dbpw98@db.host/x", &["Dbpw98"][..]),
            ("DB", "postgres://usr:p%40ss@db/x?sslmode=on", &["p%40ss", "p@ss"]),
            ("DB", "postgres://usr:a/b@db/x", &["a/b"]),
            ("DSN", "https://abc123def456@sentry.io/42", &["abc123def456"]),
            ("CACHE", "redis://:one@h,rediss://u:two@h", &["one", "two"]),
            ("DB", "host=db user=u password='pw 1' dbname=x", &["pw"]),
            ("DB", "Server=db;User Id=u;Password=pw 1;", &["pw 1"]),
            ("DB", "jdbc:mysql://db/x?user=u&password=pw", &["pw"]),
            ("CONFIG", r#"{"db": {"password": "pw", "host": "db"}, "n": 1}"#, &["pw"]),
            ("CONFIG", r#"{"pin_token": 4711}"#, &["4711"]),
            ("CONFIG", r#"["amqp://u:pw@h"]"#, &["pw"]),
            ("CONFIG", r#"{"inner": "{\"api_key\": \"k\"}"}"#, &["k"]),
            (
                "SECRET_JSON",
                r#"{"k": "Inn3rS3cretValue", "host": "db"}"#,
                &["Inn3rS3cretValue"],
            ),
            ("BASIC_AUTH", "admin:hunter2", &["hunter2"]),
            ("API_KEYS", "a1b2c3d4,e5f6a7b8", &["a1b2c3d4", "e5f6a7b8"]),
            ("MODE", "production", &[]),
            ("PAGE", "https://example.org/a?page=1", &[]),
            ("SECRET", "{\"", &[]),
        ] {
            assert_eq!(secret_parts(name, value), expected, "{value}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(secret_parts("SECRET_X", &deep), Vec::<String>::new());
    }
}
