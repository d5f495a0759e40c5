//! The far end of a connection: notes when the first bytes of a request arrive, and answers what it is told to.

use crate::Failure;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The head of a request.
pub(super) struct Seen {
    /// When its first bytes were there.
    pub(super) at: Instant,
    pub(super) head: String,
}

/// A status and a body for a request.
type Answer = dyn Fn(&str) -> (u16, String) + Send + Sync;

pub(super) struct Wire {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Wire {
    /// Listens for as long as the runtime lives.
    pub(super) async fn start(
        answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer): (_, Arc<Answer>) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                // It ends with its connection.
                tokio::spawn(serve(stream, Arc::clone(&kept), Arc::clone(&answer)));
            }
        });
        Ok(Self { url, seen })
    }

    /// The requests since the last look whose head begins so.
    pub(super) fn take(&self, begins: &str) -> Vec<Seen> {
        let mut seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        seen.retain(|seen| seen.head.starts_with(begins));
        seen
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<Answer>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let mut length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let at = Instant::now();
        let head = loop {
            if let Some(head) = whole(&buffer[..length]) {
                break head;
            }
            match stream.read(&mut buffer[length..]).await? {
                0 => return Ok(()),
                more => length += more,
            }
        };
        let (status, body) = answer(&head);
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(Seen { at, head });
        let kind = if status < 300 { "application/json" } else { "application/problem+json" };
        let text = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).await?;
    }
}

/// The head, once the body is there too.
fn whole(bytes: &[u8]) -> Option<String> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let lower = head.to_ascii_lowercase();
    let length =
        lower.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.trim().parse().ok());
    (bytes.len() - end - 4 >= length.unwrap_or(0)).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_when_its_body_is_there() {
        assert!(whole(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{").is_none());
        assert!(whole(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}").is_some());
        assert!(whole(b"GET / HTTP/1.1\r\n\r").is_none());
    }
}
