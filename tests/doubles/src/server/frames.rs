//! The few HTTP/2 frames that are read or written here (RFC 9113, sections 4.1, 6.5 and 6.8).

use bytes::{BufMut, Bytes, BytesMut};

pub(super) const HEAD: usize = 9;
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const ACK: u8 = 1;
const MAX_CONCURRENT_STREAMS: u16 = 3;

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) kind: u8,
    flags: u8,
    pub(super) stream: u32,
}

impl Head {
    /// `None` if it is not all there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEAD] = bytes.first_chunk()?;
        let [l1, l2, l3, kind, flags, s1, s2, s3, s4] = *bytes;
        let length = u32::from_be_bytes([0, l1, l2, l3]) as usize;
        Some(Self { length, kind, flags, stream: u32::from_be_bytes([s1, s2, s3, s4]) & 0x7fff_ffff })
    }

    pub(super) fn is_settings(self) -> bool {
        self.kind == SETTINGS && self.flags & ACK == 0
    }

    pub(super) fn is_settings_ack(self) -> bool {
        self.kind == SETTINGS && self.flags & ACK != 0
    }
}

/// Writes the stream limit over the one in a SETTINGS frame.
pub(super) fn set_limit(frame: &mut [u8], limit: u32) {
    for setting in frame[HEAD..].chunks_exact_mut(6) {
        if setting[..2] == MAX_CONCURRENT_STREAMS.to_be_bytes() {
            setting[2..].copy_from_slice(&limit.to_be_bytes());
        }
    }
}

fn frame(kind: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD + payload.len());
    frame.put_uint(payload.len() as u64, 3);
    frame.put_u8(kind);
    frame.put_u8(0);
    frame.put_u32(0);
    frame.put_slice(payload);
    frame.freeze()
}

pub(super) fn settings(limit: u32) -> Bytes {
    frame(SETTINGS, &[&MAX_CONCURRENT_STREAMS.to_be_bytes()[..], &limit.to_be_bytes()].concat())
}

/// A GOAWAY with `NO_ERROR`.
pub(super) fn go_away(last_stream: u32, debug: &[u8]) -> Bytes {
    frame(GO_AWAY, &[&last_stream.to_be_bytes()[..], &0_u32.to_be_bytes(), debug].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_in_the_rfc() {
        assert_eq!(settings(1)[..], [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1]);
        let last = go_away(5, b"x");
        assert_eq!(last[..], [0, 0, 9, 7, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, b'x']);
        let head = Head::read(&last).unwrap();
        assert_eq!((head.length, head.kind, head.stream), (9, GO_AWAY, 0));
        assert_eq!(Head::read(&last[..8]), None);
    }

    #[test]
    fn only_the_limit_is_overwritten() {
        let mut frame = [&frame(SETTINGS, &[0, 4, 0, 0, 0, 9, 0, 3, 255, 255, 255, 255])[..]].concat();
        set_limit(&mut frame, 7);
        assert_eq!(frame[HEAD..], [0, 4, 0, 0, 0, 9, 0, 3, 0, 0, 0, 7]);
    }
}
