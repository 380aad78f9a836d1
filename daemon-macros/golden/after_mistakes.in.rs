/// Serves greetings.
#[daemon(pidfle = "/run/greeter.pid", umask = 22, settle = Duration::from_secs(2))]
pub fn greeter(ctx: &Context) -> Result<(), std::io::Error> {
    serve(ctx)
}
