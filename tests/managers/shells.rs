//! What real shells offer: each reads the completions of a program, and is asked what it would complete.

use std::fs;
use std::os::unix::fs::symlink;

use crate::home::{Home, Program, Told};
use crate::readme::block;
use crate::tool::{are_there, says, tool};

/// A daemon with flags and actions of its own, and one with instances.
const OWN: (&str, &str) = ("own", env!("CARGO_BIN_EXE_own"));
const CREW: (&str, &str) = ("crew", env!("CARGO_BIN_EXE_crew"));

/// The first under names that have dashes, which shells do not take in the name of a variable.
const DASHED: [(&str, &str); 3] = [("my-prog", OWN.1), ("a-b_c", OWN.1), ("crewd-2", CREW.1)];

/// What is offered at the end of a command line, for each of these: all that there is, in any order.
const OFFERED: [((&str, &str), &str, &[&str]); 14] = [
    (OWN, "st", &["start", "status", "stop"]),
    (OWN, "flush", &["flush-cache"]),
    (OWN, "start --g", &["--greeting"]),
    (OWN, "status --fields na", &["name"]),
    (OWN, "completions ", &["bash", "fish", "zsh"]),
    (OWN, "help res", &["restart"]),
    (CREW, "stop --instance ", &["0", "1", "2"]),
    (DASHED[0], "st", &["start", "status", "stop"]),
    (DASHED[0], "start --g", &["--greeting"]),
    (DASHED[0], "status --fields na", &["name"]),
    (DASHED[1], "flush", &["flush-cache"]),
    (DASHED[1], "stop --f", &["--force"]),
    (DASHED[2], "stop --instance ", &["0", "1", "2"]),
    (DASHED[2], "help res", &["restart"]),
];

