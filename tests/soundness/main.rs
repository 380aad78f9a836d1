//! Where the library is unsafe: what ARCHITECTURE.md says of it is all there is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of a folder and of those in it.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// How often the word stands in the code: not in comments, texts, or attributes about the lint.
fn unsafe_words(source: &str) -> usize {
    let tokens = source.parse().expect("Rust");
    count(tokens)
}

fn count(tokens: proc_macro2::TokenStream) -> usize {
    let word = |token| match token {
        proc_macro2::TokenTree::Ident(word) => usize::from(word == "unsafe"),
        proc_macro2::TokenTree::Group(group) => count(group.stream()),
        _ => 0,
    };
    tokens.into_iter().map(word).sum()
}

/// The files with unsafe code, and how much of it each has.
fn counted(folder: &str) -> BTreeMap<String, usize> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let of_file = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("below").to_str().expect("text").to_owned();
        (name, unsafe_words(&fs::read_to_string(&path).expect("read")))
    };
    sources(&root).into_iter().map(of_file).filter(|(_, count)| *count > 0).collect()
}

/// What the table says: `| file file | count, count | fact |`.
fn told() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md")).expect("read");
    let (_, table) = text.split_once("| file | `unsafe` | fact |\n|---|---|---|\n").expect("the table");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, files, counts, fact, _] = cells[..] else { panic!("three columns: {line}") };
        assert!(fact.len() > 20, "a fact, and not {fact:?}");
        let files: Vec<_> = files.split(' ').map(|file| file.trim_matches('`').to_owned()).collect();
        let counts: Vec<usize> = counts.split(", ").map(|count| count.parse().expect("a number")).collect();
        assert_eq!(files.len(), counts.len(), "{line}");
        files.into_iter().zip(counts).collect::<Vec<_>>()
    };
    table.lines().take_while(|line| line.starts_with('|')).flat_map(row).collect()
}

#[test]
fn all_unsafe_code_is_in_sys_and_stands_in_the_architecture_with_its_reason() {
    assert_eq!(counted("daemon-runtime/src/sys"), told());
}

#[test]
fn nothing_outside_of_sys_is_unsafe() {
    let in_sys = |(name, _): &(String, usize)| !name.starts_with("sys/");
    let elsewhere: Vec<_> = counted("daemon-runtime/src").into_iter().filter(in_sys).collect();
    assert_eq!(elsewhere, []);
    // The attributes know the word, because a worker may have it in its signature; `Token![unsafe]` is all there is of it.
    let known = counted("daemon-macros/src").into_iter().collect::<Vec<_>>();
    assert_eq!(known, [("item.rs".to_owned(), 1)]);
}

#[test]
fn the_word_is_counted_where_it_is_code() {
    let source =
        "//! unsafe\n#![allow(unsafe_code)]\nfn f() { let unsafely = \"unsafe\"; unsafe { g() } } unsafe extern {}";
    assert_eq!(unsafe_words(source), 2);
}
