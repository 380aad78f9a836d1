#[repeat_daemon(r#every = "5s", nämé = 1, r#crate = a)]
fn r#fn(ćtx: &Tick) {}
