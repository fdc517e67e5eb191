//! What a secret looks like in logs, answers and addresses.

use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

const SECRET: &str = "p\"ä/s+s w%o'r\\d&<😀>~_#x";

fn redactor(secrets: &[&str]) -> Redactor {
    let mut redactor = Redactor::default();
    secrets.iter().for_each(|secret| assert!(redactor.insert(secret)));
    redactor
}

fn hide(secret: &str, text: &str) -> String {
    redactor(&[secret]).hide(text, 0).unwrap_or_else(|| text.to_owned())
}

fn json(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json[1..json.len() - 1].to_owned()
}

fn encoded(text: &str, keep: &[u8]) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() || keep.contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[test]
fn a_secret_is_hidden_in_every_form() {
    let ascii: String = SECRET
        .encode_utf16()
        .map(
            |unit| match char::from_u32(u32::from(unit)).filter(char::is_ascii_alphanumeric) {
                Some(plain) => plain.to_string(),
                None => format!("\\u{unit:04x}"),
            },
        )
        .collect();
    let bytes = r#"p"\xc3\xa4/s+s w%o\'r\\d&<\xf0\x9f\x98\x80>~_#x"#;
    for form in [
        SECRET.to_owned(),
        json(SECRET),
        json(&json(SECRET)),
        json(SECRET).replace('/', "\\/"),
        ascii,
        format!("{SECRET:?}").trim_matches('"').to_owned(),
        SECRET.escape_unicode().to_string(),
        SECRET.escape_default().to_string(),
        r#"p"\xe4/s+s w%o\'r\\d&<\U0001f600>~_#x"#.to_owned(),
        bytes.to_owned(),
        r#"p"\303\244/s+s w%o'r\\d&<\360\237\230\200>~_#x"#.to_owned(),
        encoded(SECRET, b""),
        encoded(SECRET, b"").to_lowercase(),
        encoded(SECRET, b"-_.~!*'()"),
        encoded(SECRET, b"/#&_~").replace("%20", "+"),
        encoded(&encoded(SECRET, b""), b""),
        SECRET
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;"),
        SECRET
            .replace('\'', "&#39;")
            .replace('"', "&#x22;")
            .replace('/', "&#47;"),
    ] {
        let hidden = hide(SECRET, &format!("a: {form}, b"));
        assert_eq!(hidden, "a: ***, b", "{form}");
    }
}

#[test]
fn a_secret_is_hidden_in_base64_wherever_it_stands() {
    let secret = "hunter2/?>~ÿÿ-x";
    for (before, after) in [
        ("", ""),
        ("u:", ""),
        ("u", ":x"),
        ("me", "\n"),
        ("user:", "y"),
        ("", "abc"),
    ] {
        let all = format!("{before}{secret}{after}");
        for text in [STANDARD.encode(&all), URL_SAFE_NO_PAD.encode(&all)] {
            for text in [text.clone(), encoded(&text, b""), text.replace('/', "\\/")] {
                let hidden = hide(secret, &format!("Basic {text}."));
                let left = hidden.replace("***", "");
                assert!(hidden.contains("***") && left.len() < 24, "{text}: {hidden}");
            }
        }
    }
}

#[test]
fn json_stays_json() {
    for (secret, text) in [
        ("\"quoted-secret\"", "say \"quoted-secret\" \\ \"x\""),
        ("ends-with\\", "ends-with\\\"more"),
        ("secret-1234", "C:\\secret-1234\n\"secret-1234\"\\"),
    ] {
        let json = serde_json::Value::from(text).to_string();
        let hidden = hide(secret, &json);
        let read: serde_json::Value = serde_json::from_str(&hidden).unwrap_or_else(|error| panic!("{hidden}: {error}"));
        assert!(!read.as_str().is_some_and(|read| read.contains(secret)), "{hidden}");
    }
}

#[test]
fn overlapping_secrets_leave_nothing_and_short_ones_stay_where_asked() {
    let redactor = redactor(&["abc123", "23xyz456", "abc"]);
    assert_eq!(redactor.hide("-abc123xyz456-", 0).as_deref(), Some("-***-"));
    assert_eq!(redactor.hide("abc abc123", 6).as_deref(), Some("abc ***"));
    assert_eq!(redactor.hide("nothing % \\ & here", 0), None);
    assert_eq!(redactor.secrets(6).collect::<Vec<_>>(), ["23xyz456", "abc123"]);
}

proptest! {
    #[test]
    fn no_text_breaks_it_and_none_keeps_a_secret(
        secrets in prop::collection::vec("[ab\\\\%\"+&;#x2 ä]{4,9}", 1..4),
        text in "[ab\\\\%\"+&;#x25 äu]{0,60}",
    ) {
        let mut redactor = Redactor::default();
        for secret in &secrets {
            redactor.insert(secret);
        }
        let all = format!("{text}{}{text}{}", secrets[0], json(&secrets[0]));
        let hidden = redactor.hide(&all, 0).expect("it is there");
        prop_assert!(secrets.iter().all(|secret| !hidden.contains(secret.as_str())), "{hidden}");
    }
}
