//! The shutdown as something that a task can await.

use std::pin::Pin;
use std::task::Poll;

use super::Context;

/// What [`Context::shutdown`] returns.
#[derive(Debug, Clone)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Shutdown {
    pub(super) context: Context,
}

impl Future for Shutdown {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut std::task::Context<'_>) -> Poll<()> {
        let mut asked = self.context.lock();
        if asked.cause.is_some() {
            return Poll::Ready(());
        }
        if !asked.waiting.iter().any(|waker| waker.will_wake(task.waker())) {
            asked.waiting.push(task.waker().clone());
        }
        Poll::Pending
    }
}
