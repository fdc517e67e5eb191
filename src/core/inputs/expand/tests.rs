use super::*;
use proptest::prelude::{any, prop_assert_eq, proptest};

fn words(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    let expansion = expand(text, &Env::of(env), Purpose::Words).expect(text);
    shell_words::split(&expansion.text).expect("closed quotes")
}

#[test]
fn variables_are_expanded_as_a_shell_does() {
    let env = [
        ("AGE", "60"),
        ("LIST", "--acl private"),
        ("ODD", "it's \"$5\""),
        ("EMPTY", ""),
    ];
    for (text, expected) in [
        (
            "--cache-control max-age=$AGE,public",
            &["--cache-control", "max-age=60,public"][..],
        ),
        ("a${AGE}b \"$AGE\" '$AGE' \\$AGE", &["a60b", "60", "$AGE", "$AGE"]),
        ("$LIST \"$LIST\"", &["--acl", "private", "--acl private"]),
        ("$ODD \"$ODD\"", &["it's", "\"$5\"", "it's \"$5\""]),
        ("x$EMPTY", &["x"]),
        ("100$ a$ $/", &["100$", "a$", "$/"]),
    ] {
        assert_eq!(words(text, &env), expected, "{text}");
    }
    let expansion = expand("docs/$AGE/${AGE}/\\$AGE", &Env::of(&env), Purpose::Value).expect("set variables");
    assert_eq!(expansion.text, "docs/60/60/$AGE");
    assert_eq!(expansion.variables[0], ("AGE".to_owned(), "60".to_owned()));
    assert_eq!(variables("100$ of $AGE, ${B} and $AGE"), ["AGE", "B"]);
}

#[test]
fn a_name_loses_its_quotes_as_in_a_shell() {
    let env = [("ODD", "it's; (\"x\")"), ("TWO", "a  b")];
    for (text, expected) in [
        ("'my site'", "my site"),
        ("\"my $TWO\"/'*.x'", "my a  b/*.x"),
        ("a\\ b\\;c", "a b;c"),
        ("\"a\\b\\\"c\\$d\"", "a\\b\"c$d"),
        ("$ODD/$TWO", "it's; (\"x\")/a  b"),
        ("docs/c#/~x", "docs/c#/~x"),
        ("my site", "my site"),
    ] {
        let expansion = expand(text, &Env::of(&env), Purpose::Value).expect(text);
        assert_eq!(expansion.text, expected, "{text}");
        assert_eq!(expansion.is_unquoted, text.contains(['\'', '"', '\\']), "{text}");
    }
}

#[test]
fn what_a_shell_makes_more_of_is_no_part_of_a_name() {
    let env = [("GLOB", "a*"), ("FLAGS", "a --delete")];
    for (text, part) in [
        ("a;b", "`;`"),
        ("a&b", "`&`"),
        ("a|b", "`|`"),
        ("a(b)", "`(`"),
        ("a<b", "`<`"),
        ("a>b", "`>`"),
        ("dist/*", "`*`"),
        ("a?", "`?`"),
        ("[a]", "`[`"),
        ("#a", "`#`"),
        ("a # b", "`#`"),
        ("~/a", "`~`"),
        ("a\nb", "several lines"),
        ("a\\", "ends with a backslash"),
        ("it's", "a quote that is not closed"),
        ("a\"b", "a quote that is not closed"),
        ("docs --delete", "`--delete` behind a blank"),
        ("$GLOB", "`$GLOB`, which is `a*`"),
        ("$FLAGS", "`$FLAGS`, which is `a --delete`"),
    ] {
        let errors = expand(text, &Env::of(&env), Purpose::Value).expect_err(text);
        assert!(errors[0].contains(part), "{text}: {errors:?}");
    }
}

#[test]
fn words_hold_no_operators_outside_of_quotes() {
    for text in [
        "--delete; x",
        "--delete && x",
        "a | b",
        "--exclude a(1)",
        "a > b",
        "a < b",
    ] {
        let errors = expand(text, &Env::default(), Purpose::Words).expect_err(text);
        assert!(errors[0].contains("between single quotes"), "{text}: {errors:?}");
    }
    assert_eq!(words("'a;b' \"c|d\" e\\&f", &[]), ["a;b", "c|d", "e&f"]);
    assert_eq!(
        words("--exclude *.map # don't; $run\n--delete a#b", &[]),
        ["--exclude", "*.map", "--delete", "a#b"]
    );
}

#[test]
fn what_needs_a_shell_and_what_is_not_set_is_an_error() {
    for (text, part) in [
        ("$(date)", "`$(…)`"),
        ("`date`", "backquotes"),
        ("${AGE:-60}", "`${AGE:-60}`"),
        ("${AGE", "`${AGE}`"),
        ("$1", "`$1`"),
        ("$MISSING", "`$MISSING`, which is not set"),
    ] {
        let errors = expand(text, &Env::default(), Purpose::Words).expect_err(text);
        assert!(errors.len() == 1 && errors[0].contains(part), "{text}: {errors:?}");
    }
    assert_eq!(
        expand("$A $B $(c)", &Env::default(), Purpose::Value).map_err(|e| e.len()),
        Err(3)
    );
}

proptest! {
    #[test]
    fn a_quoted_value_is_one_word_whatever_is_in_it(value in any::<String>()) {
        let value = value.replace('\0', "");
        prop_assert_eq!(words("\"$V\"", &[("V", &value)]), [value]);
    }
}

#[test]
fn defaults_of_github_stand_in_contexts_of_their_own() {
    for (variable, expected) in [
        ("GITHUB_REF_NAME", "${{ github.ref_name }}"),
        ("GITHUB_SHA", "${{ github.sha }}"),
        ("RUNNER_OS", "${{ runner.os }}"),
        ("STAGE", "${{ env.STAGE }}"),
        ("GITHUB_", "${{ env.GITHUB_ }}"),
    ] {
        assert_eq!(expression(variable), expected);
    }
}
