//! `docs/errors.md` says what the tables of codes say.

use ringback_core::client::{ClientCode, ClientError};
use ringback_core::protocol::{Problem, ProblemCode};
use std::path::Path;

const UPDATE: &str = "RINGBACK_UPDATE_DOCS";

const HEAD: &str = "\
# Errors

Every refusal of the server is a problem document (RFC 9457, `application/problem+json`) with a stable `code`. The
client hands it on unchanged as the error's code, together with `detail`, which says what is wrong with this very
request, and `request_id`, which names it in the server's logs. Errors of the client itself have codes of the same kind.
Compare codes, never titles or details: those may be worded better one day.

\"Again\" says whether the same request may succeed later as it is; the client has then already tried several times. None
of these texts holds a phone number, a name, a token or a context value.
";

fn yes(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## From the server\n\n| Code | Status | Again | What it is | What to do |\n|---|---|---|---|---|\n");
    for known in ProblemCode::ALL {
        let again = yes(ClientError::from(Problem::new(*known, "")).is_retryable());
        let (code, status) = (known.code(), known.status());
        let (title, advice) = (known.title(), known.advice());
        text.push_str(&format!("| `{code}` | {status} | {again} | {title} | {advice} |\n"));
    }
    text.push_str("\n## From the client\n\n| Code | Again | What it is | What to do |\n|---|---|---|---|\n");
    for own in ClientCode::ALL {
        let (code, again) = (own.code(), yes(own.is_retryable()));
        text.push_str(&format!("| `{code}` | {again} | {} | {} |\n", own.title(), own.advice()));
    }
    text.push_str(&format!(
        "\nThis file is made from the tables in `core/src/protocol/problem.rs` and `core/src/client/code.rs`:\n\
         `{UPDATE}=1 cargo test -p ringback-core --test errors_doc` writes it, and the same test without the\n\
         variable compares it.\n"
    ));
    text
}

#[test]
fn the_document_lists_every_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let document = document();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &document).expect("docs/errors.md can be written");
        return;
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == document,
        "docs/errors.md is not what the code says; {UPDATE}=1 cargo test -p ringback-core --test errors_doc writes it"
    );
}
