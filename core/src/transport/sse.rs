//! Server-sent events, as the WHATWG HTML standard parses them (section 9.2.6). `id` and `retry` are not kept: the
//! sequence number of an event is in its data, and waits are the client's own.

/// The longest event, and the longest line, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// One event with data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// What kind of event it is; `message` when the server does not say.
    pub(crate) name: String,
    /// All its `data` lines.
    pub(crate) data: String,
}

/// The stream holds a line or an event longer than anybody may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Makes events out of bytes, however they were cut into chunks.
#[derive(Default)]
pub(crate) struct SseParser {
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed after it belongs to it.
    after_cr: bool,
    past_first_line: bool,
    name: String,
    data: String,
}

impl SseParser {
    /// Takes a chunk and gives the events that it completes.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        let mut events = Vec::new();
        for &byte in chunk {
            let follows_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if follows_cr => {}
                b'\n' | b'\r' => events.extend(self.end_line()?),
                _ if self.line.len() == MAX_BYTES => return Err(TooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Result<Option<SseEvent>, TooLong> {
        let bytes = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes);
        let first = !std::mem::replace(&mut self.past_first_line, true);
        let line = if first { line.strip_prefix('\u{feff}').unwrap_or(&line) } else { &line };
        if line.is_empty() {
            return Ok(self.end_event());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" if self.data.len() + value.len() > MAX_BYTES => return Err(TooLong),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            // A comment has no field name; other fields mean nothing to us.
            _ => {}
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Option<SseEvent> {
        let name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        data.pop()?;
        let name = if name.is_empty() { "message".to_owned() } else { name };
        Some(SseEvent { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(chunks: &[&[u8]]) -> Vec<(String, String)> {
        let mut parser = SseParser::default();
        let events = chunks.iter().flat_map(|chunk| parser.feed(chunk).expect("short enough"));
        events.map(|event| (event.name, event.data)).collect()
    }

    fn events(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect()
    }

    #[test]
    fn fields_comments_and_line_ends() {
        let text = b"\xef\xbb\xbf: hello\r\n\r\nid: 7\nevent: callback\rdata:{\"a\":1}\r\rdata: x\ndata\ndata:  y\n\nevent: none\n\n";
        assert_eq!(parse(&[text]), events(&[("callback", "{\"a\":1}"), ("message", "x\n\n y")]));
    }

    #[test]
    fn a_line_end_may_be_cut_in_two() {
        assert_eq!(
            parse(&[b"data: a\r", b"\n\r", b"\ndata: b\r\n", b"\r\n"]),
            events(&[("message", "a"), ("message", "b")])
        );
    }

    #[test]
    fn an_event_that_does_not_end_is_none() {
        assert_eq!(parse(&[b"data: a\n"]), events(&[]));
    }

    #[test]
    fn lines_and_events_are_bounded() {
        let mut parser = SseParser::default();
        assert_eq!(parser.feed(&vec![b'x'; MAX_BYTES + 1]), Err(TooLong));
        let mut parser = SseParser::default();
        let line = [b"data:".to_vec(), vec![b'x'; MAX_BYTES / 2], b"\n".to_vec()].concat();
        assert!(parser.feed(&line).is_ok());
        assert_eq!(parser.feed(&line), Err(TooLong));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            lines in prop::collection::vec("(|:|data|data: ?|event:|id:|\u{feff})[a-zü: ]{0,5}(\r|\n|\r\n)", 0..30),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let text = lines.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect();
            prop_assert_eq!(parse(&chunks), parse(&[&text]));
        }

        #[test]
        fn what_is_written_is_read(
            sent in prop::collection::vec(("[a-z]{1,8}", "[^\r\n]{0,40}(\n[^\r\n]{0,40})?"), 0..8),
            end in prop::sample::select(vec!["\n", "\r", "\r\n"]),
        ) {
            let mut text = format!(": keep-alive{end}");
            for (name, data) in &sent {
                text.push_str(&format!("event: {name}{end}"));
                for line in data.split('\n') {
                    text.push_str(&format!("data: {line}{end}"));
                }
                text.push_str(end);
            }
            prop_assert_eq!(parse(&[text.as_bytes()]), sent);
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = SseParser::default().feed(&bytes);
        }
    }
}
