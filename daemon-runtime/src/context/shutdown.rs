//! The shutdown as something that a task can await.

use std::pin::Pin;
use std::task::Poll;

use super::Context;

/// What [`Context::shutdown`] returns.
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Shutdown {
    pub(super) context: Context,
    /// Where its waker is kept, once it has waited.
    pub(super) place: Option<u64>,
}

impl Future for Shutdown {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut std::task::Context<'_>) -> Poll<()> {
        let context = self.context.clone();
        // A task of another thread says nothing of the worker.
        context.be_alive();
        // Wakers are foreign code: made before the lock is taken, and dropped after it is given back.
        let waker = task.waker().clone();
        let mut asked = context.lock();
        if asked.cause.is_some() {
            return Poll::Ready(());
        }
        let place = *self.place.get_or_insert_with(|| {
            asked.next += 1;
            asked.next
        });
        let replaced = asked.waiting.insert(place, waker);
        drop(asked);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            // Under the lock only for as long as it is taken out: a waker is foreign code.
            let waker = self.context.lock().waiting.remove(&place);
            drop(waker);
        }
    }
}
