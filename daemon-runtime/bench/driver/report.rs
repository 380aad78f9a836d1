//! What the README shows of a run: the table, the pictures, and between two marks in the README itself, the figures beside
//! each other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::findings::Finding;
use crate::options::Options;
use crate::programs::BENCH;
use crate::{plot, table};

const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// What stands side by side in the README.
const MEASURES: [&str; 6] = ["start", "stop", "restart", "status", "failing start", "private memory"];

/// What else is shown there, as a picture only.
const MORE_PICTURES: [&str; 4] = ["tick", "drift", "start, memory of the launcher", "status, other processes"];

/// The circumstances of a run.
pub struct Run {
    machine: String,
    rounds: usize,
}

impl Run {
    pub fn of(options: &Options, folder: &Path) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let model = model.trim_start_matches([' ', '\t', ':']);
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let kernel = told("uname", &["-sr"]);
        let system = told("stat", &["--file-system", "--format=%T", &folder.to_string_lossy()]);
        let (rustc, date) = (told("rustc", &["--version"]), told("date", &["--utc", "+%-d %B %Y"]));
        let machine = format!("{model}, {count} processors, {kernel}, pidfiles on {system}, {rustc}, {date}");
        Self { machine, rounds: options.rounds }
    }

    fn told(&self) -> String {
        format!("{}, {} rounds", self.machine, self.rounds)
    }
}

/// The first line that a program prints.
fn told(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

/// All findings, as one page.
pub fn page(run: &Run, findings: &[Finding]) -> String {
    let sections = findings.iter().map(|finding| {
        let picture =
            if table::is_drawn(finding) { format!("\n![]({}.svg)\n", finding.file_name()) } else { String::new() };
        format!("\n{}{picture}", table::section(finding))
    });
    format!("# What was measured\n\n{}.\n{}", run.told(), sections.collect::<String>())
}

/// Renews the page and the pictures, and the README's part if all of it was measured.
pub fn write(run: &Run, findings: &[Finding]) -> Result<(), String> {
    let folder = Path::new(BENCH).join("../doc/bench");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    for finding in findings.iter().filter(|finding| table::is_drawn(finding)) {
        plot::draw(finding, &folder.join(format!("{}.svg", finding.file_name())))?;
    }
    if !MEASURES.iter().all(|name| findings.iter().any(|finding| finding.name == **name)) {
        println!("the table stays as it is, because not all of it was measured");
        return Ok(());
    }
    fs::write(folder.join("table.md"), page(run, findings)).map_err(failed)?;
    renew_readme(run, findings)
}

/// Two beside each other.
fn picture(finding: &Finding) -> String {
    let (file, name) = (finding.file_name(), &finding.name);
    format!("<img src=\"daemon-runtime/doc/bench/{file}.svg\" alt=\"{name}\" width=\"49%\">\n")
}

fn renew_readme(run: &Run, findings: &[Finding]) -> Result<(), String> {
    let file: PathBuf = Path::new(BENCH).join("../../README.md");
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let text = fs::read_to_string(&file).map_err(failed)?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else { return Err(format!("{}: the marks are gone", file.display())) };
    let table = table::side_by_side(findings, &MEASURES);
    let shown = |name: &str| findings.iter().find(|finding| finding.name == name);
    let pictures: String = MEASURES.into_iter().chain(MORE_PICTURES).filter_map(shown).map(picture).collect();
    let text = format!("{before}{BEGIN}\n{table}\n{}.\n\n{pictures}{END}{after}", run.told());
    fs::write(&file, text).map_err(failed)
}
