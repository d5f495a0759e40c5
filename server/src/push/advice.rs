//! What the reasons of pushes that did not get through mean, and what to do. One table for staff, documents and tests.

use serde::Serialize;

/// What a reason means and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Advice {
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub to_do: &'static str,
}

/// A row of the table; without a provider it is true of all.
type Known = (Option<&'static str>, &'static str, &'static str, &'static str);

const NOTHING: &str = "Nothing.";
const REPORT: &str = "This is a fault of Ringback: report it with the version of the server.";
const WATCH: &str = "Nothing: it is tried again while it has time. If it stays so for long, look at the provider's status page.";
const REGISTERS_AGAIN: &str = "Nothing: the app registers again when it is next opened.";

const APNS: Option<&str> = Some("apns");
const FCM: Option<&str> = Some("fcm");
const WEB_PUSH: Option<&str> = Some("web_push");

const KNOWN: &[Known] = &[
    (APNS, "BadCollapseId", "Apple does not take the collapse id.", REPORT),
    (
        APNS,
        "BadDeviceToken",
        "The token is not one of this environment: an app from Xcode has sandbox tokens, TestFlight and the App Store have production tokens. The device is set aside.",
        "Have the app register with the environment it was signed for. It is reached again once it has.",
    ),
    (APNS, "BadExpirationDate", "Apple does not take the expiry.", REPORT),
    (APNS, "BadMessageId", "Apple does not take the id of the push.", REPORT),
    (APNS, "BadPriority", "Apple does not take the priority.", REPORT),
    (
        APNS,
        "BadTopic",
        "Apple does not know the bundle id.",
        "Compare the topic the app registers with its bundle id.",
    ),
    (
        APNS,
        "DeviceTokenNotForTopic",
        "The token is of another app than the topic says. The device is set aside.",
        "Compare the topic the app registers with its bundle id. It is reached again once it has registered.",
    ),
    (
        APNS,
        "DuplicateHeaders",
        "A header was sent twice, perhaps by a proxy.",
        "Look at what lies between this server and Apple.",
    ),
    (APNS, "IdleTimeout", "Apple closed a connection that was idle.", "Nothing: it is sent again at once."),
    (APNS, "InvalidPushType", "Apple does not take the push type.", REPORT),
    (APNS, "MissingDeviceToken", "No token arrived at Apple.", REPORT),
    (APNS, "MissingTopic", "No topic arrived at Apple.", REPORT),
    (APNS, "PayloadEmpty", "No payload arrived at Apple.", REPORT),
    (
        APNS,
        "TopicDisallowed",
        "The key may not push to this app.",
        "Allow the key this bundle id and push type in the developer account, or enter a key that is.",
    ),
    (
        APNS,
        "BadCertificate",
        "Apple does not take the certificate. The lane rests.",
        "Enter the APNs key again: ringback admin push apns.",
    ),
    (
        APNS,
        "BadCertificateEnvironment",
        "The certificate is of the other environment. The lane rests.",
        "Enter an APNs key that is for both environments.",
    ),
    (
        APNS,
        "BadEnvironmentKeyIdInToken",
        "The key is of the other environment, sandbox or production. The lane rests.",
        "Enter an APNs key that is for both environments.",
    ),
    (
        APNS,
        "ExpiredProviderToken",
        "The signature was too old for Apple.",
        "Check the clock of the server (NTP).",
    ),
    (
        APNS,
        "Forbidden",
        "Apple refuses the key for this. The lane rests.",
        "Look at the key in the developer account: is it revoked, is it for the push service?",
    ),
    (
        APNS,
        "InvalidProviderToken",
        "Apple does not take the signature: the key, its id or the team id is wrong, or the key is revoked. The lane rests.",
        "Compare key id and team id with the developer account and enter the key again; check the clock of the server.",
    ),
    (
        APNS,
        "MissingProviderToken",
        "No signature arrived at Apple, perhaps because of a proxy. The lane rests.",
        "Look at what lies between this server and Apple.",
    ),
    (
        APNS,
        "UnrelatedKeyIdInToken",
        "The key id is of another team or another key than this connection spoke for. The lane rests.",
        "Compare key id and team id with the developer account and enter the key again.",
    ),
    (APNS, "BadPath", "Apple does not know the path, perhaps because the token is damaged.", REPORT),
    (
        APNS,
        "MethodNotAllowed",
        "Something other than a push arrived at Apple, perhaps because of a proxy.",
        "Look at what lies between this server and Apple.",
    ),
    (APNS, "ExpiredToken", "The token has run out. The device is given up.", REGISTERS_AGAIN),
    (APNS, "Unregistered", "The app is gone from the device. The device is given up.", REGISTERS_AGAIN),
    (APNS, "PayloadTooLarge", "The payload is over 4096 bytes.", "Shorten the texts of the service."),
    (
        APNS,
        "TooManyProviderTokenUpdates",
        "The key was signed with too often: another server may use it too. The lane rests.",
        "Give each installation of Ringback its own APNs key, and wait for 20 minutes.",
    ),
    (
        APNS,
        "TooManyRequests",
        "Too many pushes to one device.",
        "Nothing: it is sent later. If it recurs, let the service say less by push.",
    ),
    (APNS, "InternalServerError", "Apple is unwell.", WATCH),
    (APNS, "ServiceUnavailable", "Apple is unwell.", WATCH),
    (APNS, "Shutdown", "A server of Apple is stopping.", WATCH),
    (
        FCM,
        "UNREGISTERED",
        "The app is gone from the device, or its token has run out. The device is given up.",
        REGISTERS_AGAIN,
    ),
    (
        FCM,
        "NOT_FOUND",
        "Firebase does not know the project. The lane rests.",
        "Enter a service account of the right project: ringback admin push fcm.",
    ),
    (
        FCM,
        "INVALID_ARGUMENT",
        "Firebase takes the token for malformed and the device is set aside; or it does not take what was sent.",
        "If the device is set aside: have the app register its token as Firebase gave it. Otherwise this is a fault of Ringback: report it.",
    ),
    (
        FCM,
        "UNAUTHENTICATED",
        "Google does not take the access token.",
        "Enter the service account again; check the clock of the server.",
    ),
    (
        FCM,
        "THIRD_PARTY_AUTH_ERROR",
        "Firebase cannot log in to Apple or to a browser's push service. The lane rests.",
        "Enter the APNs key, or the web push keys, in the Firebase console.",
    ),
    (
        FCM,
        "SENDER_ID_MISMATCH",
        "The token is of another Firebase project. The device is set aside.",
        "Build the app with the project whose service account is entered here.",
    ),
    (
        FCM,
        "PERMISSION_DENIED",
        "The service account may not send, or the Cloud Messaging API is off. The lane rests.",
        "Give it the role Firebase Cloud Messaging API Admin and turn the API on in the project.",
    ),
    (
        FCM,
        "QUOTA_EXCEEDED",
        "The project, or one device, got too many messages.",
        "Nothing: it is sent later. If it recurs, ask Google for a larger quota.",
    ),
    (
        FCM,
        "RESOURCE_EXHAUSTED",
        "The project, or one device, got too many messages.",
        "Nothing: it is sent later. If it recurs, ask Google for a larger quota.",
    ),
    (FCM, "INTERNAL", "Google is unwell.", WATCH),
    (FCM, "UNAVAILABLE", "Google is unwell.", WATCH),
    (
        FCM,
        "oauth_unreadable",
        "Google's token service answers something that is no token.",
        "Look at what lies between this server and Google.",
    ),
    (
        FCM,
        "invalid_grant",
        "Google does not take the service account: its key is deleted, or the clock of the server is wrong. The lane rests.",
        "Enter a new key of the service account; check the clock of the server (NTP).",
    ),
    (
        FCM,
        "invalid_client",
        "Google does not know the service account. The lane rests.",
        "Enter a service account that exists: ringback admin push fcm.",
    ),
    (
        FCM,
        "unauthorized_client",
        "The service account may not ask for access tokens. The lane rests.",
        "Enter another service account: ringback admin push fcm.",
    ),
    (
        FCM,
        "access_denied",
        "Google denies the service account access. The lane rests.",
        "Look at the service account in the Google Cloud console.",
    ),
    (
        FCM,
        "invalid_scope",
        "The service account may not ask for messaging. The lane rests.",
        "Turn the Cloud Messaging API on in the project.",
    ),
    (FCM, "invalid_request", "Google's token service does not take the request. The lane rests.", REPORT),
    (FCM, "internal_failure", "Google's token service is unwell.", WATCH),
    (WEB_PUSH, "http_400", "The push service does not take what was sent.", REPORT),
    (
        WEB_PUSH,
        "http_401",
        "The subscription was made for another VAPID key. It is set aside.",
        "Nothing if the key was changed: the page subscribes anew when it is next opened. Otherwise compare the page's key with the one entered.",
    ),
    (
        WEB_PUSH,
        "http_403",
        "The subscription was made for another VAPID key. It is set aside.",
        "Nothing if the key was changed: the page subscribes anew when it is next opened. Otherwise compare the page's key with the one entered.",
    ),
    (
        WEB_PUSH,
        "http_404",
        "The subscription is gone. The device is given up.",
        "Nothing: the page subscribes anew when it is next opened.",
    ),
    (WEB_PUSH, "http_406", "Too many pushes, in the words of Microsoft.", WATCH),
    (
        WEB_PUSH,
        "http_410",
        "The subscription is gone. The device is given up.",
        "Nothing: the page subscribes anew when it is next opened.",
    ),
    (
        WEB_PUSH,
        "http_413",
        "The payload is too large for the push service.",
        "Shorten the texts of the service.",
    ),
    (WEB_PUSH, "http_429", "Too many pushes for the push service.", WATCH),
    (WEB_PUSH, "http_500", "The push service has a fault of its own.", WATCH),
    (WEB_PUSH, "http_503", "The push service is overloaded or being worked on.", WATCH),
    (
        WEB_PUSH,
        "not_public",
        "The subscription leads to an address that is not on the public internet; nothing was sent there. It is set aside.",
        "Nothing for real browsers. If it recurs, somebody tries to reach machines of yours: look at who registers.",
    ),
    (
        None,
        "connect_failed",
        "No connection could be made. The lane looks for one every second.",
        "Check DNS, the firewall, the trust roots (push.trust_roots_file) and the configured endpoint.",
    ),
    (
        None,
        "timed_out",
        "No answer came in time. The push may have arrived; the app drops the copy.",
        "Nothing if it is rare. Otherwise look at the network between this server and the provider.",
    ),
    (
        None,
        "connection_lost",
        "The connection broke before the answer. The push may have arrived; the app drops the copy.",
        "Nothing if it is rare. Otherwise look at the network between this server and the provider.",
    ),
    (
        None,
        "no_credential",
        "No credential is entered for the device's app or provider.",
        "Enter one (ringback admin push apns or fcm, with the topic the app registers), then replay what is still true.",
    ),
    (
        None,
        "credential_expired",
        "The provider refuses the credential as run out, even after it was renewed. The lane rests.",
        "Check the clock of the server (NTP), then enter the credential again.",
    ),
    (
        None,
        "cannot_sign",
        "The credential's key cannot sign. The lane rests.",
        "Enter the key again as the provider handed it out.",
    ),
    (
        None,
        "expired",
        "Its time ran out before it was sent: the lane rested, or the server was stopped or too busy.",
        "Look for resting lanes (ringback_push_lane_resting) and for what else did not get through then.",
    ),
    (None, "moved_on", "It was no longer true when its turn came, or its device was gone.", NOTHING),
    (None, "superseded", "Newer news took its place.", NOTHING),
    (
        None,
        "internal",
        "This server could not make the push; its log says why.",
        "Look for the delivery's id in the log, and check that the key file is the right one.",
    ),
    (None, "moved", "The same token was registered by a new installation of the app.", NOTHING),
    (
        None,
        "too_many",
        "The installation registered more devices than it may have; this one was the oldest.",
        "Nothing, unless it recurs: then the app registers under ever new names.",
    ),
    (None, "unregistered", "The app gave the registration up, for example at logout.", NOTHING),
];

