#[daemon(name = b"x", pidfile = c"/x", umask = 'c', workdir = r#"/x"#, user = 1u8, group = 1.5e3, stdin = -1, settle = "5 parsecs")]
fn w() {}
