fn busy(action: impl my_crate::rt::IntoAction) -> my_crate::rt::Outcome {
    fn __busy_worker(tick: &Tick) -> ExitCode {
        work(tick)
    }
    my_crate::rt::Daemon::repeat(
            "5s",
            |__handle: &my_crate::rt::Tick| -> my_crate::rt::Ending {
                my_crate::rt::__ending!(__busy_worker(__handle))
            },
        )
        .version(::core::option_env!("CARGO_PKG_VERSION"))
        .name("busy")
        .pidfile(my_crate::rt::expand("/run/busy.pid"))
        .stdin(my_crate::rt::expand("/dev/null"))
        .stdout(my_crate::rt::expand("$HOME/out.log"))
        .stderr(my_crate::rt::expand("~/err.log"))
        .workdir(my_crate::rt::expand("/var/lib/busy"))
        .umask(0o022)
        .core_dumps(true)
        .detach("auto")
        .close_fds("all")
        .settle("2s")
        .ready("auto")
        .start_timeout(Duration::from_secs(20))
        .stop_timeout("1m")
        .stop_signal("SIGQUIT")
        .on_start(prepare)
        .on_shutdown(|reason, code| log(reason, code))
        .times(3)
        .missed("burst")
        .jitter("10ms")
        .initial_delay(Some("1s"))
        .on_error("stop")
        .dispatch(action)
}
