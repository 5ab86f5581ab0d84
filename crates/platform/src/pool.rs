//! A pool of threads for work that uses a processor or waits for the disk. The number of threads and the number of waiting jobs
//! are bounded, and more jobs are refused at once. So a flood of such work costs neither memory nor the time of other requests.

use crate::env::{Env, LockUnpoisoned as _};
use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, SyncSender, sync_channel},
};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Why work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many jobs wait already; nothing was done.
    #[error("too much work waits")]
    Full,
    /// The work panicked.
    #[error("the work ended unexpectedly")]
    Lost,
}

/// A handle; cheap to clone. The threads end with the last one.
#[derive(Clone)]
pub struct Pool {
    queue: SyncSender<Job>,
}

impl Pool {
    /// Starts `threads` threads called `name`, 0 for as many as there are processors, and a queue of `waiting` jobs.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(env: &Env, name: &str, threads: usize, waiting: usize) -> std::io::Result<Pool> {
        let (queue, jobs) = sync_channel::<Job>(waiting);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        for number in 0..threads {
            let jobs = jobs.clone();
            env.spawn_thread(&format!("{name}-{number}"), move || work(&jobs))?;
        }
        Ok(Pool { queue })
    }

    /// Runs `work` on one of the threads. A panic of the work affects nothing else.
    ///
    /// # Errors
    /// [`Error::Full`] when too many wait, [`Error::Lost`] when it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move || {
            // A caller that stopped waiting needs no result.
            if !reply.is_closed() {
                let _ = reply.send(work());
            }
        });
        self.queue.try_send(job).map_err(|_| Error::Full)?;
        answer.await.map_err(|_| Error::Lost)
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        // One thread waits for a job and holds the lock; it releases the lock before it works.
        let job = jobs.lock_unpoisoned().recv();
        match job {
            // After a panic the reply is dropped, which is an error at the caller.
            Ok(job) => drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job))),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::time::Timestamp;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_job_beyond_the_queue_is_refused_and_a_panic_affects_one_caller() {
        let pool = Pool::start(&Env::seeded(1, Timestamp::EPOCH), "test", 1, 1).unwrap();
        let (began, begun) = mpsc::sync_channel(1);
        let (go, wait) = mpsc::sync_channel(0);
        let working = pool.run(move || {
            began.send(()).unwrap();
            wait.recv().unwrap()
        });
        let mut working = Box::pin(working);
        assert!(poll(&mut working).is_pending());
        begun.recv().unwrap();
        let mut waiting = Box::pin(pool.run(|| 2));
        assert!(poll(&mut waiting).is_pending());
        assert!(matches!(pool.run(|| 3).await, Err(Error::Full)));
        go.send(1).unwrap();
        assert_eq!((working.await.unwrap(), waiting.await.unwrap()), (1, 2));
        assert!(matches!(pool.run(|| panic!("on purpose")).await, Err::<(), _>(Error::Lost)));
        assert_eq!(pool.run(|| 4).await.unwrap(), 4);
    }

    /// Polls once, which puts the job into the queue.
    fn poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
        std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }
}
