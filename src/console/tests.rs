//! The log as the runner and a terminal see it.

use super::*;
use proptest::prelude::*;

/// A place to print to that can be read.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn printed(print: impl FnOnce(&Console)) -> String {
    let screen = Screen::default();
    print(&Console::new(screen.clone(), true));
    let bytes = screen.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8(bytes).expect("UTF-8")
}

/// Whether the runner sees a command in a line of `log`, by its own rules, whatever the command's name.
fn commands(log: &str) -> Vec<&str> {
    log.split(['\r', '\n'])
        .filter(|line| {
            let current = line
                .trim_start()
                .strip_prefix("::")
                .is_some_and(|rest| rest.contains("::"));
            let legacy = line.split_once("##[").is_some_and(|(_, rest)| rest.contains(']'));
            current || legacy
        })
        .collect()
}

#[test]
fn text_from_outside_is_no_command() {
    for text in [
        "::set-output name=a::b",
        "  ::add-mask::x",
        "\u{a0}\u{3000}::error::x",
        "a\n::error::x",
        "a\r::error::x",
        ":\r:error::x",
        "\r:\r:error::x",
        "#\r#[error]x",
        "a ##[group]b",
        "###[error]x",
        "##\u{1b}[error]x",
        "::stop-commands::x",
    ] {
        let log = printed(|console| console.line(text));
        assert_eq!(commands(&log), Vec::<&str>::new(), "{text:?}: {log:?}");
    }
}

#[test]
fn text_in_an_annotation_stays_in_it() {
    let log = printed(|console| console.error("a,b=c::d", "x\r\n::set-output name=a::b\n##[error]y %0A"));
    assert_eq!(
        log,
        "::error title=a%2Cb=c%3A%3Ad::x%0A::set-output name=a::b%0A# #[error]y %250A\n"
    );
}

#[test]
fn what_a_person_cannot_see_is_shown() {
    let log = printed(|console| console.line("\u{1b}[31mred\u{7}\u{202e}gpj.exe\u{2028}end\r"));
    assert_eq!(log, "\\u{1b}[31mred\\u{7}\\u{202e}gpj.exe\\u{2028}end\n");
}

#[test]
fn ordinary_text_is_left_alone() {
    let text = "größe 100 % — a::b  c:\\d ünï #1 [x] 東京\ttab";
    assert_eq!(printed(|console| console.line(text)), format!("{text}\n"));
}

#[test]
fn secrets_are_masked_as_they_are_line_by_line_and_once() {
    let log = printed(|console| {
        console.mask("a%b##[c\r\nsecond\n\n");
        console.mask("second");
    });
    assert_eq!(log, "::add-mask::a%25b##[c\n::add-mask::second\n");
}

#[test]
fn what_would_black_out_the_log_is_not_masked() {
    let log = printed(|console| {
        console.mask("abc");
        console.mask("äöü\n}\nlonger");
        console.line("abc äöü longer");
    });
    assert_eq!(log, "::add-mask::longer\nabc äöü ***\n");
}

#[test]
fn secrets_are_not_printed_even_where_no_runner_masks_them() {
    let log = printed(|console| {
        console.mask("hunter2");
        console.mask("hunter2-and-more");
        console.line("is hunter2-and-more hunter2");
        console.debug("hunter2");
        console.error("hunter2", "hunter2");
        drop(console.group("hunter2"));
        assert_eq!(console.redact("hunter2 hunter2-and-more"), "*** ***");
        assert_eq!(
            console.redact_escaped("\"hunter2\": \"hunter2-and-more\"", 12, &[]),
            "\"hunter2\": \"***\""
        );
    });
    let said: Vec<&str> = log.lines().skip(2).collect();
    assert_eq!(
        said,
        [
            "is *** ***",
            "::debug::***",
            "::error title=***::***",
            "::group::***",
            "::endgroup::"
        ]
    );
}

#[test]
fn groups_do_not_nest_and_end_once() {
    let log = printed(|console| {
        let first = console.group("a");
        let second = console.group("b");
        drop(second);
        drop(first);
    });
    assert_eq!(log, "::group::a\n::endgroup::\n::group::b\n::endgroup::\n");
}

