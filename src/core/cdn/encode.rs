//! The spelling of invalidation paths.
//!
//! CloudFront wants non-ASCII and [unsafe] characters percent-encoded and every other character left alone: a path
//! that encodes more than that is accepted and invalidates nothing. The facts are those of [its guide].
//!
//! [unsafe]: https://www.rfc-editor.org/rfc/rfc1738#section-2.2
//! [its guide]: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The longest path that CloudFront takes, in characters.
pub(crate) const MAX_LENGTH: usize = 4000;

/// The longest cache tag that CloudFront takes, in characters.
///
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-tags.html>
pub(crate) const MAX_TAG_LENGTH: usize = 256;

/// Unsafe in RFC 1738 (`~` apart: no spelling of it works), and `?` because a bare one begins the query string.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Writes the URL path `path` (decoded, with its leading slash) as an invalidation path.
///
/// A bare `~` is [refused, and an encoded one invalidates nothing][tilde]; a `*` inside a path is no wildcard and at
/// its end always one. An apostrophe needs no encoding by the guide, and an encoded one names another address, while
/// CloudFront has [refused] a bare one. Where a path has any of them, it is cut there and ends in a wildcard.
///
/// [tilde]: https://github.com/aws/aws-sdk/issues/525
/// [refused]: https://github.com/laurilehmijoki/s3_website/issues/63
#[must_use]
pub(crate) fn encode(path: &str) -> String {
    match path.find(['~', '*', '\'']) {
        Some(end) => format!("{}*", encode_all(&path[..end])),
        None => encode_all(path),
    }
}

/// Percent-encodes the unsafe characters of `text`, `~` and `*` apart.
#[must_use]
pub(crate) fn encode_all(text: &str) -> String {
    utf8_percent_encode(text, UNSAFE).to_string()
}

/// Whether CloudFront would take `path` as it is: one of the input `paths`, or a line of `paths-from`.
///
/// A [cache tag] (`#tag`) is taken as well.
///
/// # Errors
/// What is wrong with it, to stand after the path in a message, with the right spelling where there is one.
///
/// [cache tag]: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-by-tags.html
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    if let Some(tag) = path.strip_prefix('#') {
        return check_tag(tag);
    }
    let Some(rest) = path.strip_prefix('/') else {
        return Err(if path.contains("://") {
            "a path begins with `/`: leave out protocol and host".into()
        } else {
            format!("a path begins with `/`: write `/{path}`")
        });
    };
    let length = path.chars().count();
    if length > MAX_LENGTH {
        return Err(format!(
            "it has {length} characters, CloudFront takes at most {MAX_LENGTH}"
        ));
    }
    if let Some(end) = path.find('~') {
        return Err(format!(
            "CloudFront refuses `~`: end the path with a wildcard before it, `{}*`",
            &path[..end]
        ));
    }
    if let Some(position) = path.find('*')
        && position + 1 != path.len()
    {
        return Err(format!(
            "a `*` is a wildcard only as the last character: write `{}*`",
            &path[..position]
        ));
    }
    check_escapes(rest)?;
    // A query string is part of a path where the cache key holds query strings.
    if let Some(wrong) = path.chars().find(|c| !matches!(c, '%' | '?') && must_be_encoded(*c)) {
        return Err(format!(
            "`{}` must be percent-encoded, as `{}`",
            wrong.escape_debug(),
            encode_all(wrong.encode_utf8(&mut [0; 4]))
        ));
    }
    Ok(())
}

fn check_tag(tag: &str) -> Result<(), String> {
    if tag.is_empty() {
        return Err("a cache tag has a name behind its `#`".into());
    }
    if tag.chars().count() > MAX_TAG_LENGTH {
        return Err(format!("a cache tag has at most {MAX_TAG_LENGTH} characters"));
    }
    match tag.chars().find(|c| !c.is_ascii_graphic() || *c == ',') {
        Some(wrong) => Err(format!("a cache tag cannot contain `{}`", wrong.escape_debug())),
        None => Ok(()),
    }
}

