//! The contenders' programs, made before anything is measured. What a machine has not is left out, and said.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// The folder of this package.
pub const BENCH: &str = env!("CARGO_MANIFEST_DIR");

/// The programs of this workspace.
const RUST: [&str; 8] =
    ["limit", "ours", "ours-bare", "daemonized", "ticks-limit", "ticks-ours", "ballast-limit", "ballast-ours"];

/// What has been built.
#[derive(Debug)]
pub struct Programs {
    installed: PathBuf,
    /// Where there is a compiler for them.
    pub limit_in_c: Option<PathBuf>,
    pub ticks_in_c: Option<PathBuf>,
    pub start_stop_daemon: Option<PathBuf>,
    pub python: Option<Python>,
}

/// An interpreter that has the packages that are measured.
#[derive(Debug)]
pub struct Python {
    pub interpreter: PathBuf,
}

impl Python {
    pub fn script(&self, name: &str) -> PathBuf {
        Path::new(BENCH).join("contenders/python").join(name)
    }
}

impl Programs {
    pub fn build() -> Result<Self, String> {
        let release = release()?;
        // By itself, or it gets the features that the others have.
        cargo(["build", "--release", "-p", "ours-bare"])?;
        let packages = ["limit", "ours", "daemonized", "ticks", "ballast"];
        cargo(["build", "--release"].into_iter().chain(packages.into_iter().flat_map(|package| ["-p", package])))?;
        let compile = |source, name| compiled(source, &release.join(name)).then_some(name);
        let limit_in_c = compile("contenders/limit/limit.c", "limit-in-c");
        let ticks_in_c = compile("contenders/ticks/ticks.c", "ticks-in-c");
        let installed = install(&release, RUST.into_iter().chain(limit_in_c).chain(ticks_in_c))?;
        Ok(Self {
            limit_in_c: limit_in_c.map(|name| installed.join(name)),
            ticks_in_c: ticks_in_c.map(|name| installed.join(name)),
            start_stop_daemon: found("start-stop-daemon"),
            python: python(&release),
            installed,
        })
    }

    /// A program of this workspace.
    pub fn rust(&self, name: &str) -> PathBuf {
        self.installed.join(name)
    }
}

/// Where cargo puts the programs of the release profile: beside the benchmarks', which are two folders below.
fn release() -> Result<PathBuf, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let folder = this.ancestors().nth(2).filter(|folder| folder.ends_with("release"));
    folder.map(Path::to_owned).ok_or_else(|| format!("{} is not where cargo puts benchmarks", this.display()))
}

/// Copies them, as whoever installs a program does: a file that is written from its beginning to its end lies in larger pieces
/// in the page cache than one that a linker has just put together, and what maps it takes fewer steps.
fn install<'a>(release: &Path, names: impl Iterator<Item = &'a str>) -> Result<PathBuf, String> {
    let folder = release.join("installed");
    let copy = |name: &str| {
        let _ = fs::remove_file(folder.join(name));
        fs::copy(release.join(name), folder.join(name))
            .map_err(|error| format!("{}: {error}", folder.join(name).display()))
    };
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for name in names {
        copy(name)?;
    }
    Ok(folder)
}

/// Calls the cargo that called us, in this package.
pub fn cargo<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Result<(), String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).args(["--quiet", "--locked"]).current_dir(BENCH);
    succeeded(&mut command)
}

fn succeeded(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

fn compiled(source: &str, program: &Path) -> bool {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command.args(["-O2", "-s", "-o"]).arg(program).arg(Path::new(BENCH).join(source));
    left_out(source, succeeded(&mut command)).is_some()
}

/// Looked for where root's programs are, too.
fn found(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    left_out(name, found.ok_or_else(|| "it is not installed".to_owned()))
}

/// The packages are installed for the benchmarks only.
fn python(release: &Path) -> Option<Python> {
    let folder = release.join("python");
    let interpreter = folder.join("bin/python");
    let requirements = Path::new(BENCH).join("contenders/python/requirements.txt");
    let made = || {
        succeeded(Command::new("python3").args(["-m", "venv"]).arg(&folder).stdout(Stdio::null()))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        succeeded(Command::new(&interpreter).args(pip).arg(requirements))
    };
    left_out("what is written in Python", made())?;
    Some(Python { interpreter })
}

fn left_out<T>(what: &str, made: Result<T, String>) -> Option<T> {
    made.map_err(|reason| println!("left out: {what}, because {reason}")).ok()
}
