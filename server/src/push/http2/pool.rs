//! Which connection a request takes, and when there is another one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::connect::Connector;
use super::connection::Connection;
use crate::push::outcome::NoAnswer;

/// Apple and Google take many streams on each; more connections than this look like an attack to them.
const MAX_CONNECTIONS: usize = 4;

type Connecting = Shared<BoxFuture<'static, Result<Arc<Connection>, NoAnswer>>>;

#[derive(Default)]
struct State {
    open: Vec<Arc<Connection>>,
    /// All who need a connection wait for the same one, and share its failure too.
    connecting: Option<Connecting>,
}

pub(super) struct Pool {
    connector: Connector,
    state: Arc<Mutex<State>>,
}

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector, state: Arc::default() }
    }

    /// The connection with most room. Where all are full, the next one is made, and where there may be no more, the
    /// request waits its turn.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, NoAnswer> {
        let (roomiest, connecting) = {
            let mut state = lock(&self.state);
            state.open.retain(|connection| !connection.is_retired());
            let roomiest = state.open.iter().max_by_key(|connection| connection.spare()).cloned();
            if let Some(roomiest) = &roomiest
                && (!roomiest.is_full() || state.open.len() >= MAX_CONNECTIONS)
            {
                return Ok(roomiest.clone());
            }
            (roomiest, state.connecting.get_or_insert_with(|| self.connect()).clone())
        };
        connecting.await.or_else(|no_answer| roomiest.ok_or(no_answer))
    }

    /// In a task of its own, so that it does not end with whoever asked first.
    fn connect(&self) -> Connecting {
        let (connector, state) = (self.connector.clone(), self.state.clone());
        let task = tokio::spawn(async move {
            let made = connector.connect().await.map(Arc::new).map_err(|error| {
                tracing::warn!(host = connector.host(), %error, "no connection for pushes");
                NoAnswer::ConnectFailed
            });
            let mut state = lock(&state);
            state.connecting = None;
            state.open.extend(made.clone());
            made
        });
        async { task.await.unwrap_or(Err(NoAnswer::ConnectFailed)) }.boxed().shared()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
