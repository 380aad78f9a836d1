use daemon_runtime::{Context, daemon};

struct Server;

impl Server {
    #[daemon(pidfile = "/run/server.pid")]
    fn serve(&self, ctx: &Context) {
        ctx.ready();
    }
}

fn main() {
    let _ = Server::serve;
}
