//! The functions that a daemon is given besides its worker.

use std::sync::Arc;

use crate::spec::CustomAction;
use crate::spec::builder::Daemon;
use crate::spec::hook::{IntoHook, When};
use crate::spec::setting::{IntoSetting, Setting};
use crate::spec::signal::{IntoSignalAction, Signal};
use crate::spec::stage::Stage;

impl Daemon {
    /// A function that is called in the launcher before anything else, unless the daemon runs already. An error of it
    /// refuses the start.
    pub fn on_start<Shape>(mut self, hook: impl IntoHook<Shape>) -> Self {
        self.spec.on_start = hook.into_hook().0.or(self.spec.on_start);
        self
    }

    /// A function that is called exactly once at the end of the daemon, with the reason (`Terminated by SIGTERM (15)`,
    /// `Shutting down normally`, `Dying due to panic: TEXT`, ...) and the exit code: whatever ends it but SIGKILL, a crash,
    /// or another signal that nothing handles. It must return: the end does not wait for it when a second signal comes, and
    /// `process::exit` must not be called from it.
    pub fn on_shutdown(mut self, hook: impl Fn(&str, i32) + Send + Sync + 'static) -> Self {
        self.spec.on_shutdown = Some(Arc::new(hook));
        self
    }

    /// A function that is called before a stage: the key `before(STAGE = fn)`. Several of one stage are called in the order
    /// given. Its error or panic fails the start as the stage's own would; see [`Stage`] for their order. While it runs, all
    /// signals are blocked (also in a program that it starts), as they are between the stages: what asks for a shutdown meanwhile is heard when the worker begins.
    ///
    /// ```no_run
    /// use daemon_runtime::Daemon;
    /// # fn bind_port_80() -> std::io::Result<()> { Ok(()) }
    /// let daemon = Daemon::new(|| {}).user("www-data").before("privileges", bind_port_80);
    /// ```
    pub fn before<Shape>(self, stage: impl IntoSetting<Stage>, hook: impl IntoHook<Shape>) -> Self {
        self.hook("before", When::Before, stage, hook)
    }

    /// A function that is called after a stage: the key `after(STAGE = fn)`; as [`before`](Self::before).
    pub fn after<Shape>(self, stage: impl IntoSetting<Stage>, hook: impl IntoHook<Shape>) -> Self {
        self.hook("after", When::After, stage, hook)
    }

    fn hook<Shape>(
        self,
        key: &'static str,
        when: When,
        stage: impl IntoSetting<Stage>,
        hook: impl IntoHook<Shape>,
    ) -> Self {
        let Some(hook) = hook.into_hook().0 else { return self };
        self.put(key, stage, |spec, stage| spec.hooks.push((when, stage, hook)))
    }

    /// What a signal does: the key `signals(SIGHUP = fn, SIGUSR1 = "ignore", SIGUSR2 = "terminate")`. A function is called on
    /// a thread of its own, one call after the other. Set again, the later one holds.
    ///
    /// Where nothing is said of SIGHUP, and stdout or stderr is the file of a path, it is `"reopen"`: logrotate(8) may have moved
    /// the files away. A log that cannot be opened again stays, and is told so. With that, or with a function for SIGHUP,
    /// `reload` works. The signal that `stop` sends can only be `"terminate"`.
    pub fn signal<Shape>(mut self, signal: impl IntoSetting<Signal>, action: impl IntoSignalAction<Shape>) -> Self {
        match action.into_signal_action() {
            Setting::Unset => self,
            Setting::Value(action) => self.put("signals", signal, |spec, signal| {
                spec.signals.retain(|(known, _)| *known != signal.0);
                spec.signals.push((signal.0, action));
            }),
            Setting::Refused { value, reason } => {
                self.spec.refuse("signals", &value, &reason);
                self
            }
        }
    }

    /// An action of the program's own, beside `start` and the others: the key `actions(NAME = fn)`. It is called in the process
    /// that was run, has the exit code 0, or 1 with its error on stderr, and stands in `--help` with this text, under its
    /// name with dashes for underscores. In the attribute the text is a doc comment above the action.
    ///
    /// ```no_run
    /// # use daemon_runtime::Daemon;
    /// let daemon = Daemon::new(|| {}).action("clear_cache", "Empty the cache", || std::fs::remove_dir_all("/var/cache/x"));
    /// ```
    pub fn action<Shape>(
        self,
        name: impl IntoSetting<String>,
        about: impl IntoSetting<String>,
        hook: impl IntoHook<Shape>,
    ) -> Self {
        let Some(hook) = hook.into_hook().0 else { return self };
        let about = match about.into_setting() {
            Setting::Value(about) => Some(about),
            _ => None,
        };
        self.put("actions", name, |spec, name| {
            let action = CustomAction { name: name.replace('_', "-"), about, hook };
            if let Some(reason) = spec.why_not_action(&action.name) {
                spec.refuse("actions", &format!("{name:?}"), &reason);
            } else {
                spec.actions.push(action);
            }
        })
    }
}
