//! Receipts: what apps say became of pushes.

use crate::refusal::Refusal;
use crate::storage::Tx;
use crate::words::word;
use ringback_core::protocol::{ProblemCode, PushReceipt, ReceiptKind, Timestamp};

/// Writes a receipt down, if it is the first of its kind. Somebody else's push does not exist (I6).
pub fn note(
    tx: &mut Tx<'_>,
    installation_id: &str,
    receipt: &PushReceipt,
    now: Timestamp,
) -> Result<(), Refusal> {
    let sql = match receipt.kind {
        ReceiptKind::Received => {
            "update push_deliveries set received_at = coalesce(received_at, $1) where id = $2 and device_id in \
             (select id from devices where installation_id = $3) returning provider, event, sent_at, received_at"
        }
        // Who opens it has got it.
        ReceiptKind::Opened => {
            "update push_deliveries set received_at = coalesce(received_at, $1), opened_at = coalesce(opened_at, $1) \
             where id = $2 and device_id in (select id from devices where installation_id = $3) \
             returning provider, event, sent_at, opened_at"
        }
    };
    let noted = tx.query_opt(sql, &[&now, &receipt.delivery_id, &installation_id], |row| {
        Ok((
            row.get::<String>(0)?,
            row.get::<String>(1)?,
            row.get::<Option<Timestamp>>(2)?,
            row.get::<Option<Timestamp>>(3)?,
        ))
    })?;
    let (provider, event, sent_at, noted_at) =
        noted.ok_or_else(|| Refusal::plain(ProblemCode::DeliveryNotFound))?;
    if noted_at == Some(now) {
        let kind = word(receipt.kind)?;
        metrics::counter!(
            "ringback_push_receipts_total",
            "provider" => provider.clone(), "event" => event.clone(), "kind" => kind.clone()
        )
        .increment(1);
        // A receipt may be faster than the note that the provider took the push.
        if let Some(sent_at) = sent_at {
            let took_s = now.duration_since(sent_at).as_secs_f64().max(0.0);
            metrics::histogram!("ringback_push_receipt_seconds", "provider" => provider, "event" => event, "kind" => kind)
                .record(took_s);
        }
    }
    Ok(())
}
