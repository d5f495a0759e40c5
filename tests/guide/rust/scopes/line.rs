mod SNIPPET {
    use crate::stage::*;

    /// A callback is in line, and was asked for with this request: something has to be shown.
    pub(crate) async fn play(centre: &Centre, folder: &Path) -> Outcome {
        let client = client(&centre.url, centre, folder)?;
        let request = CallbackRequest::new("billing", "+4930901820");
        let callback = client.request_callback(request.clone()).await?;
        until_shown(async {
// the snippet
            Ok(())
        })
        .await?;
        ensure(client.callback(callback.id).await?.state == CallbackState::Queued, "it is not in line any more")
    }
}
