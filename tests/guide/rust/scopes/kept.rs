mod SNIPPET {
    use crate::stage::*;

    /// A request could not be sent and is kept: it has to be sent.
    pub(crate) async fn play(centre: &Centre, folder: &Path) -> Outcome {
        let request = CallbackRequest::new("billing", "+4930901820");
        let kept = client("http://127.0.0.1:9", centre, folder)?.request_callback(request).await;
        ensure(kept.is_err_and(|error| error.pending_key().is_some()), "it is not kept")?;
        let client = client(&centre.url, centre, folder)?;
        ensure(client.pending().await?.len() == 1, "one is kept")?;
        {
// the snippet
        }
        ensure(client.pending().await?.is_empty(), "something is left")?;
        has_accepted(centre).await
    }
}
