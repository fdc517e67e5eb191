//! Notices about what a profile of the AWS configuration makes the SDK do: run a command, or send requests elsewhere.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::console::Console;
use crate::core::context::Env;
use crate::core::error::HintExt as _;
use crate::core::iam::profile::{ProfileEffects, effects};
use crate::core::inputs::files::is_of_the_kernel;
use crate::core::inputs::urls::{check, unencrypted_host};

/// How many bytes of a configuration file are looked at.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The title of what is said about profiles.
const TITLE: &str = "AWS profile";

/// What the selected profile does.
pub(crate) struct SelectedProfile {
    name: String,
    effects: ProfileEffects,
}

impl SelectedProfile {
    /// That of the environment: its files and its `AWS_PROFILE`, as the SDK finds them
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html>).
    ///
    /// # Errors
    /// A file that would never end: the SDK reads whatever is there.
    pub(crate) fn of(env: &Env) -> anyhow::Result<Self> {
        for (variable, file) in [
            ("AWS_CONFIG_FILE", Some("config")),
            ("AWS_SHARED_CREDENTIALS_FILE", Some("credentials")),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", None),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", None),
        ] {
            if env.get(variable).is_some() || file.is_some() {
                check_file(variable, &path(env, variable, file.unwrap_or_default()))?;
            }
        }
        let name = env.get("AWS_PROFILE").unwrap_or("default").to_owned();
        let text = |variable: &str, file: &str| text(&path(env, variable, file));
        let config = text("AWS_CONFIG_FILE", "config");
        let credentials = text("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let effects = effects(&config, &credentials, &name);
        Ok(Self { name, effects })
    }

    /// Says where requests go, when the profile sends them elsewhere: variables of the environment come first.
    ///
    /// # Errors
    /// An address that is none, or holds a user name: the SDK would repeat it.
    pub(crate) fn say_endpoints(&self, env: &Env, console: &Console) -> anyhow::Result<()> {
        let ignored = env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        if env.get("AWS_ENDPOINT_URL").is_some() || ignored.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(());
        }
        for url in &self.effects.endpoints {
            if let Err(problem) = check(url) {
                return Err(anyhow::anyhow!(
                    "cannot use the profile `{}`: its `endpoint_url` {problem}",
                    self.name
                ))
                .hint("correct it in the AWS configuration of this runner, or set `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: true`");
            }
            let text = format!(
                "the profile `{}` sends requests to `{}` (`endpoint_url`)",
                self.name,
                host(url)
            );
            match unencrypted_host(url) {
                Some(_) => console.warning(
                    TITLE,
                    &format!("{text}: credentials and content travel unencrypted there"),
                ),
                None => console.notice(TITLE, &text),
            }
        }
        Ok(())
    }

    /// Says that a command is run for credentials.
    pub(crate) fn say_command(&self, console: &Console) {
        if let Some(profile) = &self.effects.command_of {
            let text = format!(
                "credentials may come from a command on this machine: `credential_process` of the profile `{profile}`"
            );
            console.notice(TITLE, &text);
        }
    }
}

/// Scheme, host and port: what stands before `@` or behind is nobody's business.
fn host(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}")
}

fn path(env: &Env, variable: &str, file: &str) -> PathBuf {
    let home = env.get("HOME").or_else(|| env.get("USERPROFILE")).unwrap_or_default();
    match env.get(variable) {
        Some(path) => match path.strip_prefix("~/") {
            Some(below) => Path::new(home).join(below),
            None => path.into(),
        },
        None => Path::new(home).join(".aws").join(file),
    }
}

/// Refuses pipes, sockets, devices and what the kernel makes up; what is empty by nature is often named to have no configuration at all.
fn check_file(variable: &str, path: &Path) -> anyhow::Result<()> {
    let Ok(metadata) = path.metadata() else { return Ok(()) };
    let is_nothing = path.canonicalize().is_ok_and(|real| real == Path::new("/dev/null"));
    if metadata.is_file() && !is_made_up(path) || metadata.is_dir() || is_nothing {
        return Ok(());
    }
    Err(anyhow::anyhow!(
        "cannot read `{}`: it is not a regular file",
        path.display()
    ))
    .hint(format!("correct `{variable}`, or unset it"))
}

fn is_made_up(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|real| is_of_the_kernel(&real))
}

/// The text of a regular file; nothing where there is none.
fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    if path.is_file()
        && !is_made_up(path)
        && let Ok(file) = File::open(path)
    {
        // What cannot be read does nothing; the SDK says why.
        let _ = file.take(MAX_FILE).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_an_address_is_shown() {
        assert_eq!(host("https://u:p@h.example.test:1/x?y"), "https://h.example.test:1");
        assert_eq!(host("h.example.test"), "://h.example.test");
    }

    #[test]
    fn files_are_found_as_the_sdk_finds_them() {
        let env = Env::of(&[("HOME", "/home/x"), ("AWS_CONFIG_FILE", "~/c")]);
        assert_eq!(path(&env, "AWS_CONFIG_FILE", "config"), Path::new("/home/x/c"));
        assert_eq!(
            path(&env, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            Path::new("/home/x/.aws/credentials")
        );
        assert_eq!(text(Path::new("/dev/zero")), "");
    }
}
