//! The thread the client runs on.

use crate::cancel::CancelToken;
use crate::error::{cancelled, internal, panicked};
use ringback_core::client::ClientError;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Threads for work that blocks (the secure store, files, name look-ups) beside the one that never does.
const BLOCKING_THREADS: usize = 4;
/// How long such a thread waits for more work.
const BLOCKING_IDLE: Duration = Duration::from_secs(10);

/// One thread of our own, with a tokio runtime on it. Begins with the first call and ends with the last owner.
pub(crate) struct Runtime {
    running: Mutex<Option<Running>>,
}

struct Running {
    handle: Handle,
    /// Dropping it ends the thread. Nothing is ever sent.
    _stop: oneshot::Sender<Infallible>,
}

impl Runtime {
    /// No thread yet.
    pub(crate) fn idle() -> Self {
        Self { running: Mutex::new(None) }
    }

    /// Runs `work` on the thread and waits for it. `work` is dropped when the token is cancelled and when the future
    /// returned here is dropped, which is what UniFFI does when a Kotlin coroutine is cancelled.
    #[inline(never)]
    pub(crate) fn run<T: Send + 'static>(
        &self,
        cancel: Option<Arc<CancelToken>>,
        work: Called<T>,
    ) -> Called<T> {
        let told = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&told);
        let work = Box::pin(async move {
            let done = work.await;
            *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        });
        let finish = self.finish(cancel, work);
        Box::pin(async move {
            finish.await?;
            let done = told.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Cancelled by its token, it ends without a word.
            done.unwrap_or_else(|| Err(cancelled()))
        })
    }

    /// Waits for the end of the work. The same code whatever the work brings: on a phone it is there once.
    #[inline(never)]
    fn finish(&self, cancel: Option<Arc<CancelToken>>, work: Work) -> Finish {
        let task = self.spawn(cancel, work);
        Box::pin(async move {
            match (&mut task?.0).await {
                Ok(()) => Ok(()),
                Err(error) if error.is_panic() => Err(panicked()),
                Err(_) => Err(cancelled()),
            }
        })
    }

    fn spawn(&self, cancel: Option<Arc<CancelToken>>, work: Work) -> Result<AbortOnDrop, ClientError> {
        Ok(AbortOnDrop(self.handle()?.spawn(async move {
            let Some(token) = cancel else { return work.await };
            tokio::select! {
                biased;
                () = token.cancelled() => {}
                () = work => {}
            }
        })))
    }

    fn handle(&self) -> Result<Handle, ClientError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match &*running {
            Some(running) => Ok(running.handle.clone()),
            None => {
                let started = start().map_err(|_| internal("the client's thread could not be started"))?;
                Ok(running.insert(started).handle.clone())
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.running.lock().unwrap().is_none()
    }
}

fn start() -> std::io::Result<Running> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(BLOCKING_IDLE)
        .thread_name("ringback-blocking")
        .build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel();
    std::thread::Builder::new().name("ringback".to_owned()).spawn(move || {
        let _ = runtime.block_on(stopped);
        // Does not wait for a blocking call of the host: it may never return.
        runtime.shutdown_background();
    })?;
    Ok(Running { handle, _stop: stop })
}

/// A call and its answer.
pub(crate) type Called<T> = Pin<Box<dyn Future<Output = Result<T, ClientError>> + Send>>;
/// Work that tells by itself what came of it.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
/// The end of some work, well or not.
type Finish = Pin<Box<dyn Future<Output = Result<(), ClientError>> + Send>>;

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::pin::pin;
    use std::task::{Context, Waker};

    /// Tells when it is dropped.
    struct Dropped(Option<oneshot::Sender<()>>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }

    fn watched() -> (impl Future<Output = Result<(), ClientError>> + Send, oneshot::Receiver<()>) {
        let (tell, told) = oneshot::channel();
        let dropped = Dropped(Some(tell));
        let hang = async move {
            let _dropped = dropped;
            pending().await
        };
        (hang, told)
    }

    async fn soon<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(10), future).await.expect("within ten seconds")
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_thread_lives_on() {
        let runtime = Runtime::idle();
        let error =
            runtime.run(None, Box::pin(async { panic!("on purpose") as Result<(), ClientError> })).await;
        assert_eq!(error, Err(panicked()));
        assert_eq!(runtime.run(None, Box::pin(async { Ok(1) })).await, Ok(1));
    }

    #[tokio::test]
    async fn a_cancelled_token_drops_the_work() {
        let runtime = Runtime::idle();
        let token = CancelToken::new().unwrap();
        let (work, dropped) = watched();
        let mut call = pin!(runtime.run(Some(Arc::clone(&token)), Box::pin(work)));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        token.cancel().unwrap();
        soon(dropped).await.unwrap();
        assert_eq!(soon(call).await, Err(cancelled()));
    }

    #[tokio::test]
    async fn a_dropped_call_drops_the_work() {
        let runtime = Runtime::idle();
        let (work, dropped) = watched();
        {
            let mut call = pin!(runtime.run(None, Box::pin(work)));
            assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        soon(dropped).await.unwrap();
    }

    #[tokio::test]
    async fn dropping_the_runtime_drops_the_work_and_does_not_wait_for_a_blocked_host() {
        let runtime = Runtime::idle();
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let (began, begun) = oneshot::channel();
        runtime
            .run(
                None,
                Box::pin(async move {
                    tokio::task::spawn_blocking(move || {
                        began.send(()).unwrap();
                        let _ = blocked.recv();
                    });
                    Ok(())
                }),
            )
            .await
            .unwrap();
        soon(begun).await.unwrap();
        let (work, dropped) = watched();
        let handle = runtime.handle().unwrap();
        handle.spawn(work);
        drop(runtime);
        soon(dropped).await.unwrap();
        drop(release);
    }
}
