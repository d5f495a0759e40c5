//! From an accepted TCP connection to HTTP: TLS, and the faults before the first request.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::tcp::Tcp;
use super::{Handler, Shared, http1, http2};
use crate::{Authority, ConnectionFault, StartError};

/// The certificates that a double can show.
pub(crate) struct Identities {
    pub(super) right: TlsAcceptor,
    http1: TlsAcceptor,
    wrong_name: TlsAcceptor,
    expired: TlsAcceptor,
    untrusted: TlsAcceptor,
    /// A client that does not negotiate HTTP/2 by ALPN is no client of this service.
    http2_only: bool,
}

impl Identities {
    /// Certificates of `authority` for `names`, and what goes wrong with certificates.
    pub(crate) fn new(authority: &Authority, names: &[&str], http2_only: bool) -> Result<Self, StartError> {
        let both: &[&[u8]] = &[b"h2", b"http/1.1"];
        let alpn = if http2_only { &both[..1] } else { both };
        Ok(Self {
            right: authority.acceptor(names, alpn)?,
            http1: authority.acceptor(names, &both[1..])?,
            wrong_name: authority.acceptor(&["elsewhere.example"], alpn)?,
            expired: authority.expired_acceptor(names, alpn)?,
            untrusted: Authority::unheard_of()?.acceptor(names, alpn)?,
            http2_only,
        })
    }
}

#[derive(Default)]
struct Faults {
    next: VecDeque<ConnectionFault>,
    always: Option<ConnectionFault>,
}

/// The connection faults to come.
#[derive(Default)]
pub(super) struct ConnectionScript(Mutex<Faults>);

impl ConnectionScript {
    fn lock(&self) -> MutexGuard<'_, Faults> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, faults: Vec<ConnectionFault>) {
        self.lock().next.extend(faults);
    }

    pub(super) fn set_always(&self, fault: Option<ConnectionFault>) {
        self.lock().always = fault;
    }

    fn take(&self) -> ConnectionFault {
        let mut faults = self.lock();
        faults.next.pop_front().or(faults.always).unwrap_or(ConnectionFault::Accept)
    }
}

pub(super) async fn serve<H: Handler>(
    stream: TcpStream,
    identities: Option<Arc<Identities>>,
    shared: Arc<Shared>,
    number: u64,
    handler: Arc<H>,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut tcp = Tcp::new(stream);
    let reset = tcp.reset();
    let Some(identities) = identities else {
        return http1::serve(tcp, reset, &shared, number, handler).await;
    };
    let identity = match shared.connection_script.take() {
        ConnectionFault::Accept => &identities.right,
        ConnectionFault::NoHttp2 => &identities.http1,
        ConnectionFault::WrongName => &identities.wrong_name,
        ConnectionFault::ExpiredCertificate => &identities.expired,
        ConnectionFault::UntrustedCertificate => &identities.untrusted,
        ConnectionFault::CutHandshake => {
            // Its first words are there; then it is over.
            let _ = tcp.read(&mut [0; 1024]).await;
            return;
        }
        ConnectionFault::StallHandshake => return std::future::pending().await,
        ConnectionFault::Reset => {
            reset.store(true, Ordering::SeqCst);
            return;
        }
    };
    let Ok(stream) = identity.accept(tcp).await else {
        shared.count(|counts| counts.failed_handshakes += 1);
        return;
    };
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => http2::serve(stream, reset, &shared, number, handler).await,
        _ if identities.http2_only => {}
        _ => http1::serve(stream, reset, &shared, number, handler).await,
    }
}
