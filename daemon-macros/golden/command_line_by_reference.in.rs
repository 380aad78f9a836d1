#[repeat_daemon(every = "5s", crate = my::rt)]
fn greeter(
    #[args]
    #[allow(unused_variables, reason = "kept")]
    opts: &cli::Options,
) {}
