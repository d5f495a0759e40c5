//! The list, and what is done while it cannot be had.

use super::*;
use proptest::prelude::*;
use std::io::Write as _;
use std::net::TcpListener;

const LIST: &str = r#"{ "entries": {
    "2c8cdddfd5e03bfc": { "status": "REVOKED", "expires": "2020-11-13", "reason": "KEY_COMPROMISE" },
    "c8966fcb2fbb0d7a": { "status": "SUSPENDED", "comment": "Bug 123" }
} }"#;

#[test]
fn whoever_is_listed_counts_no_more() {
    let list = StatusList::read(LIST.as_bytes()).unwrap();
    assert!(list.names(&[0x2c, 0x8c, 0xdd, 0xdf, 0xd5, 0xe0, 0x3b, 0xfc]));
    assert!(list.names(&[0, 0xc8, 0x96, 0x6f, 0xcb, 0x2f, 0xbb, 0x0d, 0x7a]));
    assert!(!list.names(&[0xc8, 0x96, 0x6f, 0xcb, 0x2f, 0xbb, 0x0d]));
    assert!(!list.names(&[]));
    assert_eq!(StatusList::read(br#"{ "entries": {} }"#).unwrap(), StatusList::default());
    for wrong in ["", "{}", "[]", "<html>", r#"{ "entries": [] }"#] {
        assert!(matches!(StatusList::read(wrong.as_bytes()), Err(ListError::Unreadable(_))), "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_serial_number_is_found_however_it_is_written(
        first in 1_u8.., rest in prop::collection::vec(any::<u8>(), 0..20), zeros in 0_usize..3, capital: bool,
    ) {
        let serial = [&[first][..], &rest].concat();
        let digits: String = serial.iter().map(|byte| format!("{byte:02x}")).collect();
        let digits = digits.trim_start_matches('0').to_owned();
        let digits = if capital { digits.to_uppercase() } else { digits };
        let list = StatusList::read(format!(r#"{{ "entries": {{ "{digits}": {{}} }} }}"#).as_bytes()).unwrap();
        prop_assert!(list.names(&[&vec![0; zeros][..], &serial].concat()));
        prop_assert!(!list.names(&[&serial[..], &[1]].concat()));
    }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minutes).unwrap()
}

fn revocations(settings: &AttestationSettings) -> Result<Revocations, AttestationError> {
    Revocations::new(settings, &ConnectionSettings::default())
}

#[tokio::test]
async fn a_file_is_read_anew_every_hour_and_counts_for_a_day() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let path = Some(file.path().to_owned());
    let settings = AttestationSettings { android_key_status_file: path, ..AttestationSettings::default() };
    assert!(matches!(revocations(&settings), Err(AttestationError::StatusList { .. })), "it is empty");
    file.write_all(LIST.as_bytes()).unwrap();
    let revocations = revocations(&settings).unwrap();
    let is_listed = async |minutes| {
        let list = revocations.list(at(minutes)).await;
        list.map(|list| list.names(&[0xc8, 0x96, 0x6f, 0xcb, 0x2f, 0xbb, 0x0d, 0x7a]))
    };
    assert_eq!(is_listed(0).await, Some(true));
    std::fs::write(file.path(), r#"{ "entries": {} }"#).unwrap();
    assert_eq!(is_listed(59).await, Some(true));
    assert_eq!(is_listed(60).await, Some(false));
    drop(file);
    assert_eq!(is_listed(60 + 24 * 60 - 1).await, Some(false), "the last one still counts");
    assert_eq!(is_listed(60 + 24 * 60 + 2).await, None);
}

#[tokio::test]
async fn who_does_not_answer_is_not_asked_again_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/status", listener.local_addr().unwrap());
    let (asked, count) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // Each caller is hung up on.
        while listener.accept().is_ok_and(|_| asked.send(()).is_ok()) {}
    });
    let settings = AttestationSettings { android_key_status_url: url, ..AttestationSettings::default() };
    let revocations = revocations(&settings).unwrap();
    for (minutes, expected) in [(0, 1), (0, 0), (1, 1), (1, 0)] {
        assert_eq!(revocations.list(at(minutes)).await, None);
        assert_eq!(count.try_iter().count(), expected, "{minutes}");
    }
}
