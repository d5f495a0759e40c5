mod SNIPPET {
    use crate::stage::*;

    /// An agent is ready, and the push that asks has come: the person has to say so too.
    pub(crate) async fn play(centre: &Centre, folder: &Path) -> Outcome {
        let phone = Phone::new(centre, PhoneKind::Android, folder, None)?;
        let client = &phone.client;
        phone.register_push().await?;
        let asked = client.request_callback(CallbackRequest::new("billing", "+4930901820")).await?;
        centre.staff().agent("ada", "ready").await?;
        let data = push_data(&phone.wait_for_push(centre, &asked.id).await?);
        {
// the snippet
        }
        let phase = client.callback(asked.id).await?.phase;
        ensure(
            matches!(phase, Some(RoutingPhase::Confirmed | RoutingPhase::Connecting)),
            "the person is not ready",
        )
    }
}
