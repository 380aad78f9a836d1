/// Serves greetings.
#[daemon(pidfile = "~/greeter.pid", stop_timeout = "5s")]
fn greeter() {
    println!("hello");
}
