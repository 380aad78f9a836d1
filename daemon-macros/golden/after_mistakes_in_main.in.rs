#[repeat_daemon]
const fn main(#[args(flatten)] opts: &mut Options) {}
