//! Signatures that are missing, wrong, too old or used, and keys that are needed or another's.

use crate::asker::Asker;
use crate::support::Failure;
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};
use ringback_core::protocol::{ProblemCode as Code, Timestamp};
use ringback_e2e::{Signing, number};
use serde_json::{Value, json};

pub(crate) async fn signatures(asker: &Asker, app_key: &str) -> Result<(), Failure> {
    for (index, signing) in [Signing::ed25519()?, Signing::p256()?].iter().enumerate() {
        let secret = format!("{:0>40}", asker.fresh("secret"));
        let token = signing.register(&asker.url, app_key, &secret).await?;
        let request = || -> RequestBuilder {
            let body = json!({ "service": "billing", "number": number(60 + index) });
            asker.app(&token, Method::POST, "/v1/callbacks").json(&body)
        };
        let now_s = Timestamp::now().as_second();

        asker.refused(Code::SignatureMissing, request()).await?;
        let cancel = asker.app(&token, Method::POST, "/v1/callbacks/cb_none/cancel");
        asker.refused(Code::SignatureMissing, cancel).await?;
        let other = Signing::p256()?;
        asker.refused(Code::SignatureInvalid, other.sign_now(request())?).await?;
        let unreadable = request().header("Signature-Input", "(").header("Signature", ")");
        asker.refused(Code::SignatureInvalid, unreadable).await?;

        for created_s in [now_s - 400, now_s + 400, 0] {
            let signed = signing.sign(request(), created_s, "once")?;
            let problem = asker.refused(Code::SignatureOutdated, signed).await?;
            let server_time = problem.server_time.ok_or("the server's time")?;
            assert!(server_time.as_second().abs_diff(now_s) < 60, "the clock of this very machine");
        }

        // Everything that is signed is as it was.
        let moved = |change: &dyn Fn(&mut reqwest::Request)| -> Result<RequestBuilder, Failure> {
            let (client, signed) = signing.sign_now(request())?.build_split();
            let mut signed = signed?;
            change(&mut signed);
            Ok(RequestBuilder::from_parts(client, signed))
        };
        let other_key = moved(&|request| {
            request.headers_mut().insert("idempotency-key", HeaderValue::from_static("another"));
        })?;
        asker.refused(Code::SignatureInvalid, other_key).await?;
        let other_path = moved(&|request| request.url_mut().set_path("/v1/call-ins"))?;
        asker.refused(Code::SignatureInvalid, other_path).await?;
        let other_query = moved(&|request| request.url_mut().set_query(Some("x")))?;
        asker.refused(Code::SignatureInvalid, other_query).await?;
        let other_body = moved(&|request| {
            *request.body_mut() =
                Some(json!({ "service": "billing", "number": number(69) }).to_string().into());
        })?;
        asker.refused(Code::ContentDigestMismatch, other_body).await?;
        let no_digest = moved(&|request| drop(request.headers_mut().remove("content-digest")))?;
        asker.refused(Code::SignatureInvalid, no_digest).await?;

        let once = signing.sign(request(), now_s, "once")?;
        let again = once.try_clone().ok_or("a request that can be sent again")?;
        asker.taken(once).await?;
        asker.refused(Code::SignatureReplayed, again).await?;
    }

    // A digest is held against the body whether anybody signed or not.
    let token = asker.installation().await?;
    let body = json!({ "service": "billing", "number": number(68) });
    let digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    let wrong = asker.app(&token, Method::POST, "/v1/callbacks").header("Content-Digest", digest).json(&body);
    asker.refused(Code::ContentDigestMismatch, wrong).await?;
    Ok(())
}

