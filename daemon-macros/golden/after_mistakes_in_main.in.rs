#[repeat_daemon]
async fn main() {}
