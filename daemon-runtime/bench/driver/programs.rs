//! The contenders' programs, made before anything is measured.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of this package.
const BENCH: &str = env!("CARGO_MANIFEST_DIR");

/// What has been built.
#[derive(Debug)]
pub struct Programs {
    release: PathBuf,
    /// Where there is a compiler for it.
    pub limit_in_c: Option<PathBuf>,
}

impl Programs {
    pub fn build() -> Result<Self, String> {
        let release = release()?;
        cargo(["build", "--release", "-p", "limit", "-p", "ours", "-p", "daemonized"])?;
        let c = release.join("limit-in-c");
        let source = Path::new(BENCH).join("contenders/limit/limit.c");
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        let compiled = Command::new(&compiler).args(["-O2", "-s", "-o"]).args([&c, &source]).status();
        let is_compiled = compiled.is_ok_and(|status| status.success());
        if !is_compiled {
            println!("left out: the limit in C, because there is no C compiler `{}`", compiler.display());
        }
        Ok(Self { release, limit_in_c: is_compiled.then_some(c) })
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

fn cargo<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Result<(), String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo).args(arguments).args(["--quiet", "--locked"]).current_dir(BENCH).status();
    match done {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("the contenders cannot be built: {other:?}")),
    }
}
