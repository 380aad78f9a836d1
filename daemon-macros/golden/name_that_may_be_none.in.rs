#[daemon(name = name())]
fn named_by_others() {}
