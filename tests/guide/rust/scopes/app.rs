mod SNIPPET {
    use crate::stage::*;

    /// What is printed is shown.
    macro_rules! println {
        ($($what:tt)*) => { show(format!($($what)*)) };
    }

    /// An app from its beginning: has to get a callback accepted, and to show something.
    pub(crate) async fn play(centre: &Centre, _folder: &Path) -> Outcome {
        let app_key = centre.app_key.as_str();
        until_shown(async {
// the snippet
            Ok(())
        })
        .await?;
        has_accepted(centre).await
    }
}
