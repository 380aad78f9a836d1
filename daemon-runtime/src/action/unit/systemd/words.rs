//! How systemd reads words: `systemd.syntax(7)`, `systemd.service(5)` (command lines), `systemd.unit(5)` (specifiers, names of
//! units), `systemd.time(7)`.

use std::time::Duration;

use crate::spec::plan::FOR_EVER;

/// Up to here a day, an hour and a minute are the same to systemd and to humantime; a month is not.
const SAME_UNITS: Duration = Duration::from_secs(30 * 86_400);

/// A time span, up to the next microsecond; systemd knows no shorter.
pub(super) fn span(time: Duration) -> String {
    if time >= FOR_EVER {
        return "infinity".to_owned();
    }
    let micros = u64::try_from(time.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX);
    let time = Duration::from_micros(micros);
    match time {
        Duration::ZERO => "0".to_owned(),
        _ if time < SAME_UNITS => humantime::format_duration(time).to_string(),
        _ if time.subsec_micros() == 0 => format!("{}s", time.as_secs()),
        _ => format!("{micros}us"),
    }
}

/// What a `%` begins is replaced by systemd, unless there are two.
pub(super) fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// One word of a list, or the value of a variable: in quotes where it needs them.
pub(super) fn quoted(word: &str) -> String {
    let word = specifiers(word);
    let is_plain = |c: char| c.is_alphanumeric() || "%+,-./:=@_{}$".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            c => match u8::try_from(c) {
                Ok(byte) if byte.is_ascii_control() => text.push_str(&escape(byte)),
                _ => text.push(c),
            },
        }
    }
    text.push('"');
    text
}

fn escape(byte: u8) -> String {
    format!("\\x{byte:02x}")
}

/// The beginning of a command line. The path of the program is taken as it is, but may have no quotes and no backslashes: one
/// that has is begun by the shell, which becomes it.
pub(super) fn command(program: &str) -> String {
    let is_taken = |c: char| !matches!(c, '"' | '\'' | '\\') && !c.is_control();
    if program.chars().all(is_taken) {
        return quoted(program);
    }
    format!("/bin/sh -c {} {}", argument(r#"exec "$0" "$@""#), argument(program))
}

/// A word of a command line. A variable's name behind a `$` is replaced by systemd, unless there are two.
pub(super) fn argument(word: &str) -> String {
    match word {
        // By itself it would part two commands.
        ";" => "\\;".to_owned(),
        _ => quoted(&word.replace('$', "$$")),
    }
}

/// A name that a unit can have, as `systemd-escape --mangle` makes it; what `@` means to units is not meant.
pub(super) fn unit_name(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'-' | b'_' => text.push(char::from(byte)),
            b'.' if !text.is_empty() => text.push('.'),
            _ => text.push_str(&escape(byte)),
        }
    }
    if text.is_empty() { "daemon".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_exact_to_the_microsecond_and_never_shorter_than_it_was() {
        let told = |nanos| span(Duration::from_nanos(nanos));
        assert_eq!((told(0), told(1), told(1_001)), ("0".into(), "1us".into(), "2us".into()));
        assert_eq!((told(250_000_000), told(1_500_000_000)), ("250ms".into(), "1s 500ms".into()));
        assert_eq!(span(Duration::from_secs(90)), "1m 30s");
        assert_eq!(span(Duration::from_secs(86_400 + 3600)), "1day 1h");
        assert_eq!(span(Duration::from_secs(40 * 86_400)), "3456000s");
        assert_eq!(span(Duration::from_secs(40 * 86_400) + Duration::from_millis(1)), "3456000001000us");
        assert_eq!((span(Duration::MAX), span(FOR_EVER)), ("infinity".into(), "infinity".into()));
    }

    #[test]
    fn a_word_is_quoted_where_it_must_be() {
        assert_eq!(quoted("/usr/bin/greeter-1.2"), "/usr/bin/greeter-1.2");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("A=b \"c\" \\ %n $x"), r#""A=b \"c\" \\ %%n $x""#);
        assert_eq!(quoted("a\nb\t\u{1b}"), r#""a\nb\t\x1b""#);
        assert_eq!(quoted("it's"), "\"it's\"");
    }

    #[test]
    fn a_command_line_keeps_every_word_from_being_something_else() {
        assert_eq!(command("/opt/a b/x$y"), r#""/opt/a b/x$y""#);
        assert_eq!(command("/opt/it's \"x\""), r#"/bin/sh -c "exec \"$$0\" \"$$@\"" "/opt/it's \"x\"""#);
        let words = ["--tag", "$HOME is 100%", ";"].map(argument);
        assert_eq!(words, ["--tag", r#""$$HOME is 100%%""#, r"\;"]);
    }

    #[test]
    fn a_unit_can_have_the_name() {
        assert_eq!(unit_name("my-web_1.2"), "my-web_1.2");
        assert_eq!(unit_name(".a b@c"), r"\x2ea\x20b\x40c");
        assert_eq!((unit_name("\u{e9}"), unit_name("")), (r"\xc3\xa9".to_owned(), "daemon".to_owned()));
    }
}
