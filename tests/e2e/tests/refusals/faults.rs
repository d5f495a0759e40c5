//! What is wrong with the world around a request.

use crate::asker::Asker;
use crate::support::{Failure, World};
use reqwest::Method;
use ringback_core::protocol::{Problem, ProblemCode as Code};
use ringback_e2e::number;
use ringback_server::storage::Engine;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Too slow for the server's patience. Written by hand: an HTTP client would not break off in the middle.
pub(crate) async fn a_body_that_never_ends(asker: &Asker) -> Result<(), Failure> {
    let token = asker.installation().await?;
    let address = asker.url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await?;
    let head = format!(
        "POST /v1/callbacks HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: slow\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{{\"service\":"
    );
    connection.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let body = answer.split_once("\r\n\r\n").ok_or("an answer has a body")?.1;
    let problem: Problem = serde_json::from_str(body)?;
    assert_eq!((problem.code.as_str(), problem.status), (Code::RequestTimeout.code(), 503));
    assert!(answer.starts_with("HTTP/1.1 503") && problem.request_id.is_some(), "{answer}");
    asker.saw(&problem.code);
    Ok(())
}

/// The database goes away and comes back; what was asked meanwhile is asked again under the same key.
pub(crate) async fn the_database_is_gone(
    world: &World,
    asker: &Asker,
    engine: Engine,
) -> Result<(), Failure> {
    if engine != Engine::Postgres {
        return Ok(());
    }
    let token = asker.installation().await?;
    let post = || {
        let request = json!({ "service": "sales", "number": number(30) });
        asker
            .stranger(Method::POST, "/v1/callbacks")
            .bearer_auth(&token)
            .header("Idempotency-Key", "again")
            .json(&request)
    };
    world.database.shut_out();
    let problem = asker.refused(Code::StorageUnavailable, post()).await?;
    assert_eq!(problem.retry_after_s, Some(1));
    world.database.let_in();
    asker.taken(post()).await?;
    Ok(())
}