const UNWELL: Advice = Advice { meaning: "The provider is unwell.", to_do: WATCH };
const NOT_TAKEN: Advice = Advice {
    meaning: "The provider does not take the push and does not say more than the status.",
    to_do: REPORT,
};
const TOKEN_SERVICE: Advice = Advice {
    meaning: "Google's token service refuses and does not say more than the status.",
    to_do: "Enter the service account again, and look at it in the Google Cloud console.",
};
const NOT_MADE: Advice = Advice {
    meaning: "This server did not send it: it breaks a rule of the provider, which the reason names.",
    to_do: "Change the texts or the sound of the service if the reason is about them; otherwise report it as a fault of Ringback.",
};
const UNKNOWN: Advice = Advice {
    meaning: "This version of Ringback does not know the word.",
    to_do: "Look it up in the provider's documentation; a newer version of Ringback may know it.",
};

/// What a reason means; an honest word about those that are not known.
pub fn advice(provider: &str, reason: &str) -> Advice {
    exact(provider, reason).unwrap_or_else(|| general(reason))
}

/// What the table says of a reason.
pub fn exact(provider: &str, reason: &str) -> Option<Advice> {
    let is_it = |(of, word, ..): &&Known| *word == reason && of.is_none_or(|of| of == provider);
    KNOWN.iter().find(is_it).map(|(_, _, meaning, to_do)| Advice { meaning, to_do })
}

