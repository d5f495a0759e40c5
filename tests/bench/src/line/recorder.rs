//! What the server really sends to PostgreSQL: a relay that stands between the two and writes down each statement with its
//! values, from the messages on the wire.

use crate::Failure;
use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A statement as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its text.
    pub(super) sql: String,
    /// Its parameters as bytes; `None` is null.
    pub(super) values: Vec<Option<Vec<u8>>>,
}

/// Statements by connection, in the order in which connections were made.
type Log = Arc<Mutex<Vec<Vec<Sent>>>>;

/// A relay to a server. It takes connections as long as the process lives.
pub(super) struct Recorder {
    pub(super) port: u16,
    log: Log,
}

impl Recorder {
    pub(super) fn start(server: (String, u16)) -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let log = Log::default();
        let recorded = log.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let connection = {
                    let mut log = recorded.lock().unwrap_or_else(PoisonError::into_inner);
                    log.push(Vec::new());
                    log.len() - 1
                };
                let (server, log) = (server.clone(), recorded.clone());
                // Either side going away ends both ways.
                std::thread::spawn(move || relay(&client, &server, &log, connection));
            }
        });
        Ok(Self { port, log })
    }

    /// Forgets what was sent so far.
    pub(super) fn forget(&self) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().for_each(Vec::clear);
    }

    /// The one transaction that was sent since then.
    pub(super) fn take_transaction(&self) -> Result<Vec<Sent>, Failure> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: Vec<Vec<Sent>> = log.iter_mut().map(std::mem::take).collect();
        let mut transactions =
            taken.into_iter().filter(|sent| sent.last().is_some_and(|last| last.sql == "commit"));
        match (transactions.next(), transactions.next()) {
            (Some(transaction), None) => Ok(transaction),
            _ => Err("not exactly one transaction was recorded".into()),
        }
    }
}

fn relay(client: &TcpStream, server: &(String, u16), log: &Log, connection: usize) -> io::Result<()> {
    let server = TcpStream::connect((server.0.as_str(), server.1))?;
    for end in [client, &server] {
        end.set_nodelay(true)?;
    }
    let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        let ended = io::copy(&mut answers, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
        ended
    });
    let sent = listen(client, &server, log, connection);
    let _ = server.shutdown(Shutdown::Both);
    sent
}

/// Passes on messages and writes down what they run.
fn listen(mut client: &TcpStream, mut server: &TcpStream, log: &Log, connection: usize) -> io::Result<()> {
    let mut statements = Statements::default();
    // The first message has no kind.
    let mut kind = Vec::new();
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let mut body = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(4)];
        client.read_exact(&mut body)?;
        if let Some(sent) = kind.first().and_then(|kind| statements.see(*kind, &body)) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(log) = log.get_mut(connection) {
                log.push(sent);
            }
        }
        server.write_all(&[kind.as_slice(), &length, &body].concat())?;
        kind = vec![0];
        client.read_exact(&mut kind)?;
    }
}

/// The statements that a connection has prepared, by name.
#[derive(Default)]
struct Statements(HashMap<String, String>);

impl Statements {
    /// What this message runs, if anything.
    fn see(&mut self, kind: u8, body: &[u8]) -> Option<Sent> {
        let mut body = Body(body);
        match kind {
            b'Q' => Some(Sent { sql: body.text()?, values: Vec::new() }),
            b'P' => {
                let name = body.text()?;
                self.0.insert(name, body.text()?);
                None
            }
            b'B' => {
                let (_portal, statement) = (body.text()?, body.text()?);
                let formats = body.count()?;
                body.bytes(2 * formats)?;
                let count = body.count()?;
                let values = (0..count).map(|_| body.value()).collect::<Option<_>>()?;
                Some(Sent { sql: self.0.get(&statement)?.clone(), values })
            }
            _ => None,
        }
    }
}

/// The rest of a message.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    fn count(&mut self) -> Option<usize> {
        Some(u16::from_be_bytes(self.bytes(2)?.try_into().ok()?).into())
    }

    fn value(&mut self) -> Option<Option<Vec<u8>>> {
        let length = i32::from_be_bytes(self.bytes(4)?.try_into().ok()?);
        match usize::try_from(length) {
            Ok(length) => Some(Some(self.bytes(length)?.to_vec())),
            // -1
            Err(_) => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prepared_statement_is_known_when_it_runs() {
        let mut statements = Statements::default();
        assert_eq!(statements.see(b'P', b"s1\0select $1, $2\0\0\0"), None);
        let mut bind = b"\0s1\0\0\x01\0\x01\0\x02".to_vec();
        bind.extend(b"\0\0\0\x02hi\xff\xff\xff\xff\0\x01\0\x01");
        let sent = statements.see(b'B', &bind);
        assert_eq!(
            sent,
            Some(Sent { sql: "select $1, $2".to_owned(), values: vec![Some(b"hi".to_vec()), None] })
        );
        assert_eq!(statements.see(b'E', b"\0\0\0\0\0"), None);
        assert_eq!(
            statements.see(b'Q', b"commit\0"),
            Some(Sent { sql: "commit".to_owned(), values: vec![] })
        );
    }

    #[test]
    fn a_message_that_is_cut_short_runs_nothing() {
        let mut statements = Statements::default();
        assert_eq!(statements.see(b'B', b"\0s1\0\0"), None);
    }
}
