//! Tools of the system: whether they are there, and what they say.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::home::{Home, Program, Told};

/// Where Debian has its tools, also those that an ordinary user's PATH leaves out.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];

/// Whether a test that needs these tools may go on; says so where it may not.
pub fn are_there(test: &str, tools: &[&str]) -> bool {
    let missing: Vec<_> = tools.iter().filter(|tool| find(tool).is_none()).collect();
    if !missing.is_empty() {
        // Not by `eprintln!`, which the test runner keeps to itself where nothing fails.
        let _ = writeln!(std::io::stderr(), "skipped: {test} needs {missing:?}");
    }
    missing.is_empty()
}

fn find(tool: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(tool)).find(|path| path.exists())
}

/// A tool about to be run in the test's directory.
pub fn tool(home: &Home, name: &str) -> Program {
    home.program(&find(name).expect("the test has asked for it"))
}

/// What a tool says to these words.
pub fn says(home: &Home, name: &str, words: &[&str]) -> Told {
    tool(home, name).run(words)
}
