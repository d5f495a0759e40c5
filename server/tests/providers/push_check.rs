//! The dry run of push credentials against the doubles: every kind of broken credential has its name.

use ringback_doubles::{
    ApnsCredentials, ApnsDouble, ApnsDoubleSettings, Authority, Fault as Trouble, FcmDouble,
    FcmDoubleSettings, ServiceAccount,
};
use ringback_server::config::PushSettings;
use ringback_server::push::check::{CredentialCheck, Fault, check};
use ringback_server::push::credentials::PushCredential;
use ringback_server::push::lane::Endpoints;
use ringback_server::push::web_push::VapidKey;
use serde_json::{Value, json};

const TOPIC: &str = "com.example.ringback";
/// The device that the dry run sends to. To have a fault put on script the double must know it.
const NO_DEVICE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is wrong, and where.
fn found(checked: &CredentialCheck) -> Vec<(Fault, &str)> {
    assert_eq!(checked.ok, checked.findings.is_empty());
    for finding in &checked.findings {
        assert!(!finding.cause.is_empty() && !finding.cure.is_empty());
    }
    checked.findings.iter().map(|finding| (finding.fault, finding.at.as_str())).collect()
}

fn endpoints(settings: PushSettings, ca_pem: &str) -> Endpoints {
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, ca_pem).unwrap();
    Endpoints::read(&PushSettings { trust_roots_file: Some(roots), ..settings }).unwrap()
}

struct Apple {
    production: ApnsDouble,
    sandbox: ApnsDouble,
    endpoints: Endpoints,
}

/// Both environments, with a key that both know.
async fn apple() -> (Apple, ApnsCredentials, ApnsCredentials) {
    let authority = Authority::generate().unwrap();
    let start = async || ApnsDouble::start(ApnsDoubleSettings::default(), &authority).await.unwrap();
    let (production, sandbox) = (start().await, start().await);
    let settings = PushSettings {
        apns_production_endpoint: production.endpoint(),
        apns_sandbox_endpoint: sandbox.endpoint(),
        ..Default::default()
    };
    let endpoints = endpoints(settings, production.ca_pem());
    let keys = (production.credentials().clone(), sandbox.credentials().clone());
    (Apple { production, sandbox, endpoints }, keys.0, keys.1)
}