/// Writes the script of each program into the folder, under the name that the shell looks for.
fn write(home: &Home, shell: &str, file: fn(&str) -> String) {
    for (name, program) in [OWN, CREW].into_iter().chain(DASHED) {
        // The program goes by the name that it is called by.
        symlink(program, home.path(name)).expect("made");
        let told = home.program(&home.path(name)).run(&["completions", shell]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{name}");
        fs::write(home.path(&file(name)), told.stdout).expect("written");
    }
}

/// Compares what a shell offers for each of the command lines with what there is.
fn assert_offers(offers: impl Fn(&str, &str) -> Told) {
    for ((name, _), line, expected) in OFFERED {
        let told = offers(name, line);
        // fish explains behind a tab what it offers.
        let words = told.stdout.lines().filter_map(|line| line.split('\t').next()).flat_map(str::split_whitespace);
        let mut offered: Vec<_> = words.collect();
        offered.sort_unstable();
        offered.retain(|word| !["-h", "--help"].contains(word));
        assert_eq!(offered, expected, "{name} {line}: {told:?}");
    }
}

/// What bash(1) does where `complete -F` was told a function.
const ASK_BASH: &str = r#"
    compopt() { :; } # Only while the shell itself completes there is anything to set.
    source "$1.bash" || exit 3
    read -ra words <<<"$1 $2"
    [[ $2 == *' ' ]] && words+=('')
    COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1))
    said=$(complete -p "$1") && said=${said##*-F } || exit 4
    "${said%% *}" "$1" "${words[-1]}" "${words[-2]}"
    printf '%s\n' "${COMPREPLY[@]}"
"#;

#[test]
fn bash_offers_every_action_option_and_value() {
    if !are_there("bash_offers_every_action_option_and_value", &["bash"]) {
        return;
    }
    let home = Home::new();
    write(&home, "bash", |name| format!("{name}.bash"));
    assert_offers(|name, line| {
        let told = says(&home, "bash", &["--norc", "--noprofile", "-c", ASK_BASH, "bash", name, line]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{name} {line}: {told:?}");
        told
    });
}

#[test]
fn bash_offers_no_file_where_none_is_taken() {
    if !are_there("bash_offers_no_file_where_none_is_taken", &["bash"]) {
        return;
    }
    let home = Home::new();
    write(&home, "bash", |name| format!("{name}.bash"));
    // What was typed stays, and nothing is made of it.
    let line = "status --watch own.b";
    says(&home, "bash", &["--norc", "--noprofile", "-c", ASK_BASH, "bash", "own", line]).assert(0, "own.b\n", "");
}

/// An interactive zsh(1) on a terminal of another's, with its completion system, lists what it offers when a key is pressed.
const ASK_ZSH: &str = r#"
    zmodload zsh/zpty || exit 3
    zpty shell TERM=dumb zsh -f -i
    zpty -w shell "PS1=; fpath=($PWD \$fpath); autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' verbose no
        list() { zle list-choices; zle -R; print LIS''TED }; zle -N list; bindkey '^X' list
        zle-line-init() { print REA''DY }; zle -N zle-line-init"
    zpty -r shell said '*READY*' || exit 4
    zpty -w -n shell "$1 $2"$'\x18'
    zpty -r shell said '*LISTED*' || exit 5
    zpty -d shell
    said=${${said#*"$1 $2"}%$'\n'*} # Below the list the line stands again.
    print -r -- "${${said//$'\e'\[[0-9;]#[A-Za-z]/ }//$'\r'/}"
"#;

#[test]
fn zsh_offers_every_action_option_and_value() {
    if !are_there("zsh_offers_every_action_option_and_value", &["zsh", "timeout"]) {
        return;
    }
    let home = Home::new();
    write(&home, "zsh", |name| format!("_{name}"));
    assert_offers(|name, line| {
        let words = ["60", "zsh", "-f", "-o", "extendedglob", "-c", ASK_ZSH, "zsh", name, line];
        let told = says(&home, "timeout", &words);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{name} {line}: {told:?}");
        told
    });
}

/// Asks fish(1) in a folder that has files.
const ASK_FISH: &str = r#"source $argv[1].fish; complete -C "$argv[1] $argv[2]""#;

#[test]
fn fish_offers_no_file_where_none_is_taken() {
    if !are_there("fish_offers_no_file_where_none_is_taken", &["fish"]) {
        return;
    }
    let home = Home::new();
    write(&home, "fish", |name| format!("{name}.fish"));
    for line in ["stop own", "man own", "flush-cache own", "status --watch own", "status --json own", "unit own"] {
        let told = says(&home, "fish", &["--no-config", "-c", ASK_FISH, "own", line]);
        assert_eq!((told.code, told.stdout.as_str(), told.stderr.as_str()), (0, "", ""), "{line}");
    }
    // What a flag of the worker's takes may well be one.
    let told = says(&home, "fish", &["--no-config", "-c", ASK_FISH, "own", "start --greeting own.f"]);
    assert_eq!((told.code, told.stdout.as_str()), (0, "own.fish\n"), "{told:?}");
}

#[test]
fn fish_offers_every_action_option_and_value() {
    if !are_there("fish_offers_every_action_option_and_value", &["fish"]) {
        return;
    }
    let home = Home::new();
    write(&home, "fish", |name| format!("{name}.fish"));
    assert_offers(|name, line| {
        let told = says(&home, "fish", &["--no-config", "-c", ASK_FISH, name, line]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{name} {line}: {told:?}");
        told
    });
}

/// A shell that has the example in its PATH.
fn with_greeter(home: &Home, shell: &str) -> Program {
    let path = home.path("bin").display().to_string();
    tool(home, shell).set("PATH", format!("{path}:{}", std::env::var("PATH").unwrap_or_default()))
}

#[test]
fn the_lines_of_the_readme_install_what_each_shell_and_man_find_by_themselves() {
    let test = "the_lines_of_the_readme_install_what_each_shell_and_man_find_by_themselves";
    if !are_there(test, &["bash", "zsh", "fish", "man"]) {
        return;
    }
    let home = Home::new();
    let share = home.path("share").display().to_string();
    let lines = block("### Completions and the manual page", &[("/usr/local/share", &share)]);
    let folders = ["bin", "share/zsh/site-functions", "share/man/man8", ".config/fish/completions"];
    for folder in folders.into_iter().chain([".local/share/bash-completion/completions"]) {
        fs::create_dir_all(home.path(folder)).expect("made");
    }
    symlink(home.example("greeter").0.get_program(), home.path("bin/greeter")).expect("made");
    with_greeter(&home, "bash").run(&["-ec", &lines]).assert(0, "", "");

    let bash = "source ~/.local/share/bash-completion/completions/greeter && complete -p greeter";
    let told = with_greeter(&home, "bash").run(&["--norc", "-c", bash]);
    assert!(told.code == 0 && told.stdout.starts_with("complete ") && told.stdout.contains("_greeter"), "{told:?}");

    let zsh = format!(
        "fpath=({share}/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[greeter]"
    );
    with_greeter(&home, "zsh").run(&["-f", "-c", &zsh]).assert(0, "_greeter\n", "");

    let told = with_greeter(&home, "fish").run(&["-c", "complete -C 'greeter rel'"]);
    assert!(told.code == 0 && told.stdout.starts_with("reload\t"), "{told:?}");

    let told = with_greeter(&home, "man").set("MANPATH", format!("{share}/man")).run(&["8", "greeter"]);
    assert!(told.code == 0 && told.stdout.contains("greeter.pid") && told.stderr.is_empty(), "{told:?}");
}
