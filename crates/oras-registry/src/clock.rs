//! A deadline that moves often and is missed rarely.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// Moving a timer of the runtime costs more than answering a small request. So this one moves it only to an earlier
/// time; a later one is looked at when the timer goes off.
#[derive(Default)]
pub(crate) struct Clock {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    /// Whether `deadline` has passed. If not, the task is woken at the latest then.
    pub(crate) fn has_passed(&mut self, deadline: Instant, context: &mut Context<'_>) -> bool {
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while let Poll::Ready(()) = sleep.as_mut().poll(context) {
            if Instant::now() >= deadline {
                return true;
            }
            sleep.as_mut().reset(deadline);
        }
        false
    }

    /// Waits for `deadline`. Nothing is lost if the waiting is given up.
    pub(crate) async fn wait(&mut self, deadline: Instant) {
        poll_fn(|context| match self.has_passed(deadline, context) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn deadlines_can_move_either_way() {
        let begin = Instant::now();
        let mut clock = Clock::default();
        let mut deadline = begin + 10 * SECOND;
        let passed = |clock: &mut Clock, deadline, context: &mut Context<'_>| {
            clock.has_passed(deadline, context)
        };
        assert!(!poll_fn(|context| Poll::Ready(passed(&mut clock, deadline, context))).await);
        deadline = begin + 30 * SECOND;
        clock.wait(deadline).await;
        assert_eq!(begin.elapsed(), 30 * SECOND);
        deadline = Instant::now() + 60 * SECOND;
        assert!(!poll_fn(|context| Poll::Ready(passed(&mut clock, deadline, context))).await);
        deadline = Instant::now() + SECOND;
        clock.wait(deadline).await;
        assert_eq!(begin.elapsed(), 31 * SECOND);
    }
}
