//! The codes of errors that no server sent.

macro_rules! client_codes {
    ($($variant:ident = $code:literal, $retryable:literal, $title:literal, $advice:literal;)+) => {
        /// Every code of the client's own; a refusal has the server's, see
        /// [`ProblemCode`](crate::protocol::ProblemCode). `docs/errors.md` is made from both tables.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ClientCode {
            $(#[doc = $title] $variant),+
        }

        impl ClientCode {
            /// All codes, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as programs compare it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The same request may succeed later, as it is.
            pub fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retryable),+ }
            }

            /// What kind of error it is.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// What to do about it.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice),+ }
            }
        }
    };
}

client_codes! {
    Unreachable = "unreachable", true, "The server cannot be reached", "Tell the person that the network is away; call `resume` when it is back.";
    TimedOut = "timed_out", true, "The server did not answer in time", "The request may have arrived all the same: call `resume`, or ask for the same thing again.";
    AnswerUnreadable = "answer_unreadable", true, "The answer is not the server's", "A network's sign-in page, or a wrong base URL: check what answers there, then call `resume`.";
    HostStorageFailed = "host_storage_failed", true, "The device's secure store failed", "Try again once the device has been unlocked; otherwise look at the `SecureStore` the app gives.";
    OutboxFailed = "outbox_failed", true, "The outbox could not be read or written", "Nothing was sent. The detail says what to do: mostly that the device is full. Without `pending_key` nothing is kept either.";
    RequestExpired = "request_expired", false, "The request outlived its use", "Ask the person whether they still want it; a new request is a new tap. With `may_have_arrived` look into `callbacks` first.";
    Cancelled = "cancelled", true, "The call was called off", "Whoever called it off knows why. A request that was under way lies in the outbox: `resume` or `discard` it.";
    ConfigInvalid = "config_invalid", false, "The configuration is not valid", "Correct the named field; the detail says what is wrong with it.";
    CallbackIdInvalid = "callback_id_invalid", false, "The id is not a callback's", "Give the `id` of a callback exactly as the client returned it.";
    KeyInvalid = "key_invalid", false, "The key is not a kept request's", "Give the `key` of one of the requests that `pending` lists.";
    PushMalformed = "push_malformed", false, "The push cannot be read", "Hand over the push's data unchanged; if that is so, the app's SDK is older than the server.";
    PushNotOurs = "push_not_ours", false, "The push is somebody else's", "Answer only notifications whose data has the key `ringback`.";
    PushAsksNothing = "push_asks_nothing", false, "The push asks nothing", "Offer answers only on notifications of the category `RINGBACK_AGENT_READY`; take back the notification of a withdrawn question.";
    ClientFailed = "client_failed", false, "The client made a mistake", "Report the detail to whoever makes the app.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ProblemCode;
    use std::collections::HashSet;

    #[test]
    fn no_code_has_two_meanings() {
        let own = ClientCode::ALL.iter().map(|code| code.code());
        let codes: Vec<_> = own.chain(ProblemCode::ALL.iter().map(|code| code.code())).collect();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
    }
}
