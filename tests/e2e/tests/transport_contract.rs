//! What every transport has to keep, over reqwest.

use ringback_core::transport::contract::{self, PinServer};
use ringback_core::transport::{ReqwestTransport, TransportError};
use std::sync::Arc;

#[tokio::test]
async fn reqwest_keeps_the_contract() {
    let transport = Arc::new(ReqwestTransport::new().expect("a transport"));
    let findings = contract::check(transport).await;
    let faults: Vec<_> = findings.iter().filter(|finding| finding.fault.is_some()).collect();
    assert!(faults.is_empty() && findings.len() >= 17, "{faults:#?}");
}

#[tokio::test]
async fn reqwest_keeps_to_pins() {
    let server = PinServer::start().await.expect("a server");
    let transport = Arc::new(ReqwestTransport::trusting(&server.authority).expect("a transport"));
    let findings = contract::check_pins(transport, server).await;
    let faults: Vec<_> = findings.iter().filter(|finding| finding.fault.is_some()).collect();
    assert!(faults.is_empty() && findings.len() >= 9, "{faults:#?}");
    for nothing in ["", "-----BEGIN CERTIFICATE-----\nAAAA"] {
        assert_eq!(ReqwestTransport::trusting(nothing).err(), Some(TransportError::TlsFailed));
    }
}
