#[daemon(before(detach = |< ()), env(A = ), name = <)]
fn w() {}
