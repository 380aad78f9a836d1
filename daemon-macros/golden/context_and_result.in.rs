/// Serves greetings.
#[daemon(pidfile = "~/greeter.pid", stop_timeout = "5s", stdout = log_path())]
pub fn greeter(ctx: &Context) -> Result<(), std::io::Error> {
    let socket = std::net::TcpListener::bind("127.0.0.1:7070")?;
    ctx.ready();
    serve(socket, ctx)
}
