//! A wire to a server, which can be cut and mended.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Carries connections to `target`. Cut, it refuses new ones and breaks those it carried.
pub struct Wire {
    address: SocketAddr,
    target: SocketAddr,
    carrying: Mutex<Option<JoinHandle<()>>>,
}

impl Wire {
    /// A whole wire to `target`.
    pub async fn to(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let wire = Self { address: listener.local_addr()?, target, carrying: Mutex::default() };
        wire.carry(listener);
        Ok(wire)
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts it.
    pub async fn cut(&self) {
        let carrying = self.carrying.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(carrying) = carrying {
            carrying.abort();
            // Aborted, it has let go of the port.
            let _ = carrying.await;
        }
    }

    /// Mends it, at the same place.
    pub async fn mend(&self) -> std::io::Result<()> {
        self.carry(TcpListener::bind(self.address).await?);
        Ok(())
    }

    fn carry(&self, listener: TcpListener) {
        let target = self.target;
        let carrying = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                connections.spawn(async move {
                    let Ok(mut far) = TcpStream::connect(target).await else { return };
                    let _ = (near.set_nodelay(true), far.set_nodelay(true));
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        *self.carrying.lock().unwrap_or_else(PoisonError::into_inner) = Some(carrying);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(carrying) = self.carrying.lock().unwrap_or_else(PoisonError::into_inner).take() {
            carrying.abort();
        }
    }
}
