//! Whom lines are shown to, and what was shown last.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Stdout};
use std::os::fd::AsFd;
use std::path::Path;
#[cfg(feature = "since")]
use std::time::SystemTime;

use super::file::Log;
use super::{LogLines, LogsOptions};
use crate::error::Error;
use crate::folder::{Identity, identity};
use crate::process::Silent;

/// Who is shown the lines of logs.
pub(crate) trait Audience {
    /// There are so many logs.
    fn expect(&mut self, _count: usize) {}
    /// What follows is of the log of this name.
    fn title(&mut self, name: &OsStr) -> io::Result<()>;
    /// Some of its bytes.
    fn lines(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// What was shown is to be seen now.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// What there is to say beside the lines.
    fn remark(&mut self, _remark: &Remark<'_>) {}
    /// What is written to, for who wants to know when nobody reads it any more.
    fn output(&self) -> Option<Stdout> {
        None
    }
    /// Whether colours are wanted.
    fn is_coloured(&self) -> bool {
        false
    }
}

/// What there is to say beside the lines.
#[derive(Debug)]
pub(crate) enum Remark<'a> {
    /// The log is there, and has nothing in it.
    Empty(&'a Path),
    /// The log is not there, and is waited for.
    Awaited(&'a Path),
    /// Of one of several logs, or while others are followed.
    Failed(&'a Error),
}

impl Audience for Silent {
    fn title(&mut self, _name: &OsStr) -> io::Result<()> {
        Ok(())
    }
    fn lines(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Who keeps all of it.
#[derive(Debug, Default)]
pub(super) struct Kept(pub(super) Vec<LogLines>);

impl Audience for Kept {
    fn title(&mut self, name: &OsStr) -> io::Result<()> {
        self.0.push(LogLines { name: name.to_owned(), text: Vec::new() });
        Ok(())
    }
    fn lines(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(log) = self.0.last_mut() {
            log.text.extend_from_slice(bytes);
        }
        Ok(())
    }
}

/// What is shown: each log's lines below its title, which is told again where another's were in between.
pub(super) struct Showing<'a> {
    audience: &'a mut dyn Audience,
    last: Option<OsString>,
    /// The file that is written to, if it is one.
    output: Option<Identity>,
    /// Nothing older is followed: since when lines are wanted, where that is still to come.
    #[cfg(feature = "since")]
    pub(super) still_to_come: Option<SystemTime>,
    /// What has failed first, and is not told yet.
    failed: Option<Error>,
}

impl<'a> Showing<'a> {
    pub(super) fn to(audience: &'a mut dyn Audience, count: usize, options: &LogsOptions) -> Self {
        let _ = options;
        audience.expect(count);
        let output = audience.output().and_then(|stdout| stdout.as_fd().try_clone_to_owned().ok());
        let output = output.and_then(|stdout| File::from(stdout).metadata().ok()).as_ref().map(identity);
        Self {
            audience,
            last: None,
            output,
            #[cfg(feature = "since")]
            still_to_come: options.since.filter(|since| *since > SystemTime::now()),
            failed: None,
        }
    }

    /// Refuses a log that would grow by all that is shown of it, as cat(1) does.
    pub(super) fn check(&self, log: &Log) -> Result<(), Error> {
        match self.output {
            Some(output) if log.identity()? == output => {
                let found =
                    "it is the file that stdout goes to, and would grow by what is shown of it; show it elsewhere";
                log.told(Err(io::Error::new(io::ErrorKind::InvalidInput, found)))
            }
            _ => Ok(()),
        }
    }

    /// What follows is of this log, whether there is anything or not.
    pub(super) fn title(&mut self, name: &OsStr) -> Result<(), Error> {
        if self.last.as_deref() == Some(name) {
            return Ok(());
        }
        self.last = Some(name.to_owned());
        told(self.audience.title(name))
    }

    pub(super) fn lines(&mut self, name: &OsStr, bytes: &[u8]) -> Result<(), Error> {
        self.title(name)?;
        told(self.audience.lines(bytes))
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        told(self.audience.flush())
    }

    pub(super) fn remark(&mut self, remark: &Remark<'_>) {
        self.audience.remark(remark);
    }

    /// One log is no reason not to show the others: the first failure is what the action ends with, the others are told. But
    /// where nothing can be shown any more, there is nothing to go on with.
    pub(super) fn fail(&mut self, error: Error) -> Result<(), Error> {
        if matches!(error, Error::Unshown { .. }) {
            return Err(error);
        }
        if self.failed.is_some() {
            self.remark(&Remark::Failed(&error));
        } else {
            self.failed = Some(error);
        }
        Ok(())
    }

    /// Tells now what has failed, because it may take long until the end.
    pub(super) fn tell(&mut self) {
        if let Some(error) = self.failed.take() {
            self.remark(&Remark::Failed(&error));
        }
    }

    /// What the action comes to.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.failed.take().map_or(Ok(()), Err)
    }

    pub(super) fn output(&self) -> Option<Stdout> {
        self.audience.output()
    }

    pub(super) fn is_coloured(&self) -> bool {
        self.audience.is_coloured()
    }
}

fn told(written: io::Result<()>) -> Result<(), Error> {
    written.map_err(|source| Error::Unshown { source })
}
