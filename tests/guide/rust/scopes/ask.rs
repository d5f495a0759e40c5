mod SNIPPET {
    use crate::stage::*;

    /// A client that has asked for nothing yet: has to get a callback accepted.
    pub(crate) async fn play(centre: &Centre, folder: &Path) -> Outcome {
        let client = client(&centre.url, centre, folder)?;
        {
// the snippet
        }
        has_accepted(centre).await
    }
}
