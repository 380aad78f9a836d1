#[repeat_daemon(every = PERIOD)]
fn dmn_example(tick: &Tick) -> Result<(), Error> {
    report(tick.number())
}
