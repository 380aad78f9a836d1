//! The manual page: one for the program, with all of its actions.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Arg, ArgAction, Command};
use clap_mangen::Man;
use clap_mangen::roff::Roff;

use super::super::whole;
use super::sections;
use crate::spec::Spec;
use crate::verbs::first_paragraph;

/// System administration commands and daemons, man(1).
const SECTION: &str = "8";
const MANUAL: &str = "System Manager's Manual";

/// The last second of the year 9999, beyond which no date has four digits.
const LAST_SECOND: u64 = 253_402_300_799;

pub(super) fn page(spec: &Spec, program: &str) -> Result<String, String> {
    let date = date(std::env::var_os("SOURCE_DATE_EPOCH").as_deref())?;
    let mut command = described(spec, program);
    command.build();
    let version = spec.version.as_deref().map_or_else(|| program.to_owned(), |version| format!("{program} {version}"));
    // None of them may be empty: roff would take the next one in its place.
    let man = Man::new(command.clone()).section(SECTION).date(date).source(version).manual(MANUAL);
    let mut page = Roff::new().render();
    page.push_str(&rendered(|to| man.render_title(to)));
    page.push_str(&rendered(|to| man.render_name_section(to)));
    page.push_str(&rendered(|to| man.render_synopsis_section(to)));
    page.push_str(&rendered(|to| man.render_description_section(to)));
    page.push_str(&rendered(|to| man.render_options_section(to)));
    page.push_str(&actions(&command));
    for section in sections::all(spec) {
        page.push_str(&text(&section));
    }
    Ok(page)
}

/// The command line as the page has it: nothing that every action has is told of each.
fn described(spec: &Spec, program: &str) -> Command {
    let command = whole(spec, program.to_owned()).disable_help_subcommand(true);
    let about = spec.about.as_deref().unwrap_or("A daemon");
    let short = joined(first_paragraph(about)).trim_end_matches('.').to_owned();
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Print help, also of an action");
    let command = command.about(short).long_about(paragraphs(about)).disable_help_flag(true).arg(help);
    command.mut_subcommands(|action| {
        let long = action.get_long_about().or(action.get_about()).map(ToString::to_string).unwrap_or_default();
        action.long_about(paragraphs(&long)).disable_help_flag(true).mut_args(explained)
    })
}

/// What else there is to say of an argument stands in its help, where it is text like all other.
fn explained(arg: Arg) -> Arg {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values = values(&arg);
    let hidden = arg.is_hide_possible_values_set() || values.is_some();
    let help = [Some(paragraphs(&help)), aliases(&arg), values];
    let help = help.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    arg.hide_possible_values(hidden).long_help(help).help_heading(None::<&str>)
}

fn aliases(arg: &Arg) -> Option<String> {
    let aliases = arg.get_visible_aliases().filter(|aliases| !aliases.is_empty())?;
    let aliases: Vec<_> = aliases.iter().map(|alias| format!("--{alias}")).collect();
    Some(format!("Also as {}.", aliases.join(", ")))
}

fn values(arg: &Arg) -> Option<String> {
    let values = arg.get_possible_values();
    let shown = values.iter().filter(|value| !value.is_hide_set() && !arg.is_hide_possible_values_set());
    let told = shown.map(|value| match value.get_help() {
        Some(help) => format!("{} ({help})", value.get_name()),
        None => value.get_name().to_owned(),
    });
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| format!("The values are {}.", told.join(", ")))
}

fn actions(command: &Command) -> String {
    let mut all = text(Roff::new().control("SH", ["ACTIONS"]));
    for action in command.get_subcommands() {
        let man = Man::new(action.clone());
        all.push_str(&text(Roff::new().control("SS", [action.get_name()])));
        all.push_str(body(&rendered(|to| man.render_synopsis_section(to))));
        all.push_str(&text(Roff::new().control("PP", [])));
        all.push_str(body(&rendered(|to| man.render_description_section(to))));
        if action.get_arguments().any(|arg| !arg.is_hide_set()) {
            all.push_str(body(&rendered(|to| man.render_options_section(to))));
        }
    }
    all
}

/// What comes out, without the definitions that it begins with, which the page has once. An empty line in a text parts
/// paragraphs, and stands under the same head.
fn rendered(render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    // A vector takes whatever is written.
    let _ = render(&mut bytes);
    without_preamble(&String::from_utf8_lossy(&bytes)).replace(" \n", "\n").replace("\n\n", "\n.IP\n")
}

fn text(roff: &Roff) -> String {
    without_preamble(&roff.render()).to_owned()
}

fn without_preamble(text: &str) -> &str {
    text.strip_prefix(Roff::new().render().as_str()).unwrap_or(text)
}

/// A section without its heading.
fn body(section: &str) -> &str {
    section.split_once('\n').map_or("", |(_, body)| body)
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text with one empty line between paragraphs, and no blanks where roff would see them.
fn paragraphs(text: &str) -> String {
    let lines = text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    lines
        .split("\n\n")
        .map(|paragraph| paragraph.trim_matches('\n'))
        .filter(|paragraph| !paragraph.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// The day that the page is of: that of `SOURCE_DATE_EPOCH` where a build is to come out the same each time, else today.
fn date(epoch: Option<&OsStr>) -> Result<String, String> {
    let moment = match epoch {
        None => SystemTime::now(),
        Some(told) => {
            let seconds = told.to_str().and_then(|told| told.parse().ok()).filter(|seconds| *seconds <= LAST_SECOND);
            let moment = seconds.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
            moment.ok_or_else(|| {
                format!(
                    "SOURCE_DATE_EPOCH is {told:?}: it takes whole seconds since 1970, up to {LAST_SECOND}; unset it for the page to be of today"
                )
            })?
        }
    };
    let moment = humantime::format_rfc3339_seconds(moment).to_string();
    Ok(moment.split('T').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_build_is_one_of_four_digits_or_refused_by_its_name() {
        let of = |epoch: &str| date(Some(OsStr::new(epoch)));
        assert_eq!(of("0").as_deref(), Ok("1970-01-01"));
        assert_eq!(of("1764115200").as_deref(), Ok("2025-11-26"));
        assert_eq!(of(&LAST_SECOND.to_string()).as_deref(), Ok("9999-12-31"));
        for epoch in ["", "soon", "-1", "1.5", "253402300800", "99999999999999999999"] {
            let refused = of(epoch).expect_err(epoch);
            assert!(refused.starts_with(&format!("SOURCE_DATE_EPOCH is {epoch:?}: ")), "{refused}");
        }
        assert!(date(None).is_ok());
    }
}
