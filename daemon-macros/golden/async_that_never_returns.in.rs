#[daemon(crate = my::rt)]
async fn forever() -> ! {
    std::future::pending().await
}
