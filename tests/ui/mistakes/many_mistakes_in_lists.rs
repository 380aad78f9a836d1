use daemon_runtime::{Context, daemon};

#[daemon(
    signals(SIGHPU = "ingore", SIGTERM = prepare, SIGUSR1 = prepare, USR1 = 9),
    before(umask = "prepare", fork = prepare),
    actions(stop = 1, /** Flushes. */ flush),
    env(/** Loud. */ RUST_LOG = true, = 1),
    groups = ["adm", -1, ""],
    chroot("/srv"),
    after = prepare,
    umask = 22,
)]
fn w(#[args] opts: &mut Options, ctx: Context) {
    let _ = (opts, ctx);
}

struct Options;

fn prepare() {
    println!("preparing");
}

fn main() {
    let _ = w("start");
}
