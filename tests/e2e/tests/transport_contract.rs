//! What every transport has to keep, over reqwest.

use ringback_core::transport::{ReqwestTransport, contract};
use std::sync::Arc;

#[tokio::test]
async fn reqwest_keeps_the_contract() {
    let transport = Arc::new(ReqwestTransport::new().expect("a transport"));
    let findings = contract::check(transport).await;
    let faults: Vec<_> = findings.iter().filter(|finding| finding.fault.is_some()).collect();
    assert!(faults.is_empty() && findings.len() >= 17, "{faults:#?}");
}
