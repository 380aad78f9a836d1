//! The contenders' programs, made before anything is measured. What a machine has not is left out, and said.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of this package.
pub const BENCH: &str = env!("CARGO_MANIFEST_DIR");

/// What has been built.
#[derive(Debug)]
pub struct Programs {
    release: PathBuf,
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
        Ok(Self {
            limit_in_c: compiled("contenders/limit/limit.c", &release.join("limit-in-c")),
            ticks_in_c: compiled("contenders/ticks/ticks.c", &release.join("ticks-in-c")),
            start_stop_daemon: installed("start-stop-daemon"),
            python: python(&release),
            release,
        })
    }

    /// A program of this workspace.
    pub fn rust(&self, name: &str) -> PathBuf {
        self.release.join(name)
    }
}

/// Where cargo puts the programs of the release profile: beside the benchmarks', which are two folders below.
fn release() -> Result<PathBuf, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let folder = this.ancestors().nth(2).filter(|folder| folder.ends_with("release"));
    folder.map(Path::to_owned).ok_or_else(|| format!("{} is not where cargo puts benchmarks", this.display()))
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

fn compiled(source: &str, program: &Path) -> Option<PathBuf> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command.args(["-O2", "-s", "-o"]).arg(program).arg(Path::new(BENCH).join(source));
    left_out(source, succeeded(&mut command))?;
    Some(program.to_owned())
}

/// Looked for where root's programs are, too.
fn installed(name: &str) -> Option<PathBuf> {
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