pub(crate) async fn keys(asker: &Asker, app_key: &str) -> Result<(), Failure> {
    let register = |app_key: &str, body: &Value| -> RequestBuilder {
        asker.stranger(Method::POST, "/v1/installations").header("Ringback-App-Key", app_key).json(body)
    };
    // Once there is a key, the secret alone gives nothing, and no other key takes its place.
    let (mine, other) = (Signing::p256()?, Signing::ed25519()?);
    let secret = format!("{:0>40}", asker.fresh("secret"));
    mine.register(&asker.url, app_key, &secret).await?;
    let with = |signing: &Signing| json!({ "secret": secret, "public_key": signing.public() });
    let bare = json!({ "secret": secret });
    asker.refused(Code::InstallationKeyMismatch, register(app_key, &bare)).await?;
    asker.refused(Code::SignatureMissing, register(app_key, &with(&mine))).await?;
    asker.refused(Code::SignatureInvalid, other.sign_now(register(app_key, &with(&mine)))?).await?;
    let another = other.sign_now(register(app_key, &with(&other)))?;
    asker.refused(Code::InstallationKeyMismatch, another).await?;
    asker.taken(mine.sign_now(register(app_key, &with(&mine)))?).await?;
    let none = json!({ "secret": secret, "public_key": { "algorithm": "ed25519", "key": "AAAA" } });
    asker.refused_field(Code::FieldInvalid, "public_key", register(app_key, &none)).await?;

    // An app that needs keys: nobody comes in without, and who came in before is stopped at the next change.
    let app = asker.fresh("app");
    let made = asker.taken(asker.staff(Method::POST, "app-keys").json(&json!({ "name": app }))).await?;
    let strict = serde_json::from_str::<Value>(&made)?["key"].as_str().unwrap_or_default().to_owned();
    let early = json!({ "secret": format!("{:0>40}", asker.fresh("secret")) });
    let token = asker.taken(register(&strict, &early)).await?;
    let token = serde_json::from_str::<Value>(&token)?["token"].as_str().unwrap_or_default().to_owned();
    let change = |name: &str| {
        let change = json!({ "needs_installation_key": true });
        asker.staff(Method::PATCH, &format!("app-keys/{name}")).json(&change)
    };
    asker.taken(change(&app)).await?;
    asker.refused_field(Code::ReferenceUnknown, "name", change("no-such-app")).await?;
    asker.refused(Code::InstallationKeyRequired, register(&strict, &early)).await?;
    let body = json!({ "service": "billing", "number": number(67) });
    let request = || asker.app(&token, Method::POST, "/v1/callbacks").json(&body);
    asker.refused(Code::InstallationKeyRequired, request()).await?;
    asker.taken(asker.stranger(Method::GET, "/v1/callbacks").bearer_auth(&token)).await?;
    // With its secret and a key it is the same installation again.
    let late = json!({ "secret": early["secret"], "public_key": mine.public() });
    asker.taken(mine.sign_now(register(&strict, &late))?).await?;
    Ok(())
}

pub(crate) async fn attestation(asker: &Asker) -> Result<(), Failure> {
    let token = asker.installation().await?;
    let challenge = |token: &str| asker.app(token, Method::POST, "/v1/attestation-challenges");
    let made: Value = serde_json::from_str(&asker.taken(challenge(&token)).await?)?;
    let evidence = json!({ "kind": "app_attest", "key_id": "AAAA", "attestation": "AAAA" });
    let send = |token: &str, challenge: &Value, evidence: &Value| {
        let body = json!({ "challenge": challenge, "evidence": evidence });
        asker.app(token, Method::POST, "/v1/attestations").json(&body)
    };
    for wrong in [json!(""), json!("1.2.3"), json!("1.2"), json!("99999999999.a.b.c")] {
        asker.refused(Code::AttestationChallengeInvalid, send(&token, &wrong, &evidence)).await?;
    }
    let other = asker.installation().await?;
    asker.refused(Code::AttestationChallengeInvalid, send(&other, &made["challenge"], &evidence)).await?;
    let play = json!({ "kind": "play_integrity", "token": "t" });
    asker.refused(Code::AttestationNotOffered, send(&token, &made["challenge"], &play)).await?;
    let assertion = json!({ "kind": "app_attest_assertion", "key_id": "AAAA", "assertion": "AAAA" });
    asker.refused(Code::AttestationKeyUnknown, send(&token, &made["challenge"], &assertion)).await?;
    // Wrong evidence is an answer, not a refusal; its challenge is used up all the same.
    let judged: Value =
        serde_json::from_str(&asker.taken(send(&token, &made["challenge"], &evidence)).await?)?;
    assert_eq!((&judged["verdict"], &judged["reason"]), (&json!("doubtful"), &json!("malformed")));
    asker.refused(Code::AttestationChallengeSpent, send(&token, &made["challenge"], &evidence)).await?;
    Ok(())
}
