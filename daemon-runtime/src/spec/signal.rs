//! Signals by name, and what is to become of them.

use std::sync::Arc;

use super::setting::{IntoSetting, Setting};

/// A signal that can be caught: the key `stop_signal`, and the names in `signals`; signal(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(pub(crate) i32);

impl Signal {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        use nix::sys::signal::Signal as Known;
        let name = if text.starts_with("SIG") { text.to_owned() } else { format!("SIG{text}") };
        match name.parse::<Known>() {
            Ok(Known::SIGKILL | Known::SIGSTOP) => {
                Err("no program can catch it; `stop --force` kills what will not stop".to_owned())
            }
            Ok(Known::SIGILL | Known::SIGFPE | Known::SIGSEGV | Known::SIGBUS) => {
                Err("it tells of a fault in the program, after which nothing can be done in order".to_owned())
            }
            Ok(signal) => Ok(Self(signal as i32)),
            Err(_) => Err("signals are named as in signal(7), like \"SIGTERM\"".to_owned()),
        }
    }
}

/// What a signal in `signals` does: calls a function, is ignored (`"ignore"`), asks for the shutdown (`"terminate"`), or has the
/// logs opened again (`"reopen"`).
#[derive(Clone)]
pub enum SignalAction {
    /// The function is called, on a thread of its own and not in the signal's handler, so it may do whatever it likes.
    Call(Arc<dyn Fn() + Send + Sync>),
    /// Nothing happens; programs that the daemon runs ignore it too.
    Ignore,
    /// As with SIGTERM, a shutdown is asked for.
    Terminate,
    /// The files of stdout and stderr are opened again by their paths, as after a rotation. It is what SIGHUP does where nothing
    /// else is said of it and a stream is the file of a path.
    Reopen,
}

impl std::fmt::Debug for SignalAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Call(_) => "Call",
            Self::Ignore => "Ignore",
            Self::Terminate => "Terminate",
            Self::Reopen => "Reopen",
        })
    }
}

/// What can be given for a signal: `Fn()`, `"ignore"`, `"terminate"`, `"reopen"`, a [`SignalAction`], or an `Option` of these.
///
/// `Shape` only keeps these apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a signal does",
    note = "it is a function or closure without parameters, `\"ignore\"`, `\"terminate\"`, or `\"reopen\"`"
)]
pub trait IntoSignalAction<Shape> {
    #[doc(hidden)]
    fn into_signal_action(self) -> Setting<SignalAction>;
}

impl<F: Fn() + Send + Sync + 'static> IntoSignalAction<fn()> for F {
    fn into_signal_action(self) -> Setting<SignalAction> {
        Setting::Value(SignalAction::Call(Arc::new(self)))
    }
}

impl IntoSignalAction<&str> for &str {
    fn into_signal_action(self) -> Setting<SignalAction> {
        match self {
            "ignore" => Setting::Value(SignalAction::Ignore),
            "terminate" => Setting::Value(SignalAction::Terminate),
            "reopen" => Setting::Value(SignalAction::Reopen),
            _ => Setting::Refused {
                value: format!("{self:?}"),
                reason: "a signal calls a function, or is one of \"ignore\", \"terminate\", \"reopen\"".to_owned(),
            },
        }
    }
}

impl IntoSignalAction<Self> for SignalAction {
    fn into_signal_action(self) -> Setting<SignalAction> {
        Setting::Value(self)
    }
}

impl<A: IntoSignalAction<Shape>, Shape> IntoSignalAction<Option<Shape>> for Option<A> {
    fn into_signal_action(self) -> Setting<SignalAction> {
        self.map_or(Setting::Unset, A::into_signal_action)
    }
}

impl IntoSetting<Self> for Signal {
    fn into_setting(self) -> Setting<Self> {
        Setting::Value(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str) -> Setting<Signal> {
        name.into_setting()
    }

    #[test]
    fn a_signal_is_read_with_and_without_its_prefix() {
        assert_eq!(set("SIGQUIT"), Setting::Value(Signal(3)));
        assert_eq!(set("QUIT"), Setting::Value(Signal(3)));
        for refused in ["KILL", "STOP", "SIGSEGV", "TERMINATE"] {
            assert!(matches!(set(refused), Setting::Refused { .. }), "{refused}");
        }
    }

    #[test]
    fn a_signal_calls_a_function_or_does_what_a_word_says() {
        let call = (|| {}).into_signal_action();
        assert!(matches!(call, Setting::Value(SignalAction::Call(_))));
        assert!(matches!("ignore".into_signal_action(), Setting::Value(SignalAction::Ignore)));
        assert!(matches!("die".into_signal_action(), Setting::Refused { .. }));
    }
}
