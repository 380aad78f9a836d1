use daemon_runtime::daemon;

#[daemon(pidfle = "/run/server.pid")]
struct Server;

fn main() {
    let _ = Server;
}
