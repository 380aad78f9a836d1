#[daemon(name = , , pidfile "/x", "text" = 1, signals(= f, SIGHUP), env(A = 1 B = 2))]
fn w() {}