/// The lines of `log` that are signs of life.
fn signs_of_life(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.starts_with("still at work")).collect()
}

#[test]
fn a_silent_log_has_signs_of_life_that_say_what_is_done() {
    let log = printed(|console| {
        let _group = console.group("Plan");
        let _listing = console.changing_activity(|| "listing `b`, 7 objects".to_owned());
        console.mask("hunter2");
        let _reading = console.activity("reading hunter2\n::error::x");
        let _signs = console.signs_of_life(Duration::from_millis(20));
        std::thread::sleep(Duration::from_millis(300));
    });
    let signs = signs_of_life(&log);
    assert!(!signs.is_empty(), "{log}");
    assert!(
        signs[0].starts_with("still at work: listing `b`, 7 objects, for ") && signs[0].ends_with("; reading ***"),
        "{log}"
    );
    assert_eq!(commands(&log).len(), 3, "the group and its end, and the mask: {log}");
}

#[test]
fn a_log_with_lines_needs_no_sign_of_life() {
    let log = printed(|console| {
        let signs = console.signs_of_life(Duration::from_secs(60));
        console.line("a");
        drop(signs);
        console.line("b");
    });
    assert_eq!(log, "a\nb\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_at_all_is_a_command(text in "[:#\\[\\]\r\n \t\u{1b}\u{85}\u{a0}\u{200b}\u{feff}a-c%]{0,24}|\\PC{0,40}") {
        let log = printed(|console| console.line(&text));
        prop_assert_eq!(commands(&log), Vec::<&str>::new());
        let log = printed(|console| console.warning(&text, &text));
        prop_assert_eq!(commands(&log).len(), 1);
        prop_assert!(log.starts_with("::warning title="));
        prop_assert_eq!(log.matches(['\r', '\n']).count(), 1);
    }
}

fn on_a_terminal(style: TerminalStyle, print: impl FnOnce(&Console)) -> String {
    let screen = Screen::default();
    print(&Console::terminal(screen.clone(), true, style));
    let bytes = screen.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8(bytes).expect("UTF-8")
}

fn everything(console: &Console) {
    console.mask("hunter2");
    let group = console.group("Site");
    console.line("upload  ::error::x hunter2 \u{1b}[31m");
    console.progress("1 of 2");
    console.progress("2 of 2");
    drop(group);
    console.warning("Site", "a\nb");
    console.notice("aws-web-deploy", "done");
    console.debug("detail");
    console.error("Deploy failed", "why\nWhat to do: this");
}

#[test]
fn a_terminal_gets_text_and_no_commands() {
    let log = on_a_terminal(TerminalStyle::default(), everything);
    assert_eq!(
        log,
        "\nSite\nupload  ::error::x *** \\u{1b}[31m\n1 of 2\n2 of 2\nwarning: Site: a\n  b\n\
         note: aws-web-deploy: done\ndebug: detail\nerror: Deploy failed: why\n  What to do: this\n"
    );
}

#[test]
fn a_terminal_with_colors_rewrites_the_progress() {
    let style = TerminalStyle {
        colors: true,
        rewrites: true,
    };
    let log = on_a_terminal(style, everything);
    assert!(log.starts_with("\n\u{1b}[1mSite\u{1b}[0m\n"), "{log:?}");
    assert!(
        log.contains("\n1 of 2\r\u{1b}[2K2 of 2\r\u{1b}[2K\u{1b}[1;33mwarning:\u{1b}[0m Site: a\n  b\n"),
        "{log:?}"
    );
    assert!(
        log.contains("\u{1b}[1;31merror:\u{1b}[0m Deploy failed: why\n"),
        "{log:?}"
    );
}

#[test]
fn a_line_that_rewrites_itself_fits_the_screen() {
    let style = TerminalStyle {
        colors: false,
        rewrites: true,
    };
    let log = on_a_terminal(style, |console| console.progress(&"x".repeat(200)));
    assert_eq!(log, "x".repeat(79));
}
