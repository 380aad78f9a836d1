#[daemon(groups = [], preserve_fds = [], signals(), env(), actions())]
fn greeter() {}