fn general(reason: &str) -> Advice {
    let status = |prefix| reason.strip_prefix(prefix).and_then(|status: &str| status.parse::<u16>().ok());
    match (status("http_"), status("oauth_http_")) {
        (Some(500..), _) | (_, Some(429 | 500..)) => UNWELL,
        (Some(_), _) => NOT_TAKEN,
        (_, Some(_)) => TOKEN_SERVICE,
        // A word of a provider has no spaces; a sentence is what our own clients say of a push they will not send.
        _ if reason.contains(' ') => NOT_MADE,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_is_there_once() {
        let words: BTreeSet<_> = KNOWN.iter().map(|(provider, reason, ..)| (provider, reason)).collect();
        assert_eq!(words.len(), KNOWN.len());
        let of_all: BTreeSet<_> = KNOWN.iter().filter(|row| row.0.is_none()).map(|row| row.1).collect();
        let of_one = KNOWN.iter().filter(|row| row.0.is_some()).map(|row| row.1);
        assert_eq!(of_one.filter(|reason| of_all.contains(reason)).count(), 0);
    }

    #[test]
    fn a_word_means_what_its_provider_means_by_it() {
        assert_eq!(exact("apns", "UNREGISTERED"), None);
        assert_eq!(advice("apns", "UNREGISTERED"), UNKNOWN);
        assert!(advice("web_push", "http_410").meaning.contains("gone"));
        assert_eq!(advice("apns", "http_410"), NOT_TAKEN);
        assert_eq!(exact("fcm", "timed_out"), exact("apns", "timed_out"));
    }

    #[test]
    fn what_is_not_in_the_table_is_told_by_its_kind() {
        for (reason, wanted) in [
            ("http_502", UNWELL),
            ("http_418", NOT_TAKEN),
            ("oauth_http_403", TOKEN_SERVICE),
            ("oauth_http_429", UNWELL),
            ("oauth_http_503", UNWELL),
            ("the target is empty", NOT_MADE),
            ("SomethingNew", UNKNOWN),
            ("http_x", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(advice("fcm", reason), wanted, "{reason}");
        }
    }

    proptest! {
        #[test]
        fn any_word_has_an_advice(provider in "[a-z_]{0,9}", reason in ".{0,40}") {
            let Advice { meaning, to_do } = advice(&provider, &reason);
            prop_assert!(meaning.ends_with('.') && to_do.ends_with('.'));
        }
    }
}
