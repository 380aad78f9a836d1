#[daemon(
    signals(SIGHPU = reload, SIGUSR1 = rotate),
    before(umask = "prepare", workdir = prepare),
    env = logging(),
    /// Where it works.
    workdir("/srv"),
)]
fn greeter() {}