fn apns(key: &ApnsCredentials, topics: &[&str]) -> PushCredential {
    PushCredential::Apns {
        key_p8: key.p8_pem.clone().into(),
        key_id: key.key_id.clone(),
        team_id: key.team_id.clone(),
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_key_is_good_where_apple_misses_nothing_but_the_device() {
    let (apple, production_key, _) = apple().await;
    // Each double believes its own key: the other environment refuses it.
    let checked = check("ios", &apns(&production_key, &[TOPIC]), &apple.endpoints).await;
    assert_eq!(found(&checked), [(Fault::KeyRefused, "sandbox")]);
    assert_eq!((checked.name.as_str(), checked.provider.as_str()), ("ios", "apns"));
    assert_eq!(checked.findings[0].detail.as_deref(), Some("InvalidProviderToken"));
    let refused: Vec<_> = apple
        .production
        .record()
        .received()
        .into_iter()
        .map(|push| (push.device.clone(), push.accepted()))
        .collect();
    assert_eq!(refused, [(NO_DEVICE.to_owned(), false)]);

    let only = PushSettings {
        apns_production_endpoint: apple.production.endpoint(),
        apns_sandbox_endpoint: apple.production.endpoint(),
        ..Default::default()
    };
    let both = endpoints(only, apple.production.ca_pem());
    assert!(check("ios", &apns(&production_key, &[TOPIC]), &both).await.ok);
    let two = check("ios", &apns(&production_key, &["com.example.other", TOPIC]), &both).await;
    assert_eq!(
        found(&two),
        [
            (Fault::TopicRefused, "production, com.example.other"),
            (Fault::TopicRefused, "sandbox, com.example.other"),
        ]
    );
}

#[tokio::test]
async fn each_refusal_of_apple_has_its_fault() {
    let (apple, _, key) = apple().await;
    apple.sandbox.register(NO_DEVICE, TOPIC);
    apple.production.every_push(None).unwrap();
    for (reason, fault, at) in [
        ("BadDeviceToken", None, ""),
        ("InvalidProviderToken", Some(Fault::KeyRefused), "sandbox"),
        ("BadEnvironmentKeyIdInToken", Some(Fault::WrongEnvironment), "sandbox"),
        ("TopicDisallowed", Some(Fault::TopicRefused), "sandbox, com.example.ringback"),
        ("DeviceTokenNotForTopic", Some(Fault::TopicRefused), "sandbox, com.example.ringback"),
        ("BadTopic", Some(Fault::TopicRefused), "sandbox, com.example.ringback"),
        ("ExpiredProviderToken", Some(Fault::ClockOff), "sandbox"),
        ("TooManyProviderTokenUpdates", Some(Fault::ProviderUnwell), "sandbox"),
        ("ServiceUnavailable", Some(Fault::ProviderUnwell), "sandbox"),
        ("BadMessageId", Some(Fault::AnswerUnexpected), "sandbox"),
    ] {
        apple.sandbox.every_push(Some(Trouble::refuse(reason))).unwrap();
        let checked = check("ios", &apns(&key, &[TOPIC]), &apple.endpoints).await;
        // The key is not the production double's.
        let mut expected = vec![(Fault::KeyRefused, "production")];
        expected.extend(fault.map(|fault| (fault, at)));
        assert_eq!(found(&checked), expected, "{reason}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_right_is_not_sent() {
    let (apple, key, _) = apple().await;
    let PushCredential::Apns { topics, .. } = apns(&key, &[TOPIC]) else { unreachable!() };
    let wrong = PushCredential::Apns {
        key_p8: "secret words".into(),
        key_id: "SHORT".into(),
        team_id: key.team_id.clone(),
        topics,
    };
    let checked = check("ios", &wrong, &apple.endpoints).await;
    assert_eq!(found(&checked), [(Fault::IdMalformed, "key_id"), (Fault::KeyUnreadable, "key_p8")]);
    assert!(!serde_json::to_string(&checked).unwrap().contains("secret words"));
    assert!(apple.production.record().received().is_empty());
}

#[tokio::test]
async fn a_provider_out_of_reach_is_told_from_a_bad_key() {
    let (apple, key, _) = apple().await;
    let stranger = Authority::generate().unwrap();
    let settings = PushSettings {
        apns_production_endpoint: apple.production.endpoint(),
        apns_sandbox_endpoint: apple.sandbox.endpoint(),
        ..Default::default()
    };
    let untrusted = endpoints(settings, &stranger.pem());
    let checked = check("ios", &apns(&key, &[TOPIC]), &untrusted).await;
    assert_eq!(found(&checked), [(Fault::Unreachable, "production"), (Fault::Unreachable, "sandbox")]);
}

#[tokio::test]
async fn a_clock_that_is_off_is_not_the_keys_fault() {
    let (apple, key, _) = apple().await;
    apple.production.clock().set_offset(jiff::SignedDuration::from_hours(2));
    let checked = check("ios", &apns(&key, &[TOPIC]), &apple.endpoints).await;
    assert_eq!(found(&checked)[0], (Fault::ClockOff, "production"));
    let google = google().await;
    google.double.clock().set_offset(jiff::SignedDuration::from_hours(-2));
    assert_eq!(found(&google.check().await), [(Fault::ClockOff, "service_account.token_uri")]);
}

struct Google {
    double: FcmDouble,
    endpoints: Endpoints,
}

async fn google() -> Google {
    let double =
        FcmDouble::start(FcmDoubleSettings::default(), &Authority::generate().unwrap()).await.unwrap();
    let settings = PushSettings { fcm_endpoint: double.endpoint(), ..Default::default() };
    let endpoints = endpoints(settings, double.ca_pem());
    Google { double, endpoints }
}

impl Google {
    /// The service account with one field changed.
    async fn check_with(&self, field: &str, value: Value) -> CredentialCheck {
        let mut file: Value = serde_json::from_str(&self.double.service_account().json).unwrap();
        if !field.is_empty() {
            file[field] = value;
        }
        let credential = PushCredential::Fcm { service_account: file.to_string().into() };
        check("android", &credential, &self.endpoints).await
    }

    async fn check(&self) -> CredentialCheck {
        self.check_with("", Value::Null).await
    }
}

#[tokio::test]
async fn a_service_account_is_good_when_only_the_device_is_missing() {
    let google = google().await;
    let checked = google.check().await;
    assert_eq!(found(&checked), []);
    assert_eq!(checked.provider, "fcm");
    assert_eq!(google.double.token_record().received().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_the_file_is_named() {
    let google = google().await;
    for field in ["project_id", "client_email", "private_key", "token_uri"] {
        let checked = google.check_with(field, Value::Null).await;
        assert_eq!(found(&checked), [(Fault::FieldMissing, &*format!("service_account.{field}"))]);
    }
    let checked = google.check_with("private_key", json!("secret words")).await;
    assert_eq!(found(&checked), [(Fault::KeyUnreadable, "service_account")]);
    assert!(google.double.token_record().received().is_empty());
}

#[tokio::test]
async fn each_refusal_of_google_has_its_fault() {
    let google = google().await;
    let token_uri = "service_account.token_uri";
    let project = "service_account.project_id";

    let other =
        ServiceAccount::generate("ringback-test", &format!("{}/token", google.double.endpoint())).unwrap();
    let other: Value = serde_json::from_str(&other.json).unwrap();
    let revoked = google.check_with("private_key", other["private_key"].clone()).await;
    assert_eq!(found(&revoked), [(Fault::KeyRevoked, token_uri)], "{revoked:?}");
    let deleted =
        google.check_with("client_email", json!("gone@ringback-test.iam.gserviceaccount.com")).await;
    assert_eq!(found(&deleted), [(Fault::AccountUnknown, token_uri)], "{deleted:?}");
    let unknown = google.check_with("project_id", json!("another-project")).await;
    assert_eq!(found(&unknown), [(Fault::ProjectUnknown, project)]);
    for (reason, fault) in
        [("invalid_client", Fault::AccountUnknown), ("temporarily_unavailable", Fault::ProviderUnwell)]
    {
        google.double.script_token_endpoint(vec![Trouble::refuse(reason)]).unwrap();
        assert_eq!(found(&google.check().await), [(fault, token_uri)], "{reason}");
    }
    google.double.register("ringback-check");
    for (reason, fault) in [
        ("INVALID_ARGUMENT", None),
        ("UNREGISTERED", None),
        ("PERMISSION_DENIED", Some(Fault::PermissionMissing)),
        ("UNAUTHENTICATED", Some(Fault::PermissionMissing)),
        ("SENDER_ID_MISMATCH", Some(Fault::ProjectMismatch)),
        ("NOT_FOUND", Some(Fault::ProjectUnknown)),
        ("UNAVAILABLE", Some(Fault::ProviderUnwell)),
        ("BAD_REQUEST", Some(Fault::AnswerUnexpected)),
    ] {
        google.double.every_push(Some(Trouble::refuse(reason))).unwrap();
        let expected: Vec<_> = fault.map(|fault| (fault, project)).into_iter().collect();
        assert_eq!(found(&google.check().await), expected, "{reason}");
    }
}

#[tokio::test]
async fn a_token_endpoint_out_of_reach_is_unreachable() {
    let google = google().await;
    google.double.script_token_endpoint(vec![Trouble::Disconnect]).unwrap();
    assert_eq!(found(&google.check().await), [(Fault::Unreachable, "service_account.token_uri")]);
}

#[tokio::test]
async fn a_vapid_key_and_its_subject_are_read() {
    let vapid = async |private_key: &str, subject: &str| {
        let credential =
            PushCredential::WebPush { private_key: private_key.into(), subject: subject.to_owned() };
        check("browsers", &credential, &Endpoints::default()).await
    };
    let key = VapidKey::generate().private_key();
    assert!(vapid(key.expose(), "mailto:push@example.com").await.ok);
    let wrong = vapid("secret words", "mailto:push@example.com").await;
    assert_eq!(found(&wrong), [(Fault::KeyUnreadable, "private_key")]);
    let nobody = vapid(key.expose(), "nobody").await;
    assert_eq!(found(&nobody), [(Fault::SubjectInvalid, "subject")]);
}
