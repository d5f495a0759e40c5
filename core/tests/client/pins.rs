//! Pinned keys, over reqwest.

use crate::support::{Phone, request, soon};
use ringback_core::client::ClientError;
use ringback_core::host::Host;
use ringback_core::transport::contract::{self, PinServer};
use ringback_core::transport::{ReqwestTransport, TransportError};
use std::sync::Arc;

/// The pin of nobody's key.
fn nobodys(first: char) -> String {
    format!("sha256/{first}{}=", "A".repeat(42))
}

#[tokio::test]
async fn reqwest_keeps_to_pins() {
    let server = PinServer::start().await.expect("a server");
    let transport = Arc::new(ReqwestTransport::trusting(&server.authority).expect("a transport"));
    let findings = contract::check_pins(transport, server).await;
    let faults: Vec<_> = findings.iter().filter(|finding| finding.fault.is_some()).collect();
    assert!(faults.is_empty() && findings.len() >= 9, "{faults:#?}");
}

#[tokio::test]
async fn a_pin_is_asked_for_beside_trust_and_not_in_its_place() {
    let server = PinServer::start().await.expect("a server");
    let transport = Arc::new(ReqwestTransport::new().expect("a transport"));
    let findings = contract::check_pins(transport, server).await;
    let right = findings.iter().find(|finding| finding.case == "the_servers_own_key_is_a_pin");
    let fault = right.and_then(|finding| finding.fault.as_deref()).expect("it is not trusted");
    assert!(fault.starts_with("TlsFailed"), "{fault}");
    for nothing in ["", "-----BEGIN CERTIFICATE-----\nAAAA"] {
        assert_eq!(ReqwestTransport::trusting(nothing).err(), Some(TransportError::TlsFailed));
    }
}

#[tokio::test]
async fn a_mismatch_says_what_to_do_and_keeps_the_request() {
    let server = PinServer::start().await.expect("a server");
    let pins = [nobodys('B'), server.stranger_pin.clone()];
    let phone = Phone::new(&server.url).with(|config| config.pins = pins.to_vec());
    let transport = Arc::new(ReqwestTransport::trusting(&server.authority).expect("a transport"));
    let client = phone.start_on(|host| Host { transport: transport.clone(), ..host });
    let error = soon(client.request_callback(request())).await.expect_err("refused");
    assert!(matches!(&error, ClientError::Unreachable { pending_key: Some(_), .. }), "{error:?}");
    assert!(error.to_string().contains("none of the pinned keys"), "{error}");
    let kept = client.pending().await.expect("a list");
    assert!(kept.len() == 1 && !kept[0].may_have_arrived, "nothing left the device");

    let phone = phone.with(|config| config.pins = vec![server.own_pin.clone(), nobodys('B')]);
    let client = phone.start_on(|host| Host { transport, ..host });
    let error = soon(client.callbacks()).await.expect_err("it is no centre");
    assert_eq!(error.code(), "answer_unreadable", "but it is spoken to: {error}");
}
