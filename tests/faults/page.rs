//! `daemon-runtime/doc/system-calls.md`, the page that tells what a good start calls and why, beside what it is seen to call.

use std::collections::BTreeMap;
use std::fmt::Write;

use nix::libc;

use crate::tracer::Made;

/// The page's chapters, and who is told of in each.
const ROLES: [(&str, &str); 4] = [
    ("Launcher", "launcher"),
    ("Session leader", "session leader"),
    ("Daemon", "daemon"),
    ("Watcher", "daemon, thread 1"),
];

const HEAD: &str = "| calls | why |\n|---|---|\n";

/// Some calls that follow each other for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    calls: Vec<String>,
    why: String,
}

/// What is not counted, because it is another number on another machine or in another build; the page says so.
fn is_counted(made: &Made) -> bool {
    const MEMORY: [&str; 6] = ["brk", "mmap", "munmap", "mprotect", "madvise", "mremap"];
    // The mark of `main`'s beginning, and std's care for the stacks of threads.
    const OF_THREADS: [&str; 6] =
        ["sched_yield", "rseq", "set_robust_list", "sched_getaffinity", "gettid", "sigaltstack"];
    // std asks in builds for debugging, before each close, whether the descriptor is open.
    const OF_DEBUGGING: [&str; 1] = ["fcntl"];
    const WAITS: [&str; 9] = [
        "poll",
        "ppoll",
        "futex",
        "futex(FUTEX_WAIT)",
        "wait4",
        "waitid",
        "rt_sigtimedwait",
        "restart_syscall",
        "rt_sigreturn",
    ];
    let left_out = [&MEMORY[..], &OF_THREADS, &OF_DEBUGGING, &WAITS];
    // The two that glibc keeps for itself: it sets one of them up with the first thread.
    let of_glibc = made.place.name == "rt_sigaction" && [32, 33].contains(&made.call.arguments[0]);
    made.in_main && !of_glibc && !left_out.iter().any(|names| names.contains(&made.place.name))
}

/// Its name, which is the same whatever the C library makes of it.
fn name(made: &Made) -> &'static str {
    const EMPTY_PATH: u64 = libc::AT_EMPTY_PATH as u64;
    match made.place.name {
        "newfstatat" if made.call.arguments[3] & EMPTY_PATH != 0 => "fstat",
        "clone3" => "clone",
        name => name,
    }
}

/// The calls of a thread. The C library may block signals around a `clone`, in who makes it and in who is made.
fn calls_of(who: &str, seen: &[Made]) -> Vec<&'static str> {
    let all = seen.iter().filter(|made| made.place.who == who && is_counted(made)).map(name);
    let all: Vec<_> = all.collect();
    let is_beside = |at: &usize| {
        let masks = |name: &&&str| **name == "rt_sigprocmask";
        let before = all[..*at].iter().rev().find(|name| !masks(name));
        let after = all[*at..].iter().find(|name| !masks(name));
        all[*at] == "rt_sigprocmask" && [before.unwrap_or(&"clone"), after.unwrap_or(&"")].contains(&&"clone")
    };
    (0..all.len()).filter(|at| !is_beside(at)).map(|at| all[at]).collect()
}

/// What the page says otherwise than what was seen.
pub fn differences(page: &str, seen: &[Made]) -> Vec<String> {
    let strangers = seen.iter().filter(|made| is_counted(made)).filter(|made| who(made).is_none());
    let mut strangers: Vec<_> = strangers.map(|made| format!("the page knows no {}", made.place.who)).collect();
    strangers.dedup();
    let of_roles = ROLES.iter().flat_map(|(chapter, who)| {
        let rows = rows(page, chapter);
        let told: Vec<_> = rows.iter().flat_map(|row| row.calls.iter().map(String::as_str)).collect();
        let without = rows.iter().filter(|row| row.why.is_empty());
        let without = without.map(|row| format!("{chapter}: no reason is told for {}", row.words()));
        between(chapter, &told, &calls_of(who, seen)).into_iter().chain(without).collect::<Vec<_>>()
    });
    strangers.into_iter().chain(of_roles).collect()
}

/// The page with the calls that were seen. Those that are new stand with the call before them, and whoever made them says why.
pub fn remade(page: &str, seen: &[Made]) -> String {
    ROLES.iter().fold(page.to_owned(), |page, (chapter, who)| {
        let Some((before, table, after)) = table(&page, chapter) else { panic!("there is no chapter {chapter}") };
        let rows = aligned(&parsed(table), &calls_of(who, seen));
        let rows = rows.iter().fold(String::new(), |mut text, row| {
            // A String takes whatever is written.
            let _ = writeln!(text, "| {} | {} |", row.words(), row.why);
            text
        });
        format!("{before}{HEAD}{rows}{after}")
    })
}

