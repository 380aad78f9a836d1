#[daemon(name = (((("x")))), env(A = [[{ (1) }]]), before(detach = {{ f }}))]
fn w(((a)): (&(Context))) -> ((())) {}
