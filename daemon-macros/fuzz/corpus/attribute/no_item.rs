#[repeat_daemon(every = "5s")]