fn who(made: &Made) -> Option<&'static str> {
    ROLES.iter().find(|(_, who)| made.place.who == *who).map(|(chapter, _)| *chapter)
}

fn between(chapter: &str, told: &[&str], seen: &[&str]) -> Vec<String> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    told.iter().for_each(|name| counts.entry(name).or_default().0 += 1);
    seen.iter().for_each(|name| counts.entry(name).or_default().1 += 1);
    let differing = counts.iter().filter(|(_, (told, seen))| told != seen);
    let differing: Vec<_> =
        differing.map(|(name, (told, seen))| format!("{chapter}: {name} {seen} times, the page says {told}")).collect();
    match told.iter().zip(seen).position(|(told, seen)| told != seen) {
        Some(at) if differing.is_empty() => {
            vec![format!("{chapter}: call no. {} is {}, the page says {}", at + 1, seen[at], told[at])]
        }
        _ => differing,
    }
}

/// What stands before the chapter's table, the lines of the table, and what comes after it.
fn table<'a>(page: &'a str, chapter: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let begin = page.find(&format!("\n## {chapter}\n"))?;
    let begin = begin + page[begin..].find(HEAD)?;
    let lines = &page[begin + HEAD.len()..];
    let length = lines.split_inclusive('\n').take_while(|line| line.starts_with('|')).map(str::len).sum();
    Some((&page[..begin], &lines[..length], &lines[length..]))
}

fn rows(page: &str, chapter: &str) -> Vec<Row> {
    table(page, chapter).map_or_else(Vec::new, |(_, table, _)| parsed(table))
}

fn parsed(table: &str) -> Vec<Row> {
    let row = |line: &str| {
        let (calls, why) = line.trim_matches(['|', ' ']).split_once(" | ")?;
        let calls = calls.split_whitespace().flat_map(|word| {
            let (name, times) = word.split_once('×').unwrap_or((word, "1"));
            std::iter::repeat_n(name.trim_matches('`').to_owned(), times.parse().unwrap_or(0))
        });
        Some(Row { calls: calls.collect(), why: why.trim().to_owned() })
    };
    table.lines().filter_map(row).collect()
}

impl Row {
    fn words(&self) -> String {
        let alike = self.calls.chunk_by(|a, b| a == b);
        let words = alike.map(|calls| match calls.len() {
            1 => format!("`{}`", calls[0]),
            times => format!("`{}`×{times}", calls[0]),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// The rows with other calls: as many as can be stay where they are.
fn aligned(rows: &[Row], seen: &[&str]) -> Vec<Row> {
    let told: Vec<_> =
        rows.iter().enumerate().flat_map(|(n, row)| row.calls.iter().map(move |c| (c.as_str(), n))).collect();
    let kept = kept(&told, seen);
    let empty = Row { calls: Vec::new(), why: String::new() };
    let mut new: Vec<_> = rows.iter().map(|row| Row { calls: Vec::new(), ..row.clone() }).collect();
    if new.is_empty() {
        new.push(empty);
    }
    let mut current = 0;
    for (name, row) in seen.iter().zip(kept) {
        current = row.unwrap_or(current);
        new[current].calls.push((*name).to_owned());
    }
    new.retain(|row| !row.calls.is_empty());
    new
}

/// For each call that was seen the row where it stood already: by the longest sequence that both have.
fn kept(told: &[(&str, usize)], seen: &[&str]) -> Vec<Option<usize>> {
    let mut longest = vec![vec![0_usize; seen.len() + 1]; told.len() + 1];
    for (i, (name, _)) in told.iter().enumerate().rev() {
        for j in (0..seen.len()).rev() {
            let skipped = longest[i + 1][j].max(longest[i][j + 1]);
            longest[i][j] = if *name == seen[j] { 1 + longest[i + 1][j + 1] } else { skipped };
        }
    }
    let (mut i, mut kept) = (0, Vec::new());
    for (j, name) in seen.iter().enumerate() {
        while i < told.len() && told[i].0 != *name && longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        }
        let is_kept = told.get(i).is_some_and(|(told, _)| told == name);
        kept.push(is_kept.then(|| told[i].1));
        i += usize::from(is_kept);
    }
    kept
}