/// Every `%` begins an escape, and only what must be encoded is: CloudFront compares the rest as written.
fn check_escapes(path: &str) -> Result<(), String> {
    for (position, _) in path.match_indices('%') {
        let digits = path.get(position + 1..position + 3);
        let byte = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if byte.is_none() {
            return Err("a `%` is followed by two hexadecimal digits; a literal one is `%25`".into());
        }
    }
    Ok(())
}

fn must_be_encoded(character: char) -> bool {
    // CloudFront's guide names the unsafe characters.
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    encode_all(text) != text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unsafe_and_non_ascii_characters_are_encoded() {
        for (path, expected) in [
            ("/", "/"),
            ("/Index.html", "/Index.html"),
            (
                "/a-b_c.d!e(f)g,h;i=j:k@l&m+n$o/p.q",
                "/a-b_c.d!e(f)g,h;i=j:k@l&m+n$o/p.q",
            ),
            ("/a b", "/a%20b"),
            ("/café", "/caf%C3%A9"),
            ("/한국", "/%ED%95%9C%EA%B5%AD"),
            ("/[id]/100%.html", "/%5Bid%5D/100%25.html"),
            ("/a?b#c", "/a%3Fb%23c"),
            ("/it's", "/it*"),
            ("/\u{7f}\n", "/%7F%0A"),
            ("/{a}|b\\c^d`e\"<f>", "/%7Ba%7D%7Cb%5Cc%5Ed%60e%22%3Cf%3E"),
        ] {
            assert_eq!(encode(path), expected);
            assert_eq!(check_path(expected), Ok(()));
        }
    }

    #[test]
    fn a_tilde_or_a_literal_star_ends_the_path_in_a_wildcard() {
        for (path, expected) in [
            ("/js/runtime~main.js", "/js/runtime*"),
            ("/~someone/index.html", "/*"),
            ("/a*b.html", "/a*"),
            ("/a*", "/a*"),
            ("/é/x~y*z", "/%C3%A9/x*"),
        ] {
            assert_eq!(encode(path), expected);
            assert_eq!(check_path(expected), Ok(()));
        }
    }

    #[test]
    fn a_malformed_path_is_named_with_its_reason() {
        for (path, reason) in [
            ("index.html", "a path begins with `/`: write `/index.html`"),
            ("*", "a path begins with `/`: write `/*`"),
            ("", "a path begins with `/`: write `/`"),
            ("https://a.example/b", "leave out protocol and host"),
            (
                "/a/*.html",
                "a `*` is a wildcard only as the last character: write `/a/*`",
            ),
            ("/a**", "write `/a*`"),
            ("/~me/", "CloudFront refuses `~`"),
            ("/a b", "` ` must be percent-encoded, as `%20`"),
            ("/é", "`é` must be percent-encoded, as `%C3%A9`"),
            ("/a[1]", "`[` must be percent-encoded, as `%5B`"),
            ("/100%", "a literal one is `%25`"),
            ("/%zz", "two hexadecimal digits"),
            ("/%+1", "two hexadecimal digits"),
            ("/%é", "two hexadecimal digits"),
            ("/a\u{1b}b", "`\\u{1b}` must be percent-encoded, as `%1B`"),
            ("#", "a cache tag has a name"),
            ("#a,b", "a cache tag cannot contain `,`"),
        ] {
            let error = check_path(path).expect_err(path);
            assert!(error.contains(reason), "{path}: {error}");
        }
        assert!(check_path(&format!("/{}", "a".repeat(4000))).is_err());
        assert!(check_path(&format!("#{}", "a".repeat(257))).is_err());
    }

    #[test]
    fn what_cloudfront_takes_passes() {
        for path in [
            "/",
            "/*",
            "/a/b.html",
            "/a*",
            "/a?x=1&y=2",
            "/a?*",
            "/caf%c3%a9",
            "/it's",
            "#product:tv",
        ] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
        assert!(check_path(&format!("/{}", "a".repeat(3999))).is_ok());
    }
}
